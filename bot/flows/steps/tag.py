"""Tag: the contact gets a tag or loses it."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from bot.flows.effects import ChangeTag
from bot.flows.steps.base import Outcome, StepBase, Turn


class TagStep(StepBase):
    """`tag`: its id."""

    is_silent: ClassVar[bool] = True
    kind: Literal["tag"] = "tag"
    tag: str = Field(min_length=1, max_length=100)
    is_removed: bool = False

    def enter(self, turn: Turn) -> Outcome:
        return Outcome((ChangeTag(self.tag, self.is_removed),))
