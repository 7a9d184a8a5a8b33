"""Projects events onto contacts, if a crash kept the ledger from doing so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from bot.consent.ledger import Ledger
from bot.events.consumers.base import Consumer
from bot.model.event import ConsentEvent


class Projection(Consumer):
    name = "projection"
    after_crash_only: ClassVar[bool] = True

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        await self._ledger.contacts({event.contact for event in events})

    async def unhandled(self, events: Sequence[ConsentEvent]) -> Sequence[ConsentEvent]:
        heads = await self._ledger.heads({event.contact for event in events})
        return [event for event in events if heads.get(event.contact, 0) < event.seq]
