"""Bulk changes of consent: what they would do, and doing it, a batch of contacts at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.aio.retry import retried
from bot.aio.waiting import together
from bot.consent.changes import ConsentChange
from bot.consent.choices import numbers_of
from bot.consent.ledger import Ledger
from bot.contacts.bulk_rules import BulkOutcome, ConsentOrder, done_by, is_too_weak, judged, outcome_of, proposed
from bot.errors import Conflict, Invalid, SaysoError
from bot.errors import marked as _
from bot.model.base import Value, now
from bot.model.contact import Contact
from bot.model.contact_import import TEXTS
from bot.model.event import Actor, Context, Evidence, FollowUp
from bot.model.subscription import Subscription
from bot.store import Store

SLICE = 250
"""Contacts in one round of the ledger. Rounds of one batch overlap, and those of other writers come in between."""
CLOCKS = timedelta(minutes=5)
"""How far the clocks of two processes may differ."""


Outcomes = dict[str, BulkOutcome]
"""By contact."""


class _ChangedMeanwhile(Exception):
    """Another writer changed some of the contacts."""


class BulkConsent(Value):
    """A consent to record for many contacts, as a job keeps it."""

    subscription: str
    """Its id, or `TEXTS`: all texts, which only a change without evidence names."""
    evidence: Evidence | None = None
    """How they consented; None: they are unsubscribed."""
    asks: bool = False
    follow_ups: tuple[FollowUp, ...] = ()
    by: str
    """The teammate's id."""
    token: str = ""
    """The API token that ordered it, if a program did."""
    context: Context = Context()

    @property
    def actor(self) -> Actor:
        return Actor(kind="api", id=self.token) if self.token else Actor(kind="teammate", id=self.by)


class BulkConsents:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    async def orders(self, wanted: BulkConsent, key: str) -> list[ConsentOrder]:
        """One for each subscription. `key`: the same one changes no contact twice. Raises Invalid."""
        if wanted.subscription == TEXTS:
            texts = await self._store.subscriptions.texts()
            return [self._order(wanted, text, f"{key}:{text.id}", of_all=True) for text in texts]
        subscription = await self._store.subscriptions.get(wanted.subscription)
        if subscription is None or not subscription.is_live:
            raise Invalid(_("This subscription is no longer available. No changes were made."))
        return [self._order(wanted, subscription, key)]

    @staticmethod
    def _order(wanted: BulkConsent, subscription: Subscription, key: str, *, of_all: bool = False) -> ConsentOrder:
        question = (FollowUp.QUESTION,) if wanted.asks else ()
        return ConsentOrder(
            subscription=subscription,
            actor=wanted.actor,
            key=key,
            evidence=wanted.evidence,
            of_all=of_all,
            asks=wanted.asks,
            follow_ups=(*wanted.follow_ups, *question),
            context=wanted.context,
        )

    async def preview(self, contacts: Iterable[Contact], order: ConsentOrder) -> Outcomes:
        """What would become of each, by id."""
        people, time = [*contacts], now()
        stops = await self._store.stops.of({number for contact in people for number in numbers_of(contact)})
        return {contact.id: judged(contact, order, stops, time) for contact in people}

    async def record(self, contacts: Iterable[Contact], order: ConsentOrder, since: datetime) -> Outcomes:
        """The result of each, by id. Repeating it after a crash gives the same. `since`: nothing with the order's key
        was recorded before that time. Raises StoreUnavailable."""
        people = [*contacts]
        slices = [people[i : i + SLICE] for i in range(0, len(people), SLICE)]
        results = await together(self._record(some, order, since) for some in slices)
        return {id: outcome for result in results for id, outcome in result.items()}

    async def _record(self, contacts: Sequence[Contact], order: ConsentOrder, since: datetime) -> Outcomes:
        results: Outcomes = {}
        waiting = contacts

        async def attempt() -> None:
            nonlocal waiting
            if lost := await self._round(waiting, order, since, results):
                waiting = [*(await self._ledger.contacts(lost)).values()]
                raise _ChangedMeanwhile

        await retried(attempt, _ChangedMeanwhile)
        return results

    async def _round(
        self, contacts: Sequence[Contact], order: ConsentOrder, since: datetime, results: Outcomes
    ) -> list[str]:
        """Adds to `results`. Returns the ids of contacts that another writer changed meanwhile."""
        plans = [(contact, proposed(contact, order)) for contact in contacts]
        weak = [contact for contact, plan in plans if _is_weak(plan, order)]
        settled = {contact.id: plan for contact, plan in plans if isinstance(plan, BulkOutcome)}
        results |= settled | await self._by_this_order(contacts, settled, order, since)
        results |= await self.preview(weak, order)
        changes = [plan for _, plan in plans if isinstance(plan, ConsentChange) and not _is_weak(plan, order)]
        lost = []
        for change, result in zip(changes, await self._ledger.record_many(changes), strict=True):
            if isinstance(result, Conflict):
                lost.append(change.contact)
            elif isinstance(result, SaysoError):
                results[change.contact] = outcome_of(result)
            else:
                results[change.contact] = done_by(change.action)
        return lost

    async def _by_this_order(
        self, contacts: Sequence[Contact], settled: Outcomes, order: ConsentOrder, since: datetime
    ) -> Outcomes:
        """Contacts that need no change because an interrupted run of this order made it."""
        recent = [
            contact.id
            for contact in contacts
            if settled.get(contact.id) is BulkOutcome.ALREADY
            and (consent := contact.consent(order.subscription.id))
            and consent.at >= since - CLOCKS
        ]
        found = await self._store.events.by_keys([(id, f"{id}:{order.key}") for id in recent])
        return {event.contact: done_by(event.action) for event in found.values()}


def _is_weak(plan: ConsentChange | BulkOutcome, order: ConsentOrder) -> bool:
    return isinstance(plan, ConsentChange) and is_too_weak(plan, order)
