"""Recovery after a crash: the holder of the lease checks each event again, some seconds after it was recorded.

The cursor lags on purpose. Normally every consequence exists by then, and the check costs nothing for events that this
process handled itself, and one indexed query per consumer and batch for the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from ulid import ULID

from bot.aio.background import uninterrupted
from bot.consent.counts import CountKeeper
from bot.errors import StoreUnavailable
from bot.events.path import ConsumerPath
from bot.fault_points import reach
from bot.jobs.lease import Lease
from bot.model.base import new_id, now
from bot.model.event import Action, ConsentEvent
from bot.model.event_cursor import EventCursor
from bot.store import Store
from bot.store.event_stream import BriefEvent, EventStream, NewEvent, Token, TokenLost

log = logging.getLogger("sayso.events")

LAG = timedelta(seconds=5)
"""Age at which an event is checked again."""
LEASE_SECONDS = 5.0
FIRST_LOOK = timedelta(days=1)
"""How far back the ledger is scanned if there is no cursor yet."""
SKEW = timedelta(minutes=1)
"""How far event ids may be out of commit order: clocks differ, and writes are retried."""
MOST = 5000
"""Limit of buffered events that are too young; more stay in the database."""
IDLE = timedelta(seconds=30)
"""How often the cursor moves in a quiet ledger, so that its token stays in the oplog."""
BACK_OFF = timedelta(seconds=10), timedelta(hours=1)
"""Pause before the second attempt at an event that a consumer failed on, and the longest pause."""
PACE = 0.25
"""Seconds between two reads of the stream."""
CURSOR = "consumers"
SWEPT = {Action.ERASE, Action.MERGE}
"""Always done a second time: another process may have written something for the contact at the same moment."""

_Waiting = deque[NewEvent]


class CatchUp:
    def __init__(self, store: Store, path: ConsumerPath) -> None:
        self._store = store
        self._path = path
        self._counts = CountKeeper(store)
        self._holder = new_id()
        self._saved = now()
        self._retried = now()

    async def work(self, stop: asyncio.Event) -> None:
        """Runs until stopped. Reads only while it holds the lease. Raises StoreUnavailable."""
        async with Lease(self._store, "events", self._holder, LEASE_SECONDS) as lease:
            while not stop.is_set():
                if lease.is_held:
                    await self._run_cursors(lambda: lease.is_held and not stop.is_set())
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 1)

    async def scan(self, start: datetime, end: datetime) -> None:
        """Checks the events of this period, without the stream."""
        after, last = ulid_prefix(start), ulid_prefix(end)
        while events := await self._store.events.between(after, last, limit=500):
            await self._settle(events)
            after = events[-1].event

    async def retry(self, time: datetime) -> None:
        """Retries the events that a consumer failed on and that are due."""
        due = {retry.id: retry for retry in await self._store.event_retries.due(time)}
        events = await self._unerased(due)
        failed = {event.id for event in await self._path.handle(events, after_crash=True)}
        for id in failed:
            await self._schedule_retry(id, due[id].tries + 1)
        await self._store.event_retries.done(due.keys() - failed, time)

    async def _run_cursors(self, is_wanted: Callable[[], bool]) -> None:
        """Two cursors with different guarantees: counting is exact, recovery lags."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(uninterrupted(self._counts.work(is_wanted)))
                group.create_task(uninterrupted(self._recover(is_wanted)))
        except* StoreUnavailable:
            raise StoreUnavailable from None

    async def _recover(self, is_wanted: Callable[[], bool]) -> None:
        cursor = await self._store.event_cursors.get(CURSOR)
        try:
            async with self._store.events.stream(cursor.token if cursor else None) as stream:
                if cursor is None:
                    await self._begin(stream, now() - FIRST_LOOK)
                await self._read(stream, is_wanted)
        except TokenLost:
            log.warning("the change stream of events can't go on from the cursor: scanning the ledger instead")
            async with self._store.events.stream() as stream:
                await self._begin(stream, cursor.at - SKEW if cursor else now() - FIRST_LOOK)

    async def _begin(self, stream: EventStream, start: datetime) -> None:
        """The stream brings new events, a scan the earlier ones."""
        token, time = stream.token, now()
        await self.scan(start, time + SKEW)
        await self._save(token, time)

    async def _read(self, stream: EventStream, is_wanted: Callable[[], bool]) -> None:
        waiting: _Waiting = deque()
        while is_wanted():
            rest = asyncio.create_task(asyncio.sleep(PACE))  # lets a busy ledger fill the next batch
            if len(waiting) < MOST:
                waiting += await stream.take()
            await self._move(_old_enough(waiting, now() - LAG), None if waiting else stream.token)
            await rest

    async def _move(self, due: Sequence[NewEvent], idle: Token | None) -> None:
        """Checks the events, then moves the cursor past them. `idle`: the stream's token, if no event is buffered."""
        time = now()
        if due:
            await self._settle([change.event for change in due])
            reach("before cursor")
            await self._save(due[-1].token, due[-1].event.at)
        elif idle and time - self._saved > IDLE:
            await self._save(idle, time)
        if time - self._retried > BACK_OFF[0] / 2:
            self._retried = time
            await self.retry(time)

    async def _settle(self, events: Sequence[ConsentEvent | BriefEvent]) -> None:
        """Handles each event or schedules its retry."""
        ids = [event.id for event in events if not self._path.forget(event.event) or event.action in SWEPT]
        unknown = await self._unerased(ids)
        failed = await self._path.handle(unknown, after_crash=True) if unknown else []
        for event in failed:
            await self._schedule_retry(event.id, 1)
        for event in unknown:
            self._path.forget(event.event)

    async def _unerased(self, ids: Iterable[str]) -> list[ConsentEvent]:
        """An event whose personal values were erased has no consequences anymore."""
        return [event for event in (await self._store.events.get_many(ids)).values() if not event.commitments]

    async def _schedule_retry(self, id: str, tries: int) -> None:
        first, most = BACK_OFF
        await self._store.event_retries.put_off(id, tries, now() + min(first * 2 ** min(tries - 1, 16), most))

    async def _save(self, token: Token, at: datetime) -> None:
        self._saved = now()
        await self._store.event_cursors.save(EventCursor(id=CURSOR, token=token, at=at))


def _old_enough(waiting: _Waiting, before: datetime) -> list[NewEvent]:
    due = []
    while waiting and waiting[0].event.at <= before:
        due.append(waiting.popleft())
    return due


def ulid_prefix(time: datetime) -> str:
    """The prefix of the ids of all events of this time."""
    return str(ULID.from_datetime(time))[:10]
