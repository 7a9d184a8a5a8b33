"""Work that nobody waits for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress

from bot.errors import SaysoError, StoreUnavailable

log = logging.getLogger("sayso")

RETRY_SECONDS = 1.0


async def guarded(work: Coroutine[object, object, None]) -> None:
    try:
        await work
    except SaysoError as error:
        log.warning("left for recovery: %s", error.code)
    except Exception:
        log.exception("work behind a request failed")


async def until(stop: asyncio.Event, work: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Goes on after the database was away."""
    while not stop.is_set():
        try:
            await work(stop)
        except StoreUnavailable:
            log.warning("the database is away; trying again")
        except Exception:
            log.exception("work behind the requests failed; trying again")
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), RETRY_SECONDS)
