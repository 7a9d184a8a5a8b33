"""Flows that wait for a card or for a change of consent continue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.chat.card_answer import answers_card, counts
from bot.events.consumers.base import Consumer, for_each
from bot.flows.opening import Openings
from bot.flows.runs import Runs
from bot.model.event import ConsentEvent


class ContinueFlows(Consumer):
    name = "flows"

    def __init__(self, runs: Runs, openings: Openings) -> None:
        self._runs = runs
        self._openings = openings

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        continued = self._openings.take_stored([event.event for event in events])
        cards = {e.context.part: None for e in events if answers_card(e) and counts(e) and e.event not in continued}
        await asyncio.gather(
            for_each([part for part in cards if part], self._runs.card_answered), self._runs.consents_changed(events)
        )
