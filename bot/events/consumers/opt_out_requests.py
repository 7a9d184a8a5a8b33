"""Settles likely revocations once nobody with the number gets texts."""

from __future__ import annotations

from collections.abc import Sequence

from bot.contacts.opt_out_requests import OptOutRequests
from bot.events.consumers.base import Consumer
from bot.model.event import Action, ConsentEvent

ENDS = frozenset({Action.OPT_OUT, Action.REFUSE, Action.ERASE})


class CloseOptOutRequests(Consumer):
    name = "opt_out_requests"

    def __init__(self, requests: OptOutRequests) -> None:
        self._requests = requests

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        ends = [event for event in events if event.action in ENDS]
        if ends:
            numbers = {event.number: event.at for event in ends if event.number}
            await self._requests.close_for({event.contact: event.at for event in ends}, numbers)

    async def unhandled(self, events: Sequence[ConsentEvent]) -> Sequence[ConsentEvent]:
        return [event for event in events if event.action in ENDS]
