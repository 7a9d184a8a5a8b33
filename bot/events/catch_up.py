"""After a crash: whoever holds the lease looks at each event again, some seconds after it was recorded.

The cursor lags behind on purpose. In the normal case everything that follows from an event is there by then, and the
look costs this process nothing (it remembers what it handled itself), or one indexed query a consumer and batch.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from ulid import ULID

from bot.consent.counts import CountKeeper
from bot.errors import StoreUnavailable
from bot.events.path import ConsumerPath
from bot.faults import reach
from bot.jobs.lease import Lease
from bot.model.base import new_id, now
from bot.model.event import ConsentEvent
from bot.model.following import EventCursor
from bot.store import Store
from bot.store.event_stream import EventStream, NewEvent, Token, TokenLost

log = logging.getLogger("sayso.events")

LAG = timedelta(seconds=5)
"""How old an event is when it is looked at again."""
LEASE_SECONDS = 5.0
FIRST_LOOK = timedelta(days=1)
"""How far back the ledger is looked through where there is no cursor yet."""
SKEW = timedelta(minutes=1)
"""How far ids of events may be out of the order in which they were committed: clocks differ, and writes are retried."""
MOST = 5000
"""How many events may wait for their age here; more stay in the database."""
IDLE = timedelta(seconds=30)
"""How often the cursor of a quiet ledger moves, so that the oplog never ends after it."""
BACK_OFF = timedelta(seconds=10), timedelta(hours=1)
"""Before the second try of an event that a consumer failed on, and at most."""
PACE = 0.25
"""Seconds: the stream is read no more often."""
CURSOR = "consumers"

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
        """Until it is told to stop; only while it holds the lease does it read anything. Raises StoreUnavailable."""
        async with Lease(self._store, "events", self._holder, LEASE_SECONDS) as lease:
            while not stop.is_set():
                if lease.is_held:
                    await self._follow(lambda: lease.is_held and not stop.is_set())
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), 1)

    async def scan(self, start: datetime, end: datetime) -> None:
        """Looks at the events of this time, without the stream."""
        after, last = _ulid(start), _ulid(end)
        while events := await self._store.events.between(after, last, limit=500):
            await self._settle(events)
            after = events[-1].event

    async def retry(self, time: datetime) -> None:
        """Tries the events again that a consumer failed on and whose time has come."""
        due = {retry.id: retry for retry in await self._store.event_retries.due(time)}
        events = await self._store.events.get_many(due)
        failed = {event.id for event in await self._path.handle([*events.values()], after_crash=True)}
        for id in failed:
            await self._put_off(id, due[id].tries + 1)
        await self._store.event_retries.done(due.keys() - failed, time)

    async def _follow(self, is_wanted: Callable[[], bool]) -> None:
        """Two cursors, for they keep different promises: counting is exact, and looking again lags behind."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._counts.work(is_wanted))
                group.create_task(self._look_again(is_wanted))
        except* StoreUnavailable:
            raise StoreUnavailable from None

    async def _look_again(self, is_wanted: Callable[[], bool]) -> None:
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
        """What is new from now on, the stream tells; what was there before, a scan."""
        token, time = stream.token, now()
        await self.scan(start, time + SKEW)
        await self._save(token, time)

    async def _read(self, stream: EventStream, is_wanted: Callable[[], bool]) -> None:
        waiting: _Waiting = deque()
        while is_wanted():
            rest = asyncio.create_task(asyncio.sleep(PACE))  # a busy ledger fills its batches meanwhile
            if len(waiting) < MOST:
                waiting += await stream.take()
            await self._move(_ripe(waiting, now() - LAG), None if waiting else stream.token)
            await rest

    async def _move(self, ripe: Sequence[NewEvent], idle: Token | None) -> None:
        """Looks at the events, and moves the cursor behind them. `idle`: the stream's token, where no other waits."""
        time = now()
        if ripe:
            await self._settle([change.event for change in ripe])
            reach("before cursor")
            await self._save(ripe[-1].token, ripe[-1].event.at)
        elif idle and time - self._saved > IDLE:
            await self._save(idle, time)
        if time - self._retried > BACK_OFF[0] / 2:
            self._retried = time
            await self.retry(time)

    async def _settle(self, events: Sequence[ConsentEvent]) -> None:
        """When it returns, each is handled or put off."""
        ids = [event.id for event in events if not self._path.forget(event.event)]
        strange = [*(await self._store.events.get_many(ids)).values()]
        failed = await self._path.handle(strange, after_crash=True) if strange else []
        for event in failed:
            await self._put_off(event.id, 1)
        for event in strange:
            self._path.forget(event.event)

    async def _put_off(self, id: str, tries: int) -> None:
        first, most = BACK_OFF
        await self._store.event_retries.put_off(id, tries, now() + min(first * 2 ** min(tries - 1, 16), most))

    async def _save(self, token: Token, at: datetime) -> None:
        self._saved = now()
        await self._store.event_cursors.save(EventCursor(id=CURSOR, token=token, at=at))


def _ripe(waiting: _Waiting, before: datetime) -> list[NewEvent]:
    ripe = []
    while waiting and waiting[0].event.at <= before:
        ripe.append(waiting.popleft())
    return ripe


def _ulid(time: datetime) -> str:
    """What the ids of all events of this time begin with."""
    return str(ULID.from_datetime(time))[:10]
