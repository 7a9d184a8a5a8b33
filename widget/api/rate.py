"""How many calls a token may make in ten seconds.

Each process counts for itself, in memory: a shared count would cost a write for each read. So the limit of a deployment
is that of one process times their number.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from aiohttp import web

from widget.api.faults import TOO_MANY_CALLS, ApiRefusal

WINDOW = 10
"""Seconds, as Intercom's."""


class RateLimiter:
    """Bounded: it remembers the tokens of the current window only."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.time) -> None:
        """`per_minute`: 0 is no limit."""
        self._limit = -(-per_minute * WINDOW // 60)
        self._clock = clock
        self._window, self._calls = 0, dict[str, int]()

    def take(self, token: str) -> dict[str, str]:
        """Counts a call and returns the headers that tell of the limit. Raises ApiRefusal (429)."""
        if not self._limit:
            return {}
        time = self._clock()
        window = int(time) // WINDOW
        if window != self._window:
            self._window, self._calls = window, {}
        calls = self._calls[token] = self._calls.get(token, 0) + 1
        headers = self._headers(self._limit - calls, (window + 1) * WINDOW)
        if calls > self._limit:
            wait = {"Retry-After": str(max(1, (window + 1) * WINDOW - int(time)))}
            raise ApiRefusal(TOO_MANY_CALLS, headers=headers | wait, limit=str(self._limit))
        return headers

    def _headers(self, left: int, reset: int) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self._limit),
            "X-RateLimit-Remaining": str(max(0, left)),
            "X-RateLimit-Reset": str(reset),
        }


RATES = web.AppKey("rates", RateLimiter)
