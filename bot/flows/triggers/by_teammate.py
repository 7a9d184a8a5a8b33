"""By a teammate: the flow is started by hand in a conversation."""

from __future__ import annotations

from typing import Literal

from bot.flows.triggers.base import Moment, TeammateStarts, TriggerBase


class ByTeammate(TriggerBase):
    kind: Literal["by_teammate"] = "by_teammate"

    def starts(self, moment: Moment) -> bool:
        return isinstance(moment, TeammateStarts)
