"""Who enters the segments that live flows wait for.

One process at a time reads which contacts changed, from a change stream whose position is kept, and asks for all of
them in one query which match now. A contact who matches and isn't stored as a member has entered. Conditions like
"longer ago than 30 days" become true without a change, so each tick finds those contacts by an index. No query is made
per person.

Contacts who are in a segment when it is first watched, or after its filter was edited, become members without an entry.
An entry is stored before the position moves, with the id of the run that it starts, so that a crash neither loses nor
repeats it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from bot.contacts.finder import ContactFinder
from bot.errors import FilterTooBroad, Invalid, StoreUnavailable
from bot.events.catch_up import BACK_OFF, ulid_prefix
from bot.fault_points import reach
from bot.flows.scripts import Scripts
from bot.flows.segment_starts import SegmentStarts
from bot.jobs.lease import Lease
from bot.model.base import new_id, now
from bot.model.event_cursor import EventCursor
from bot.model.filter import ConsentIs, Created, Filter, LastSeen, When
from bot.model.segment_member import SegmentMember, SegmentWatch
from bot.store import Store
from bot.store.change_reader import Token, TokenLost
from bot.store.contact_stream import ContactStream

log = logging.getLogger("sayso.events")
CURSOR = "segments"
LEASE_SECONDS = 10.0
PAGE = 500
PACE = 2.0
"""Seconds between two looks."""
REST = timedelta(minutes=10)
CLOCKS = timedelta(minutes=1)
"""How far clocks differ, so that times are looked at for longer."""

Wanted = Callable[[], bool]


class SegmentWatching:
    def __init__(self, store: Store, scripts: Scripts, finder: ContactFinder, starts: SegmentStarts) -> None:
        self._store = store
        self._scripts = scripts
        self._finder = finder
        self._starts = starts
        self._members = store.segment_members
        self._holder = new_id()
        self._resting: dict[str, datetime] = {}

    async def work(self, stop: asyncio.Event) -> None:
        """Runs until stopped, while it holds the lease. Raises StoreUnavailable."""
        async with Lease(self._store, CURSOR, self._holder, LEASE_SECONDS) as lease:
            while not stop.is_set():
                if lease.is_held:
                    await self.look(lambda: lease.is_held and not stop.is_set())
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), PACE)

    async def look(self, is_wanted: Wanted = lambda: True) -> None:
        """Notes who entered or left since the last time, and starts the flows. Raises StoreUnavailable."""
        watches = await self._watched(is_wanted)
        if not watches:
            return
        cursor = await self._store.event_cursors.get(CURSOR)
        try:
            async with ContactStream(self._store.database, cursor.token if cursor else None) as stream:
                await self._follow(stream, watches, cursor, is_wanted)
        except TokenLost:
            log.warning("the change stream of contacts can't go on: comparing all members of segments")
            await self._compare(watches, is_wanted)
        await self.start_due(now(), is_wanted)

    async def start_due(self, time: datetime, is_wanted: Wanted = lambda: True) -> None:
        """Starts the flows of those who entered. One that fails is tried again later, and holds up no other."""
        while is_wanted() and (due := await self._members.due(time)):
            results = await asyncio.gather(*(self._starts.entered(member) for member in due), return_exceptions=True)
            for member, result in zip(due, results, strict=True):
                if isinstance(result, StoreUnavailable):
                    raise result
                if isinstance(result, BaseException):
                    pause = min(BACK_OFF[0] * 2 ** min(member.tries, 16), BACK_OFF[1])
                    await self._members.put_off(member, now() + pause)
                    log.error("a flow could not start for a contact in a segment", exc_info=result)

    async def _watched(self, is_wanted: Wanted) -> list[tuple[SegmentWatch, Filter]]:
        """What live flows wait for. Segments that none waits for are forgotten."""
        wanted = await self._scripts.segments()
        known = {watch.id: watch for watch in await self._store.segment_watches.all()}
        for gone in known.keys() - wanted:
            await self._end(known[gone], is_wanted)
        found = []
        for segment in (await self._store.segments.get_many(wanted)).values():
            watch, filter = known.get(segment.id), segment.filter
            if watch is None or watch.filter != filter.as_text():
                watch = SegmentWatch(id=segment.id, filter=filter.as_text(), round=new_id())
                await self._store.segment_watches.save(watch)
            found.append((watch, filter))
        return found

    async def _end(self, watch: SegmentWatch, is_wanted: Wanted) -> None:
        """Stops watching. If a flow waits for it again before all members are forgotten, a new round begins."""
        await self._store.segment_watches.save(_anew(watch))
        if await self._forget(watch.id, is_wanted):
            await self._store.segment_watches.end(watch.id)

    async def _forget(self, segment: str, is_wanted: Wanted, *, but: str = "") -> bool:
        """Whether all are forgotten: one page after another, while it is wanted."""
        while is_wanted():
            if not await self._members.forget(segment, but=but):
                return True
        return False

    async def _follow(
        self,
        stream: ContactStream,
        watches: list[tuple[SegmentWatch, Filter]],
        cursor: EventCursor | None,
        is_wanted: Wanted,
    ) -> None:
        time = now()
        since = cursor.at if cursor else time
        if cursor is None:  # the position is from before the members are noted; a new stream has it behind a batch
            await stream.take(wait_ms=1)
            await self._save(stream.token, time)
        for place, (watch, filter) in enumerate(watches):
            if not watch.is_ready and is_wanted():
                watches[place] = await self._note_members(watch, filter, is_wanted), filter
        changed = await stream.take(wait_ms=1)
        while changed and is_wanted():
            await self._settle(watches, changed, time)
            await self._save(stream.token, since)
            changed = await stream.take(wait_ms=1)
        for watch, filter in watches:
            async for some in self._crossed(filter, since, time):
                await self._settle([(watch, filter)], some, time)
        if is_wanted():
            await self._save(stream.token, time)

    async def _note_members(self, watch: SegmentWatch, filter: Filter, is_wanted: Wanted) -> SegmentWatch:
        """Stores the segment's present members. Those of an earlier filter are removed; their unhandled entries are
        kept. If this is interrupted or the query times out, the watch isn't ready, and it is repeated after a pause."""
        if self._resting.get(watch.round, now()) > now():
            return watch
        try:
            async for ids in self._matching(filter):
                if not is_wanted():
                    return watch
                kept = await self._members.unhandled(watch, ids)
                await self._members.enter([_member(watch, id, **kept.get(id, {})) for id in ids])
        except FilterTooBroad:
            log.warning("the query for the members of segment %s timed out", watch.id)
            self._resting = {watch.round: now() + REST}
            return watch
        reach("members noted")
        if not await self._forget(watch.id, is_wanted, but=watch.round):
            return watch
        ready = watch.model_copy(update={"is_ready": True})
        await self._store.segment_watches.save(ready)
        reach("watch ready")
        return ready

    async def _settle(self, watches: Sequence[tuple[SegmentWatch, Filter]], ids: Sequence[str], at: datetime) -> None:
        """Notes who of these contacts entered or left."""
        for watch, filter in watches:
            if not watch.is_ready:
                continue
            matching = await self._among(watch, filter, ids)
            known = await self._members.present(SegmentMember.id_of(watch, id) for id in ids)
            entered = [id for id in ids if id in matching and SegmentMember.id_of(watch, id) not in known]
            left = {SegmentMember.id_of(watch, id) for id in ids if id not in matching} & known
            reach("before entries")
            await self._members.enter([_entered(watch, id, at) for id in entered])
            await self._members.leave([*left])
            reach("after entries")

    async def _among(self, watch: SegmentWatch, filter: Filter, ids: Sequence[str]) -> set[str]:
        """Raises StoreUnavailable if the database takes too long: nobody has left because of that."""
        try:
            return await self._finder.among(filter, ids)
        except FilterTooBroad as error:
            log.warning("the query for segment %s timed out; trying again", watch.id)
            raise StoreUnavailable from error
        except Invalid:  # the filter uses something that was deleted, so the segment has no members
            return set()

    async def _compare(self, watches: Sequence[tuple[SegmentWatch, Filter]], is_wanted: Wanted) -> None:
        """Checks everyone who matches and every member again, because the position is lost."""
        async with ContactStream(self._store.database) as stream:
            await stream.take(wait_ms=1)
            token, time = stream.token, now()
        for watch, filter in watches:
            try:
                async for ids in self._matching(filter):
                    await self._settle([(watch, filter)], ids, time)
            except FilterTooBroad:  # store its members again in a new round
                await self._store.segment_watches.save(_anew(watch))
                continue
            after = ""
            while is_wanted() and (members := await self._members.of_watch(watch, after, limit=PAGE)):
                await self._settle([(watch, filter)], [member.contact for member in members], time)
                after = members[-1].id
        if is_wanted():
            await self._save(token, time)

    async def _matching(self, filter: Filter) -> AsyncIterator[list[str]]:
        after = ""
        with suppress(Invalid):
            while ids := await self._finder.ids(filter, after, PAGE):
                yield ids
                after = ids[-1]

    async def _crossed(self, filter: Filter, start: datetime, end: datetime) -> AsyncIterator[list[str]]:
        """Contacts for whom only a time-based condition changed between these times."""
        for condition in filter.conditions:
            for days in _days(getattr(condition, "when", None) or getattr(condition, "since", None)):
                first, last = start - timedelta(days=days), end - timedelta(days=days)
                if isinstance(condition, LastSeen | Created):
                    field = "seen_key" if isinstance(condition, LastSeen) else "created_at"
                    async for ids in self._store.contacts.ids_between(field, first - CLOCKS, last):
                        yield ids
                elif isinstance(condition, ConsentIs):
                    async for ids in self._changed_consent(first, last):
                        yield ids

    async def _changed_consent(self, start: datetime, end: datetime) -> AsyncIterator[list[str]]:
        """An event's id begins with its time, so that each look reads on where the last one ended."""
        after, last = ulid_prefix(start), ulid_prefix(end + timedelta(milliseconds=1))
        while found := await self._store.events.outlines_between(after, last, limit=PAGE):
            yield await self._kept(list(dict.fromkeys(str(raw["_id"]).rpartition(":")[0] for raw in found)))
            after = found[-1]["event"]

    async def _kept(self, ids: list[str]) -> list[str]:
        """Replaces merged contacts with those they were merged into, who have the consents now."""
        contacts = self._store.contacts
        while merged := {c.id: c.merged_into for c in (await contacts.get_many(ids)).values() if c.merged_into}:
            ids = list(dict.fromkeys(merged.get(id) or id for id in ids))
        return ids

    async def _save(self, token: Token, at: datetime) -> None:
        reach("before segments")
        await self._store.event_cursors.save(EventCursor(id=CURSOR, token=token, at=at))
        reach("after segments")


def _anew(watch: SegmentWatch) -> SegmentWatch:
    """A watch whose members still have to be stored."""
    return watch.model_copy(update={"round": new_id(), "is_ready": False})


def _member(watch: SegmentWatch, contact: str, **values: object) -> SegmentMember:
    id = SegmentMember.id_of(watch, contact)
    return SegmentMember(id=id, segment=watch.id, round=watch.round, contact=contact, **values)


def _entered(watch: SegmentWatch, contact: str, at: datetime) -> SegmentMember:
    return _member(watch, contact, entry=new_id(), due=at, entries=1, counted_from=at)


def _days(when: When | None) -> list[int]:
    return [days for days in (when.within_days, when.beyond_days) if days is not None] if when else []
