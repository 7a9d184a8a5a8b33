"""Who gets a chat message. Shared by the preview, the count, the page and the job that shows it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.consent.choices import numbers_of
from bot.model.contact import Contact
from bot.model.outbound_message import ChatTerms
from bot.outbound.chat_rules import refusal
from bot.store import Store


class ChatJudge:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, terms: ChatTerms, contacts: Sequence[Contact]) -> dict[str, str]:
        """By contact, why they don't get a message with these terms; empty: they do."""
        card = terms.card
        subscription = await self._store.subscriptions.recent(card.subscription) if card else None
        numbers = {number for contact in contacts for number in numbers_of(contact)} if card else set()
        stopped = await self._store.stops.stopped(numbers) if numbers else frozenset()
        return {contact.id: refusal(terms, contact, subscription, stopped) for contact in contacts}
