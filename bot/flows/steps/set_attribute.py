"""Set attribute: a custom attribute of the contact gets a value."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from bot.flows.effects import SetAttribute
from bot.flows.steps.base import Outcome, StepBase, Turn


class SetAttributeStep(StepBase):
    """`value` may contain variables, like `{{size}}` for the answer to the step `size`. Empty removes the attribute."""

    is_silent: ClassVar[bool] = True
    kind: Literal["set_attribute"] = "set_attribute"
    attribute: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    value: str = Field(default="", max_length=500)

    def enter(self, turn: Turn) -> Outcome:
        return Outcome((SetAttribute(self.attribute, turn.words(self.value, {})),))
