"""Notes on an outbound message's copy that it led to an opt-out."""

from __future__ import annotations

from collections.abc import Sequence

from bot.events.consumers.base import Consumer
from bot.model.event import ConsentEvent
from bot.outbound.outcomes import Outcomes


class NoteOptOuts(Consumer):
    name = "outcomes"

    def __init__(self, outcomes: Outcomes) -> None:
        self._outcomes = outcomes

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        await self._outcomes.opted_out(events)

    async def unhandled(self, events: Sequence[ConsentEvent]) -> Sequence[ConsentEvent]:
        return await self._outcomes.not_noted(events)
