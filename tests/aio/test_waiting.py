"""Waiting for one of two things, or for several."""

from __future__ import annotations

import asyncio

import pytest

from bot.aio.waiting import ends_before, together
from bot.errors import StoreUnavailable
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
            await asyncio.sleep(0)
            canceled.set()

    async with asyncio.timeout(PATIENCE):
        assert not await ends_before(stop, work())
    assert canceled.is_set(), "it has ended"


async def test_a_failure_is_raised() -> None:
    async def work() -> None:
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await ends_before(asyncio.Event(), work())


async def test_a_failure_at_the_same_time_as_the_stop_is_raised() -> None:
    stop = asyncio.Event()

    async def work() -> None:
        stop.set()
        raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        await ends_before(stop, work())


async def _answer(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def test_results_are_in_order() -> None:
    assert await together(_answer(value) for value in (3, 1, 2)) == [3, 1, 2]


async def test_an_error_is_raised_as_it_is_and_cancels_the_others() -> None:
    other = asyncio.get_running_loop().create_future()

    async def waits() -> int:
        try:
            return int(await asyncio.get_running_loop().create_future())
        except asyncio.CancelledError:
            other.set_result("canceled")
            raise

    async def fails() -> int:
        await asyncio.sleep(0)
        raise StoreUnavailable

    with pytest.raises(StoreUnavailable):
        await together((waits(), fails()))
    assert other.result() == "canceled"


async def test_an_error_that_repeating_does_not_mend_is_raised_rather_than_that_the_database_is_away() -> None:
    async def fails(error: Exception) -> int:
        raise error

    with pytest.raises(ValueError, match=r"^$"):
        await together(map(fails, (StoreUnavailable(), ValueError(), StoreUnavailable())))
