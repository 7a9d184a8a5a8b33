"""Rate limits: nobody is refused whose limit isn't reached, however many come at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from limits.aio.strategies import MovingWindowRateLimiter

from bot.store import Store
from bot.store.attempts import RateLimit

FIVE = RateLimit("test", ("ada",), 5, 15)


async def test_an_attempt_that_lost_the_race_for_the_first_is_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library says `refused` to who didn't make the document."""
    hit, refused = MovingWindowRateLimiter.hit, [False]

    async def lost_once(self: MovingWindowRateLimiter, *given: Any) -> bool:
        return refused.pop() if refused else await hit(self, *given)

    monkeypatch.setattr(MovingWindowRateLimiter, "hit", lost_once)
    assert await store.attempts.take([FIVE]) is None


async def test_one_more_than_the_limit_waits_until_one_is_given_back(store: Store) -> None:
    waits = await asyncio.gather(*(store.attempts.take([FIVE]) for _ in range(8)))
    assert sorted(wait is None for wait in waits) == [False] * 3 + [True] * 5
    await store.attempts.give_back([FIVE])
    assert await store.attempts.take([FIVE]) is None
    assert await store.attempts.take([FIVE])
