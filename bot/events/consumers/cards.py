"""Completes the card of an answer and adds the entry about it. Stores the conversation if it was only opened."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat.cards import Cards, answers_card
from bot.events.consumers.base import Consumer, for_each
from bot.flows.opening import Openings
from bot.model.event import ConsentEvent


class CompleteCards(Consumer):
    name = "cards"

    def __init__(self, cards: Cards, openings: Openings) -> None:
        self._cards = cards
        self._openings = openings

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        stored = await self._openings.store_answered([event for event in events if event.context.opening])
        answers = [event for event in events if answers_card(event) and event.event not in stored]
        await self._cards.complete(answers)
        await for_each(answers, self._cards.say_answered)

    async def unhandled(self, events: Sequence[ConsentEvent]) -> Sequence[ConsentEvent]:
        return await self._cards.unanswered([event for event in events if answers_card(event)])
