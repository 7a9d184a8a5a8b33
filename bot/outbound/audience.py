"""Who gets an outbound message, and why the others don't: the same judgment in the preview and when it is sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.consent.numbers import address_of
from bot.contacts.finder import ContactCount, ContactFinder
from bot.contacts.selected import SHOWN, BulkPreview, SelectedContacts
from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.filter import ConditionGroup, Filter, Match, Textable
from bot.model.outbound_message import OutboundMessage
from bot.model.subscription import MessageType, Subscription
from bot.outbound.audience_judge import INCLUDED, LEFT_OUT, QUEUED, SAME_NUMBER, AudienceJudge, AudienceVerdict
from bot.outbound.chat_judge import ChatJudge
from bot.outbound.send_time import NOW, SendTime
from bot.store import Store

__all__ = ["LEFT_OUT", "QUEUED", "SAME_NUMBER", "Audience", "AudiencePreview"]
FIRST, ASKED, EXACT = 1000, 5000, 50_000
"""Contacts that the first look takes, up to which the number that a sender confirms is known at once, and up to which a
preview counts all of them. The ids of so many are read at once: reading few of a rare kind costs as much as all."""
BATCH = 500
"""Contacts judged per batch. Other requests of this process wait for each batch."""
NO_SUBSCRIPTION = _("Choose a live SMS subscription.")


@dataclass(frozen=True, slots=True)
class AudiencePreview(BulkPreview):
    texts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """How many get it, now or later, by country and language."""
    last_at: datetime | None = None
    """When the last of them gets it."""
    unwelcomed: int = 0
    """For how many of them it may be the first text: others recorded their consent."""
    unsent: Mapping[str, int] = field(default_factory=dict)
    """How many don't get it because the sender of their country isn't registered, by country."""

    @property
    def included(self) -> int:
        return included(self.counts)


def included(counts: Mapping[str, int]) -> int:
    """How many get it, now or later."""
    return sum(counts.get(outcome, 0) for outcome in INCLUDED)


class Audience:
    def __init__(
        self, store: Store, finder: ContactFinder, selected: SelectedContacts, *, quiet_hours: bool = True
    ) -> None:
        self._store = store
        self._finder = finder
        self._selected = selected
        self._judge = AudienceJudge(store, quiet_hours=quiet_hours)
        self._chat = ChatJudge(store)

    async def preview(self, message: OutboundMessage, time: SendTime = NOW, *, most: int = FIRST) -> AudiencePreview:
        """Judges up to `most` contacts and counts all of them concurrently. Raises Invalid and FilterTooBroad."""
        filter = await self.filter(message)
        total = asyncio.create_task(self._finder.count(filter))
        try:
            tally, is_all = await self._looked_at(message, filter, time, most)
            return tally.preview(ContactCount(tally.seen, is_exact=True) if is_all else await total)
        finally:
            total.cancel()
            await asyncio.gather(total, return_exceptions=True)

    async def _looked_at(
        self, message: OutboundMessage, filter: Filter, time: SendTime, most: int
    ) -> tuple[AudienceTally, bool]:
        """Returns the contacts, and whether they are all that match."""
        tally, after, at = AudienceTally(), "", now()
        while tally.seen < most:
            limit = min(ASKED, most - tally.seen)
            ids = await self._finder.ids(filter, after, limit)
            for some in (ids[i : i + BATCH] for i in range(0, len(ids) or 1, BATCH)):  # also judges none: it may raise
                people = await self._selected.living(some)
                tally.add(people, await self.verdicts(message, filter, people, time, at), gone=len(some) - len(people))
            if len(ids) < limit:
                return tally, True
            after = ids[-1]
        return tally, False

    async def has_at_most(self, most: int, message: OutboundMessage) -> bool:
        """Whether no more contacts match, using indexes alone. Raises Invalid and FilterTooBroad."""
        count = await self._finder.count(await self.filter(message))
        return count.is_exact and count.number <= most

    async def size(self, message: OutboundMessage, found: AudiencePreview) -> ContactCount:
        """How many get it, now or later; `found`: its preview, which is exact unless it is a sample. Raises Invalid and
        FilterTooBroad."""
        if not found.is_sample:
            return ContactCount(found.included, is_exact=True)
        if message.chat:  # whom its form has nothing to ask is no condition that the database knows
            return ContactCount(found.total.number * found.included // max(found.seen, 1), is_exact=False)
        return await self._finder.count(
            narrowed(await self.filter(message), Textable(subscription=message.subscription))
        )

    async def verdicts(
        self, message: OutboundMessage, filter: Filter, people: Sequence[Contact], time: SendTime, at: datetime
    ) -> dict[str, AudienceVerdict]:
        """By contact. `filter`: the message's. Of those who share a number, the first gets a text. Raises Invalid."""
        if message.chat:
            refused = await self._chat.of(message.chat, people)
            return {contact: AudienceVerdict(why or QUEUED) for contact, why in refused.items()}
        subscription = await self.subscription(message)
        found = await self._judge.of(people, subscription, time, at)
        numbers = {c.id: address_of(c, MessageType.SMS) or "" for c in people if found[c.id].is_included}
        sharing = await self._store.contacts.sharing(numbers.values())
        earlier = {id: [other for other in sharing.get(number, ()) if other < id] for id, number in numbers.items()}
        others = {other for some in earlier.values() for other in some}
        if not others:
            return found
        there = await self._finder.among(filter, others)
        first = await self._judge.of(await self._selected.living(sorted(there)), subscription, time, at)
        repeated = {
            id for id, some in earlier.items() if any(other in first and first[other].is_included for other in some)
        }
        return {**found, **dict.fromkeys(repeated, AudienceVerdict(SAME_NUMBER))}

    async def judged(
        self, contacts: Sequence[Contact], subscription: Subscription, time: SendTime
    ) -> dict[str, AudienceVerdict]:
        """By contact. Quiet hours and caps only delay a copy: they are left to the sender."""
        return await self._judge.of(contacts, subscription, time, now())

    async def subscription(self, message: OutboundMessage) -> Subscription:
        """Raises Invalid if none was chosen, or if it is no longer live."""
        found = await self._store.subscriptions.get(message.subscription) if message.subscription else None
        if found is None or not found.is_live or found.message_type is not MessageType.SMS:
            raise Invalid(NO_SUBSCRIPTION)
        return found

    async def filter(self, message: OutboundMessage) -> Filter:
        """For a draft, the segment's current filter."""
        if not message.segment or not message.is_draft:
            return message.filter
        segment = await self._store.segments.get(message.segment)
        if segment is None or segment.archived_at:
            raise Invalid(_("This segment is archived. Choose another audience."))
        return segment.filter


class AudienceTally:
    """Counts an audience, a batch at a time."""

    def __init__(self) -> None:
        self.seen = 0
        self.counts: Counter[str] = Counter()
        self.texts: Counter[tuple[str, str]] = Counter()
        self.last_at: datetime | None = None
        self.unwelcomed = 0
        self.unsent: Counter[str] = Counter()
        self._samples: dict[str, list[Contact]] = {}

    def add(self, people: Iterable[Contact], verdicts: Mapping[str, AudienceVerdict], *, gone: int = 0) -> None:
        self.seen += gone
        self.counts.update({"gone": gone} if gone else {})
        for contact in people:
            verdict = verdicts[contact.id]
            self.seen += 1
            self.counts[verdict.outcome] += 1
            if len(some := self._samples.setdefault(verdict.outcome, [])) < SHOWN:
                some.append(contact)
            if verdict.country and not verdict.is_included:
                self.unsent[verdict.country] += 1
            if verdict.is_included:
                self.texts[verdict.country, contact.locale] += 1
                self.unwelcomed += verdict.is_unwelcomed
                self.last_at = max(filter(None, (self.last_at, verdict.at)), default=None)

    def preview(self, total: ContactCount) -> AudiencePreview:
        counts, last_at, unsent = (self.counts, self._samples, self.texts), self.last_at, self.unsent
        return AudiencePreview(total, self.seen, *counts, last_at, self.unwelcomed, unsent)


def narrowed(filter: Filter, condition: Textable) -> Filter:
    """Adds the condition to the filter. A filter of alternatives can't be narrowed and stays as it is."""
    if filter.match is Match.ANY and len(filter.groups) > 1:
        return filter
    return Filter(query=filter.query, groups=(*filter.groups, ConditionGroup(conditions=(condition,)))[:10])
