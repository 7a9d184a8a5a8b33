"""Managing subscriptions: drafts, live and archived ones, and their history.

Every change names the version that the teammate saw, and is stored together with its history entry (who, when, the
result). The same change requested twice (double click, retry) is made once.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.errors import Conflict, Invalid, NameTaken, NotFound
from bot.errors import marked as _
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.contact import ConsentState
from bot.model.paging import Cursor, Page, sequence_of
from bot.model.subscription import ConsentType, MessageType, Subscription, SubscriptionState, SubscriptionVersion
from bot.model.teammate import By as By
from bot.store import Duplicate, Store
from bot.workspace.audit import AuditLog
from bot.workspace.wording import Difference, New, Wording, differences

MOST = 200
"""Limit of subscriptions in use, so that the list stays readable."""
MOST_SHOWN = 500
"""Limit of archived ones in the list."""
MOST_FOUND = 8
Make = Callable[[Subscription], Subscription]
DRAFT, LIVE, ARCHIVED = SubscriptionState
OPTED_IN, OPTED_OUT, PENDING = ConsentState.OPTED_IN, ConsentState.OPTED_OUT, ConsentState.PENDING


UNKNOWN = By("", "")


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """One subscription with its counts by consent state."""

    subscription: Subscription
    opted_in: int
    opted_out: int
    pending: int


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """One history entry with the fields it changed."""

    entry: SubscriptionVersion
    differences: list[Difference]


class SubscriptionService:
    def __init__(self, store: Store, changed: Callable[[], Awaitable[None]] | None = None) -> None:
        """`changed` is called after each change, before it is answered."""
        self._changed = changed
        self._table = store.subscriptions
        self._versions = store.subscription_versions
        self._counts = store.consent_counts
        self._audit = AuditLog(store)

    async def get(self, id: str) -> Subscription:
        """Raises NotFound."""
        found = await self._table.get(id)
        if found is None:
            raise NotFound
        return found

    async def all(self) -> dict[SubscriptionState, list[Subscription]]:
        """By state, sorted by name."""
        found = {state: await self._table.in_state(state, limit=MOST_SHOWN) for state in SubscriptionState}
        return {state: sorted(list, key=lambda s: s.name.casefold()) for state, list in found.items()}

    async def listed(self, found: Sequence[Subscription]) -> list[SubscriptionRow]:
        """With their counts, in one query."""
        counts = await self._counts.of([subscription.id for subscription in found])
        of_one = ((s, counts.get(s.id, Counter())) for s in found)
        return [SubscriptionRow(s, count[OPTED_IN], count[OPTED_OUT], count[PENDING]) for s, count in of_one]

    async def history(self, id: str, *, before: Cursor | None = None, limit: int = 50) -> Page[SubscriptionChange]:
        """The newest changes first, by version."""
        entries = await self._versions.before(id, sequence_of(before), limit=limit + 1)
        earlier: list[Subscription | None] = [None, *(entry.after for entry in entries)]
        pairs = list(zip(entries, earlier, strict=False))
        changes = [SubscriptionChange(entry, differences(then, entry.after)) for entry, then in reversed(pairs)]
        return Page.cut(changes, limit, lambda change: (change.entry.seq,))

    async def create(self, new: New, by: By, *, key: str) -> Subscription:
        """Creates a draft. `key` is the form's idempotency key: submitting the same form again returns the first
        result.

        Raises Invalid and NameTaken.
        """
        id, time = hashlib.sha256(f"subscription:{by.id}:{key}".encode()).hexdigest()[:24], now()
        draft = new.on(
            Subscription(
                id=id, name=new.name, message_type=new.message_type, consent_type=new.consent_type,
                purpose=new.purpose,                created_at=time, updated_at=time,
            )
        )  # fmt: skip
        _check(draft)
        try:
            await self._room()
            await self._table.begin(_entry(draft, "created", by, time))
        except (Duplicate, Invalid) as error:
            if made := await self._table.get(id):
                return await self._recorded(made, "created", by)
            raise NameTaken if isinstance(error, Duplicate) else error from None
        return await self._recorded(draft, "created", by)

    async def edit(self, id: str, version: int, wording: Wording, by: By) -> Subscription:
        """Changes its wording. Raises NotFound, Conflict, NameTaken and Invalid."""

        def edited(before: Subscription) -> Subscription:
            if before.state is ARCHIVED:
                raise Invalid(_("An archived subscription can't be edited. Restore it first."))
            return _check(wording.on(before))

        return await self._change(id, version, "edited", by, edited)

    async def put_live(self, id: str, version: int, by: By) -> Subscription:
        """Makes it available to offer, choose and send. Raises NotFound, Conflict and Invalid."""

        def live(before: Subscription) -> Subscription:
            if before.state is not DRAFT:
                raise Invalid(_("Only a draft can be put live."))
            return before.model_copy(update={"state": LIVE})

        return await self._change(id, version, "put_live", by, live)

    async def archive(self, id: str, version: int, by: By) -> Subscription:
        """Stops offering and sending it; consents are kept. Raises NotFound, Conflict and Invalid."""

        def archived(before: Subscription) -> Subscription:
            if before.state is ARCHIVED:
                raise Invalid(_("This subscription is already archived."))
            return before.model_copy(update={"state": ARCHIVED})

        return await self._change(id, version, "archived", by, archived)

    async def restore(self, id: str, version: int, by: By, *, name: str | None = None) -> Subscription:
        """Restores its former state: live, if it had been live. `name`: a new name, if another subscription has its
        name now.

        Raises NotFound, Conflict, NameTaken and Invalid.
        """
        then = await self._versions.get(self._versions.entry_id(id, version - 1))
        state = LIVE if then and then.after.state is LIVE else DRAFT

        def restored(before: Subscription) -> Subscription:
            if before.state is not ARCHIVED:
                raise Invalid(_("Only an archived subscription can be restored."))
            return before.model_copy(update={"state": state, "name": name or before.name})

        if (await self.get(id)).version == version:
            await self._room()
        return await self._change(id, version, "restored", by, restored)

    async def _change(self, id: str, version: int, act: str, by: By, make: Make) -> Subscription:
        """Tries the change on the version that was seen. If that version is gone, it was either this same change or
        somebody else's."""
        while (before := await self.get(id)).version == version:
            after, time = make(before), now()
            if after == before:
                return before
            after = after.model_copy(update={"version": version + 1, "updated_at": time})
            try:
                first = _entry(before, "created", UNKNOWN, before.created_at)
                if await self._table.change(before, [first, _entry(after, act, by, time)]):
                    return await self._recorded(after, act, by)
            except Duplicate:
                raise NameTaken from None
        return await self._made(before, version, act, by, make)

    async def _made(self, current: Subscription, version: int, act: str, by: By, make: Make) -> Subscription:
        """The result of an earlier try of this request. Raises Conflict with the name of the teammate who was first."""
        places = [self._versions.entry_id(current.id, v) for v in (version, version + 1, current.version)]
        found = await self._versions.get_many(places)
        seen, next, last = (found.get(place) for place in places)
        if seen and next and (next.act, next.by) == (act, by.id) and _same(make(seen.after), next.after):
            return await self._recorded(next.after, act, by)
        who = last.by_name if last else ""
        raise Conflict(
            _("%(who)s just changed this subscription. Review the changes and try again."),
            who=who or "?",
        )

    async def _recorded(self, after: Subscription, act: str, by: By) -> Subscription:
        """Adds the change to the audit log, once for all tries of the request."""
        key = f"{after.id}:{1 if act == 'created' else after.version}"
        await self._audit.record(by, AuditAction(f"subscription.{act}"), after.name, key=key)
        if self._changed:
            await self._changed()
        return after

    async def _room(self) -> None:
        used = [len(await self._table.in_state(state, limit=MOST)) for state in (DRAFT, LIVE)]
        if sum(used) >= MOST:
            raise Invalid(
                _("You've reached the limit of %(most)s subscriptions. Archive one to add another."), most=str(MOST)
            )


def _check(subscription: Subscription) -> Subscription:
    """Double opt-in applies only to SMS subscriptions of the opt-in type."""
    can = subscription.message_type is MessageType.SMS and subscription.consent_type is ConsentType.OPT_IN
    if subscription.double_opt_in and not can:
        raise Invalid(_("Double opt-in is only available for SMS subscriptions with the consent type Opt-in."))
    if subscription.written_only and subscription.consent_type is not ConsentType.OPT_IN:
        raise Invalid(_("Only opt-in subscriptions can require written consent."))
    return subscription


def _same(a: Subscription, b: Subscription) -> bool:
    aside = {"version": 0, "updated_at": b.updated_at}
    return a.model_copy(update=aside) == b.model_copy(update=aside)


def _entry(after: Subscription, act: str, by: By, at: datetime) -> SubscriptionVersion:
    place = f"{after.id}:{after.version:010d}"
    return SubscriptionVersion(
        id=place, subscription=after.id, seq=after.version, act=act, by=by.id, by_name=by.name, at=at, after=after,
        key=place,
    )  # fmt: skip


async def find_subscriptions(store: Store, words: str) -> list[Subscription]:
    """Subscriptions that are not archived and whose name contains these words."""
    states = [SubscriptionState.LIVE, SubscriptionState.DRAFT]
    kept = await store.subscriptions.find({"state": {"$in": states}}, sort=[("state", 1), ("name", 1)], limit=MOST)
    wanted = words.casefold().split()
    return [s for s in kept if all(word in s.name.casefold() for word in wanted)][:MOST_FOUND]
