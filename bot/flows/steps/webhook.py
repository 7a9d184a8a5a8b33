"""Webhook: notifies the endpoints that are subscribed to flow events. The run doesn't wait for their answer."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from bot.flows.effects import Notify
from bot.flows.steps.base import Outcome, StepBase, Turn

Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class WebhookStep(StepBase):
    """`event`: the name that the receiver gets. `values` can contain variables."""

    is_silent: ClassVar[bool] = True
    kind: Literal["webhook"] = "webhook"
    event: str = Field(pattern=r"^[a-z][a-z0-9_.]{0,59}$")
    values: dict[Key, Annotated[str, Field(max_length=500)]] = Field(default_factory=dict, max_length=20)

    def enter(self, turn: Turn) -> Outcome:
        values = {key: turn.words(text, {}) for key, text in self.values.items()}
        return Outcome((Notify(self.event, values),))
