"""Messenger opened: a visitor opens the messenger."""

from __future__ import annotations

from typing import Literal

from bot.flows.triggers.base import MessengerOpens, Moment, TriggerBase


class MessengerOpened(TriggerBase):
    """`visit`: only on someone's first visit, or only when they return."""

    kind: Literal["messenger_opened"] = "messenger_opened"
    visit: Literal["any", "first", "returning"] = "any"

    def starts(self, moment: Moment) -> bool:
        if not isinstance(moment, MessengerOpens):
            return False
        return self.visit == "any" or (self.visit == "returning") is moment.is_returning
