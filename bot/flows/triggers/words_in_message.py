"""Words in a message: the contact writes one of these words or phrases."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bot.flows.triggers.base import MessageComes, Moment, TriggerBase
from bot.model.base import words_in_order


class WordsInMessage(TriggerBase):
    """Upper and lower case and accents make no difference. A phrase must occur as it is."""

    kind: Literal["words_in_message"] = "words_in_message"
    by_text: bool = False
    """Also if they text it."""
    words: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(min_length=1, max_length=50)

    def starts(self, moment: Moment) -> bool:
        if not isinstance(moment, MessageComes) or (moment.by_text and not self.by_text):
            return False
        said = _joined(moment.text)
        return any((phrase := _joined(words)) != "  " and phrase in said for words in self.words)


def _joined(text: str) -> str:
    return f" {' '.join(words_in_order(text))} "
