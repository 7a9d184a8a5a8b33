"""Started by a teammate: they choose the flow in a conversation, or an app starts it."""

from __future__ import annotations

from typing import Literal

from bot.flows.triggers.base import Moment, TriggerBase


class StartedByTeammate(TriggerBase):
    """The audience makes no difference: the teammate chooses the person."""

    kind: Literal["started_by_teammate"] = "started_by_teammate"

    def starts(self, moment: Moment) -> bool:
        return False
