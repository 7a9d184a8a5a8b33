"""What a profile shows beside its timeline: whether each subscription may send, and who was merged into the contact."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.consent.numbers import address_of
from bot.consent.stop_list import StopList
from bot.contacts.permission_answer import PermissionAnswer, permission_answer
from bot.model.contact import Contact
from bot.model.subscription import MessageType, Subscription
from bot.store import Store

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Dossier:
    answers: Sequence[PermissionAnswer]
    """By subscription: live ones first."""
    merged: Sequence[Contact]
    """Contacts that were merged into this one."""


class Dossiers:
    def __init__(self, store: Store, stops: StopList) -> None:
        self._store = store
        self._stops = stops

    async def of(self, contact: Contact) -> Dossier:
        merged = self._store.contacts.merged_into(contact.id, limit=SHOWN)
        return Dossier(*await asyncio.gather(self.answers(contact), merged))

    async def answers(self, contact: Contact, wanted: Sequence[Subscription] | None = None) -> list[PermissionAnswer]:
        """`wanted`: None is all."""
        number = address_of(contact, MessageType.SMS)
        stop = (await self._stops.of([number])).get(number) if number else None
        subscriptions = await self._store.subscriptions.all() if wanted is None else wanted
        answers = [permission_answer(contact, subscription, stop) for subscription in subscriptions]
        return sorted(answers, key=lambda a: (not a.subscription.is_live, a.subscription.name.casefold()))
