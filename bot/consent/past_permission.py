"""Whether a message could have been sent at a past moment, and why (not), from the logs alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from bot.consent.numbers import address_of
from bot.consent.permission import Permission, permission
from bot.consent.projection import project
from bot.errors import NotFound
from bot.errors import marked as _
from bot.model.contact import Contact
from bot.model.event import ConsentEvent
from bot.model.stop import StopAction, StopEvent
from bot.model.subscription import MessageType, Subscription, SubscriptionVersion
from bot.store import Store

MOST = 10_000
"""Entries of one log that are read."""


@dataclass(frozen=True, slots=True)
class PastPermission:
    permission: Permission
    consent: ConsentEvent | None
    """The consent event that was in force."""
    stop: StopEvent | None
    """The STOP that was in force for the number."""


async def permission_at(store: Store, contact: str, subscription: str, at: datetime) -> PastPermission:
    """Raises NotFound."""
    person, offered, events, versions = await asyncio.gather(
        store.contacts.get(contact),
        store.subscriptions.get(subscription),
        store.events.after(contact, 0, limit=MOST),
        store.subscription_versions.after(subscription, 0, limit=MOST),
    )
    if person is None or offered is None:
        raise NotFound(_("Contact not found."))
    then = contact_at(person, events, at)
    number = address_of(then, MessageType.SMS)
    stops = await _stops(store, number) if number else []
    return judge(then, events, subscription_at(offered, versions, at), stops, at)


async def _stops(store: Store, number: str) -> list[StopEvent]:
    """The number's log. Its newest entry may be in the list alone."""
    name = await store.stops.name_of(number)
    entries, stop = await asyncio.gather(store.stop_events.after(name, 0, limit=MOST), store.stops.get(name))
    newest = stop.newest if stop else None
    return [*entries, newest] if newest and newest.seq > len(entries) else entries


def judge(
    contact: Contact,
    events: Sequence[ConsentEvent],
    subscription: Subscription,
    stops: Sequence[StopEvent],
    at: datetime,
) -> PastPermission:
    """Pure. `contact`: as they were then; `stops`: the log of the number that they had."""
    consent = contact.consent(subscription.id)
    last = [entry for entry in stops if entry.at <= at][-1:]
    stop = last[0] if last and last[0].action is StopAction.STOP else None
    address = address_of(contact, subscription.message_type)
    is_text = subscription.message_type is MessageType.SMS
    until = _revoked_until(stops, at) if is_text else None
    answer = permission(subscription, consent, address, stopped=stop is not None and is_text, revoked_until=until)
    caused = next((event for event in events if consent and event.event == consent.event), None)
    return PastPermission(answer, caused, stop)


def _revoked_until(stops: Sequence[StopEvent], at: datetime) -> datetime | None:
    """See `Stop.revoked_until`."""
    pairs = pairwise(entry for entry in stops if entry.at <= at)
    lifted = [then.at for first, then in pairs if (first.action, then.action) == (StopAction.STOP, StopAction.START)]
    return lifted[-1] if lifted else None


def contact_at(contact: Contact, events: Sequence[ConsentEvent], at: datetime) -> Contact:
    """The contact as of an instant, projected from the events up to then."""
    bare = contact.model_copy(update={"phone": None, "email": None})
    return project(bare, [event for event in events if event.at <= at])


def subscription_at(now: Subscription, versions: Sequence[SubscriptionVersion], at: datetime) -> Subscription:
    """The subscription as of an instant; without a history, as it is."""
    until_then = [entry.after for entry in versions if entry.at <= at]
    return until_then[-1] if until_then else now
