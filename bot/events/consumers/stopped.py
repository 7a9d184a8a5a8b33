"""Marks contacts who got a number that is on the stop list."""

from __future__ import annotations

from collections.abc import Sequence

from bot.consent.projection import GIVES_ADDRESS
from bot.consent.stop_marks import mark_stops
from bot.events.consumers.base import Consumer
from bot.model.event import ConsentEvent
from bot.store import Store


class MarkStopped(Consumer):
    name = "stopped"

    def __init__(self, store: Store) -> None:
        self._store = store

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        """The projection removed the marks of the previous number."""
        numbers = {event.number for event in events if event.number and event.action in GIVES_ADDRESS}
        if numbers:
            await mark_stops(self._store, numbers)
