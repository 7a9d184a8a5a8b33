"""Counts of consents by state: each event is counted once, in the order of the change stream."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta

from ulid import ULID

from bot.aio.retry import retried
from bot.errors import Conflict
from bot.fault_points import reach
from bot.model.base import now
from bot.model.contact import ConsentCounts
from bot.store import Store
from bot.store.counts import COUNTS, Counts
from bot.store.event_stream import EventStream, NewEvent, Token, TokenLost

log = logging.getLogger("sayso.consent")

PACE = 0.25
"""Seconds: the counts move no more often."""
IDLE = timedelta(seconds=30)
"""How often the token moves while the ledger is quiet, so that it stays in the oplog."""
BEHIND = timedelta(minutes=10)
"""The maximum age of an unprojected event: consumers have projected older ones."""


class CountKeeper:
    """The counts and the token up to which they count move together, by compare-and-set: it does not matter how many
    processes read the stream, or where one of them died."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counts = store.consent_counts

    async def work(self, is_wanted: Callable[[], bool], *, pace: float = PACE) -> None:
        """Counts new events until told to stop. Raises StoreUnavailable: the next call continues from there."""
        while is_wanted():
            async with self._from_here() as (stream, at):
                while is_wanted() and at:
                    rest = asyncio.create_task(asyncio.sleep(pace))  # a busy ledger fills its batches meanwhile
                    at = await self._count(at, await stream.take(), stream.token)
                    await rest

    async def catch_up(self) -> None:
        """Counts new events until there are none."""
        at: ConsentCounts | None = None
        while at is None:
            async with self._from_here() as (stream, at):
                while at and (new := await stream.take(wait_ms=1)):
                    at = await self._count(at, new, stream.token)

    async def recount(self) -> None:
        """Counts all contacts at one moment, and continues from there. Raises StoreUnavailable."""
        await retried(self._recount, Conflict)

    async def _recount(self) -> None:
        """Raises Conflict if another process moved the counts meanwhile."""
        before = await self._counts.get(COUNTS)
        counts, moment = await self._counts.recount(_ulid(now() - BEHIND))
        async with self._store.events.stream(after=moment) as stream:
            is_first = await self._counts.begin(counts, stream.token, instead_of=before)
        if not is_first and before:  # otherwise another process has just recounted
            raise Conflict

    @asynccontextmanager
    async def _from_here(self) -> AsyncIterator[tuple[EventStream, ConsentCounts | None]]:
        """The stream from the position of the counts, and the counts. Recounts if there are none or their token is
        lost."""
        at = await self._counts.get(COUNTS)
        async with AsyncExitStack() as stack:
            try:
                stream = await stack.enter_async_context(self._store.events.stream(at.token)) if at else None
            except TokenLost:
                log.warning("the change stream of events can't go on from the counts: counting all contacts again")
                stream = None
            if stream is None:
                await self.recount()
                at = await self._counts.get(COUNTS)
                stream = await stack.enter_async_context(self._store.events.stream(at.token if at else None))
            yield stream, at

    async def _count(self, at: ConsentCounts, new: Sequence[NewEvent], token: Token) -> ConsentCounts | None:
        """The counts with these events, as of `token`. None: another process moved them."""
        if not new and now() - at.moved_at < IDLE:
            return at
        moved = at.model_copy(update={"token": token, "revision": at.revision + 1, "moved_at": now()})
        reach("before counts")
        is_moved = await self._counts.move(_moves(new), at, moved)
        reach("after counts")
        return moved if is_moved else None


async def miscounted(store: Store) -> Counts:
    """By how much the counts are too low, compared with a recount at one moment. Missing counts are not wrong."""
    kept = await store.consent_counts.get(COUNTS)
    if kept is None:
        return Counter()
    off, moment = await store.consent_counts.recount(_ulid(now() - BEHIND))
    off.subtract({(of, state): n for of, by_state in kept.counts.items() for state, n in by_state.items()})
    try:
        async with store.events.stream(kept.token) as stream:
            while new := await stream.take(wait_ms=1):
                off.subtract(_moves([change for change in new if change.moment <= moment]))
                if new[-1].moment > moment:
                    break
    except TokenLost:
        log.warning("the change stream can't go on from the counts")
    return Counter({place: by for place, by in off.items() if by})


def _moves(new: Sequence[NewEvent]) -> Counts:
    moves: Counts = Counter()
    for change in new:
        moves.update(change.event.moves)
    return moves


def _ulid(time: datetime) -> str:
    return str(ULID.from_datetime(time))[:10]
