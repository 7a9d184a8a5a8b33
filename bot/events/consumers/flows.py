"""Flows that wait for a card or for a change of consent continue."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat.card_answer import answers_card
from bot.events.consumers.base import Consumer, for_each
from bot.flows.opening import Openings
from bot.flows.runs import Runs
from bot.model.event import Action, ConsentEvent


class ContinueFlows(Consumer):
    name = "flows"

    def __init__(self, runs: Runs, openings: Openings) -> None:
        self._runs = runs
        self._openings = openings

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        continued = self._openings.take_stored([event.event for event in events])
        answers = [e for e in events if answers_card(e) and not e.stopped and e.event not in continued]
        cards = {(e.context.part, e.action is Action.REQUEST_CONFIRMATION): None for e in answers}
        await for_each([*cards], lambda card: self._runs.card_answered(card[0] or "", is_pending=card[1]))
        await self._runs.consents_changed(events)
