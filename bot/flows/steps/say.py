"""Say: the bot writes a message, perhaps with an image and links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import ConfigDict, Field, field_validator

from bot.flows.effects import Effect, Write
from bot.flows.steps.base import LONGEST_BY_TEXT, Outcome, StepBase, Translations, Turn, Words, as_label
from bot.model.base import Value
from bot.model.conversation import LONGEST_ALT, LONGEST_LABEL, ChatImage, ChatLink, Text, WebAddress


class SayImage(ChatImage):
    """From a host that the settings allow. `alt`: what it shows, for people who can't see it."""

    model_config = ConfigDict(extra="forbid")

    translations: Translations = Field(default_factory=dict)
    """Of `alt`."""


class SayLink(Value):
    """A button that opens a page."""

    model_config = ConfigDict(extra="forbid")

    label: str = Field(min_length=1, max_length=LONGEST_LABEL)
    url: WebAddress
    translations: dict[str, str] = Field(default_factory=dict, max_length=50)


class Say(StepBase):
    kind: Literal["say"] = "say"
    text: Words
    translations: Translations = Field(default_factory=dict)
    image: SayImage | None = None
    links: tuple[SayLink, ...] = Field(default=(), max_length=5)

    @field_validator("image", mode="before")
    @classmethod
    def _none_if_empty(cls, value: object) -> object:
        """An editor leaves an empty object."""
        return value or None

    def enter(self, turn: Turn) -> Outcome:
        said = turn.say(self.text, self.translations)
        if turn.by_text:
            return Outcome(tuple(self._as_text(effect, turn) for effect in said))
        shows = {"image": self._image(turn), "links": self._links(turn)}
        return Outcome(tuple(_with(effect, shows) if isinstance(effect, Write) else effect for effect in said))

    def _as_text(self, effect: Effect, turn: Turn) -> Effect:
        """By SMS, the image and the links are addresses below the text."""
        if not isinstance(effect, Write) or not isinstance(effect.content, Text):
            return effect
        links = [f"{link.label}: {link.url}" for link in self._links(turn) or ()]
        below = [*([self.image.url] if self.image else []), *links]
        room = LONGEST_BY_TEXT - sum(len(line) + 1 for line in below)
        return Write(Text(text="\n".join([effect.content.text[: max(room, 1)], *below])))

    def _image(self, turn: Turn) -> ChatImage | None:
        if self.image is None:
            return None
        return ChatImage(url=self.image.url, alt=turn.words(self.image.alt, self.image.translations)[:LONGEST_ALT])

    def _links(self, turn: Turn) -> tuple[ChatLink, ...] | None:
        shown = ((as_label(turn.words(link.label, link.translations)), link.url) for link in self.links)
        return tuple(ChatLink(label=label, url=url) for label, url in shown if label) or None

    @property
    def is_translated(self) -> bool:
        image = self.image is not None and bool(self.image.translations)
        return bool(self.translations) or image or any(link.translations for link in self.links)


def _with(effect: Write, shows: Mapping[str, object]) -> Write:
    return Write(effect.content.model_copy(update=shows)) if isinstance(effect.content, Text) else effect
