"""An answer completes its card, and is an entry in the conversation."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat.cards import Cards, answers_card
from bot.events.consumer import Consumer, for_each
from bot.model.event import ConsentEvent


class CompleteCards(Consumer):
    name = "cards"

    def __init__(self, cards: Cards) -> None:
        self._cards = cards

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        answers = [event for event in events if answers_card(event)]
        await self._cards.complete(answers)
        await for_each(answers, self._cards.say_answered)

    async def unhandled(self, events: Sequence[ConsentEvent]) -> Sequence[ConsentEvent]:
        return await self._cards.unanswered([event for event in events if answers_card(event)])
