"""Waiting for one of two things."""

from __future__ import annotations

import asyncio

import pytest

from bot.aio.waiting import ends_before
from tests.conftest import PATIENCE


async def test_work_that_ends_first_has_ended() -> None:
    assert await ends_before(asyncio.Event(), asyncio.sleep(0))


async def test_a_stop_cancels_what_is_waited_for() -> None:
    stop, canceled = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        stop.set()
        try:
            await asyncio.Event().wait()
        finally:
            canceled.set()

    async with asyncio.timeout(PATIENCE):
        assert not await ends_before(stop, work())
        await canceled.wait()


async def test_a_failure_is_raised() -> None:
    async def work() -> None:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await ends_before(asyncio.Event(), work())
