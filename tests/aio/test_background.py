"""Work behind the requests: tried again after a failure, ended without a wait."""

from __future__ import annotations

import asyncio

import pytest

from bot.aio import background
from bot.errors import StoreUnavailable
from tests.conftest import PATIENCE


async def test_a_stop_does_not_wait_for_the_next_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "RETRY_SECONDS", 60)
    stop, failed = asyncio.Event(), asyncio.Event()

    async def work(_: asyncio.Event) -> None:
        failed.set()
        raise StoreUnavailable

    task = asyncio.create_task(background.until(stop, work))
    await failed.wait()
    stop.set()
    async with asyncio.timeout(PATIENCE):
        await task


async def test_work_that_failed_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "RETRY_SECONDS", 0.01)
    stop, tries = asyncio.Event(), 0

    async def work(stop: asyncio.Event) -> None:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise ValueError
        stop.set()

    async with asyncio.timeout(PATIENCE):
        await background.until(stop, work)
    assert tries == 3


async def test_work_that_is_interrupted_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the cancellation of something that it waited for, not by its own."""
    monkeypatch.setattr(background, "RETRY_SECONDS", 0.01)
    stop, tries = asyncio.Event(), 0

    async def work(stop: asyncio.Event) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            (gone := asyncio.get_running_loop().create_future()).cancel()
            await gone
        stop.set()

    async with asyncio.timeout(PATIENCE):
        await background.until(stop, work)
    assert tries == 2


async def test_work_that_is_canceled_ends() -> None:
    started = asyncio.Event()

    async def work(stop: asyncio.Event) -> None:
        started.set()
        await stop.wait()

    task = asyncio.create_task(background.until(asyncio.Event(), work))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_periodic_work_that_fails_does_not_hold_up_the_others() -> None:
    stop, tries = asyncio.Event(), 0

    async def failing() -> None:
        nonlocal tries
        tries += 1
        raise ValueError

    async def working() -> None:
        if tries == 2:
            stop.set()

    async with asyncio.timeout(PATIENCE):
        await background.every(0.01, [failing, working])(stop)
    assert tries == 2


async def test_periodic_work_stops_while_the_database_is_away() -> None:
    async def away() -> None:
        raise StoreUnavailable

    with pytest.raises(StoreUnavailable):
        await background.every(60, [away])(asyncio.Event())
