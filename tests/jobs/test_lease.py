"""A lease, with processes that are several as far as the database can tell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.jobs.lease import Lease
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.conftest import eventually
from tests.people import second_process


@pytest.fixture
async def other(store: Store, mongo: EmbeddedServer) -> AsyncIterator[Store]:
    async with second_process(mongo) as second:
        yield second


async def test_one_of_many_holders_gets_the_lease(store: Store, other: Store) -> None:
    leases = [Lease(s, "cursor", f"holder-{i}") for i, s in enumerate([store, other] * 10)]
    won = await asyncio.gather(*(lease.acquire() for lease in leases))
    assert sum(won) == 1
    assert [lease.is_held for lease in leases] == won
    assert {lease.term for lease in leases} == {1}


async def test_leases_of_different_names_do_not_meet(store: Store) -> None:
    assert await Lease(store, "one", "a").acquire()
    assert await Lease(store, "two", "b").acquire()


async def test_a_renewed_lease_stays_with_its_holder(store: Store, other: Store) -> None:
    async with Lease(store, "cursor", "a", 6) as mine:
        began = await store.leases.get("cursor")

        async def is_renewed() -> bool:
            found = await store.leases.get("cursor")
            return bool(found and began and found.until > began.until)

        await eventually(is_renewed)
        assert not await Lease(other, "cursor", "b", 6).acquire()
        assert (mine.is_held, mine.term) == (True, 1)


async def test_a_released_lease_is_free_at_once(store: Store, other: Store) -> None:
    theirs = Lease(other, "cursor", "b")
    async with Lease(store, "cursor", "a") as mine:
        assert not await theirs.acquire()
    assert not mine.is_held
    assert await theirs.acquire()
    assert theirs.term == 2
    await mine.release()  # is nobody else's to give back
    assert await theirs.acquire()


async def test_the_lease_of_a_dead_holder_is_taken_over(store: Store, other: Store) -> None:
    dead = Lease(store, "cursor", "dead", 1.4)
    assert await dead.acquire()
    async with Lease(other, "cursor", "b", 6) as next:
        assert not next.is_held

        async def is_taken_over() -> bool:
            return next.is_held

        await eventually(is_taken_over)
        assert not dead.is_held, "the holder stopped relying on it first"
        assert next.term == 2
        assert not await dead.acquire()
