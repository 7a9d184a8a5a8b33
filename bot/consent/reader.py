"""Reads a contact's consents and their history for teammates."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.consent.choices import numbers_of
from bot.consent.ledger import Ledger
from bot.consent.numbers import address_of
from bot.consent.status import ConsentStatus, statuses
from bot.consent.stop_list import StopList
from bot.errors import NotFound
from bot.errors import marked as _
from bot.model.contact import Contact
from bot.model.event import ConsentEvent
from bot.model.paging import Cursor, Page, sequence_of
from bot.model.subscription import MessageType, Subscription
from bot.store import Store


@dataclass(frozen=True, slots=True)
class ContactConsents:
    contact: Contact
    statuses: list[ConsentStatus]
    stopped: bool
    """Whether the contact's number opted out of all texts."""

    def status(self, subscription: str) -> ConsentStatus | None:
        return next((s for s in self.statuses if s.subscription.id == subscription), None)


@dataclass(frozen=True, slots=True)
class ConsentHistory:
    """Consent events, newest first, and the names they refer to."""

    events: Sequence[ConsentEvent]
    actors: Mapping[str, str]
    """Names of teammates and API tokens by the actor's id, including removed and revoked ones."""
    subscriptions: Mapping[str, Subscription]
    next: Cursor | None


class ConsentReader:
    def __init__(self, store: Store, ledger: Ledger, stops: StopList) -> None:
        self._store = store
        self._ledger = ledger
        self._stops = stops

    async def contact(self, id: str) -> Contact:
        """Raises NotFound."""
        contact = await self._ledger.contact(id)
        if contact is None:
            raise NotFound(_("Contact not found."))
        return contact

    async def look(self, contact_id: str) -> ContactConsents:
        """In four queries. Raises NotFound."""
        contact, live = await asyncio.gather(self.contact(contact_id), self._store.subscriptions.live())
        stopped = await self._stops.among(numbers_of(contact))
        saved = address_of(contact, MessageType.SMS)
        return ContactConsents(contact, statuses(contact, live, stopped=stopped), saved in stopped)

    async def history(self, contact_id: str, *, before: Cursor | None = None, limit: int = 20) -> ConsentHistory:
        """In three queries."""
        found = await self._store.events.before(contact_id, sequence_of(before), limit=limit + 1)
        page = Page.cut(found[::-1], limit, lambda event: (event.seq,))
        return await self.named(page.items, page.next)

    async def named(self, events: Sequence[ConsentEvent], next: Cursor | None = None) -> ConsentHistory:
        """With the names that they refer to. In two queries, or three if the API made some of them."""
        teammates, tokens, subscriptions = await asyncio.gather(
            self._store.teammates.get_many({e.actor.id for e in events if e.actor.kind == "teammate"}),
            self._store.api_tokens.names({e.actor.id for e in events if e.actor.kind == "api"}),
            self._store.subscriptions.get_many({e.subscription for e in events if e.subscription}),
        )
        names = tokens | {id: teammate.name for id, teammate in teammates.items()}
        return ConsentHistory(events, names, subscriptions, next)
