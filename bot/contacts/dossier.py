"""What a profile shows beside consents: conversations, texts, and whether each subscription may send."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.consent.numbers import address_of
from bot.consent.stop_list import StopList
from bot.contacts.permission_answer import PermissionAnswer, permission_answer
from bot.model.contact import Contact
from bot.model.conversation import Conversation
from bot.model.delivery import Delivery
from bot.model.subscription import MessageType
from bot.store import Store

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Dossier:
    conversations: Sequence[Conversation]
    deliveries: Sequence[Delivery]
    answers: Sequence[PermissionAnswer]
    """By subscription: live ones first."""
    merged: Sequence[Contact]
    """Contacts that were merged into this one."""


class Dossiers:
    def __init__(self, store: Store, stops: StopList) -> None:
        self._store = store
        self._stops = stops

    async def of(self, contact: Contact) -> Dossier:
        conversations, deliveries, answers, merged = await asyncio.gather(
            self._store.conversations.of_contact(contact.id, limit=SHOWN),
            self._store.deliveries.to_contact(contact.id, limit=SHOWN),
            self.answers(contact),
            self._store.contacts.merged_into(contact.id, limit=SHOWN),
        )
        return Dossier(conversations, deliveries, answers, merged)

    async def answers(self, contact: Contact) -> list[PermissionAnswer]:
        number = address_of(contact, MessageType.SMS)
        subscriptions, stops = await asyncio.gather(
            self._store.subscriptions.all(), self._stops.of([number] if number else [])
        )
        stop = stops.get(number or "")
        answers = [permission_answer(contact, subscription, stop) for subscription in subscriptions]
        return sorted(answers, key=lambda a: (not a.subscription.is_live, a.subscription.name.casefold()))
