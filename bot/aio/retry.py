"""Optimistic concurrency: an attempt that lost to another writer is made again, a bounded number of times."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from bot.errors import StoreUnavailable

T = TypeVar("T")

MOST_ATTEMPTS = 50


async def retried(attempt: Callable[[], Awaitable[T]], on: type[Exception], *, most: int = MOST_ATTEMPTS) -> T:
    """The result of `attempt`, called again while it raises `on`.

    Raises StoreUnavailable after so many attempts: the whole request is safe to retry.
    """
    for _ in range(most):
        with suppress(on):
            return await attempt()
    raise StoreUnavailable
