"""Transactions: several writes, all or none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo import ReadPreference
from pymongo.read_concern import ReadConcern

from bot.errors import StoreUnavailable
from bot.store.driver import DURABLE, database_errors

T = TypeVar("T")
Session = AsyncIOMotorClientSession

SECONDS = 8.0
"""How long a transaction that meets conflicts is retried."""


async def transaction(
    database: AsyncIOMotorDatabase[dict[str, Any]],
    work: Callable[[Session], Coroutine[Any, Any, T]],
    *,
    seconds: float = SECONDS,
) -> T:
    """The result of `work(session)`, once everything it wrote in this session is durable.

    It reads a snapshot and may be called again after a conflict. Any exception rolls back. Raises StoreUnavailable.
    """
    task = asyncio.create_task(_run(database, work))
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        _leave(task)
        raise
    if not done:
        _leave(task)
        raise StoreUnavailable
    with database_errors():
        return task.result()


async def _run(database: AsyncIOMotorDatabase[dict[str, Any]], work: Callable[[Session], Coroutine[Any, Any, T]]) -> T:
    session = await database.client.start_session()
    try:
        return await session.with_transaction(
            work,
            read_concern=ReadConcern("snapshot"),
            write_concern=DURABLE,
            read_preference=ReadPreference.PRIMARY,
        )
    finally:  # `async with` would end the session in the event loop, blocking it until the server responds
        await session.end_session()


_ending: set[asyncio.Task[Any]] = set()


def _leave(task: asyncio.Task[Any]) -> None:
    """Aborts a transaction in the background: the abort is another request, which may take just as long."""

    def forget(task: asyncio.Task[Any]) -> None:
        _ending.discard(task)
        if not task.cancelled():
            task.exception()  # already reported as unavailable

    task.cancel()
    _ending.add(task)
    task.add_done_callback(forget)
