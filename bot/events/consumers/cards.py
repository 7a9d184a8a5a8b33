"""Completes the card of an answer and adds the entry about it. Stores the conversation if it was only opened."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat.card_answer import answers_card, card_fields, entry_of, place_of
from bot.chat.conversations import ConversationService
from bot.events.consumers.base import Consumer, for_each
from bot.flows.opening import Openings
from bot.model.event import ConsentEvent
from bot.store import Store
from bot.store.parts import CardChange


class CompleteCards(Consumer):
    name = "cards"

    def __init__(self, store: Store, conversations: ConversationService, openings: Openings) -> None:
        self._parts = store.parts
        self._conversations = conversations
        self._openings = openings

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        """A card keeps its newest answer."""
        stored = await self._openings.store_answered([event for event in events if event.context.opening])
        answers = [event for event in events if answers_card(event) and event.event not in stored]
        await self._parts.change_cards(
            [
                CardChange(e.context.part or "", card_fields(e), only={"event": {"$not": {"$gte": e.id}}})
                for e in answers
            ]
        )
        await for_each(answers, self._add_entry)

    async def unhandled(self, events: Sequence[ConsentEvent]) -> Sequence[ConsentEvent]:
        """The events whose entry is missing; it is written after the card is completed. In one query."""
        answers = [event for event in events if answers_card(event)]
        keys = {event.id: (id := place_of(event)[0], f"{id}:{entry_of(event).key}") for event in answers}
        known = await self._parts.by_keys([*keys.values()])
        return [event for event in answers if keys[event.id][1] not in known]

    async def _add_entry(self, event: ConsentEvent) -> None:
        """Once for each answer. Raises NotFound."""
        entry = entry_of(event)
        await self._conversations.append(place_of(event)[0], entry.author, entry.content, entry.key)
