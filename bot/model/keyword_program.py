"""A keyword that people text to opt in to a subscription, and the words that they read where it is advertised."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from bot.model.base import Document

LONGEST_KEYWORD = 34
"""Characters, as at Twilio."""


class KeywordProgram(Document):
    """`_id` is the keyword in lower case, so that it is unique in the workspace.

    `version` counts its changes, starting at 1; the log of its `KeywordProgramVersion`s has them.
    """

    subscription: str
    place: str = Field(min_length=1, max_length=120)
    """Where people read the keyword, for teammates: "Poster in the shop"."""
    title: str = Field(min_length=1, max_length=200)
    legal_text: str = Field(min_length=1, max_length=2000)
    locale: str = "en"
    """The language of title and legal text."""
    is_paused: bool = False
    version: int = 1
    created_at: datetime
    updated_at: datetime

    @property
    def keyword(self) -> str:
        """As posters print it."""
        return self.id.upper()


class KeywordProgramVersion(Document):
    """One change of a program, kept forever. `_id` is `<keyword>:<version>`."""

    keyword: str
    seq: int
    """The version that the change made."""
    act: str = Field(pattern="^(created|edited|paused|resumed)$")
    by: str
    """The teammate's id."""
    by_name: str
    """The name at that time."""
    at: datetime
    after: KeywordProgram
    key: str
