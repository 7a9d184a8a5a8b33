"""Group commit: calls that come together share a round, and each gets its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from unittest.mock import ANY

import pytest

from bot.aio.batching import Batcher
from tests.conftest import PATIENCE


class Rounds:
    """Notes what each round was given; `gate` holds rounds up."""

    def __init__(self) -> None:
        self.given: list[list[int]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.active = self.most = 0

    async def __call__(self, items: list[int]) -> Sequence[int | Exception]:
        self.given.append(items)
        self.active += 1
        self.most = max(self.most, self.active)
        await self.gate.wait()
        await asyncio.sleep(0)
        self.active -= 1
        if 1313 in items:
            raise OSError("the round failed")
        return [ValueError(i) if i < 0 else i * 10 for i in items]


async def together(*calls: Awaitable[int], return_exceptions: bool = False) -> list[int | BaseException]:
    """All answers; a call that is never answered fails the test."""
    async with asyncio.timeout(PATIENCE):
        return await asyncio.gather(*calls, return_exceptions=return_exceptions)


@pytest.fixture
def rounds() -> Rounds:
    return Rounds()


async def test_each_call_gets_its_own_answer(rounds: Rounds) -> None:
    gather = Batcher(rounds)
    assert await together(*(gather(i) for i in range(10))) == [i * 10 for i in range(10)]


async def test_calls_that_come_while_a_round_is_under_way_share_the_next(rounds: Rounds) -> None:
    gather = Batcher(rounds)
    rounds.gate.clear()
    calls = [asyncio.create_task(gather(0))]
    await asyncio.sleep(0.01)
    calls += [asyncio.create_task(gather(i)) for i in range(1, 6)]
    await asyncio.sleep(0.01)
    rounds.gate.set()
    await together(*calls)
    assert rounds.given == [[0], [1, 2, 3, 4, 5]]


async def test_a_round_has_no_more_items_than_it_may(rounds: Rounds) -> None:
    gather = Batcher(rounds, limit=4)
    await together(*(gather(i) for i in range(20)))
    assert max(len(items) for items in rounds.given) == 4
    assert sorted(i for items in rounds.given for i in items) == list(range(20))


async def test_one_round_is_under_way_at_a_time(rounds: Rounds) -> None:
    gather = Batcher(rounds, limit=2)
    await together(*(gather(i) for i in range(30)))
    assert rounds.most == 1
    assert sum(len(items) for items in rounds.given) == 30


async def test_a_round_has_one_item_of_each_owner_and_others_need_not_wait(rounds: Rounds) -> None:
    gather = Batcher(rounds, limit=4, one_of=lambda item: item // 100)
    items = [100, 101, 102, 200, 201, 300, 400, 500]
    assert await together(*(gather(i) for i in items)) == [i * 10 for i in items]
    assert rounds.given == [[100, 200, 300, 400], [101, 201, 500], [102]]


async def test_an_exception_of_one_item_is_its_own(rounds: Rounds) -> None:
    gather = Batcher(rounds)
    one, two, three = await together(gather(1), gather(-2), gather(3), return_exceptions=True)
    assert (one, three) == (10, 30)
    assert isinstance(two, ValueError)


async def test_a_round_that_fails_fails_all_of_its_own_and_none_of_the_next(rounds: Rounds) -> None:
    gather = Batcher(rounds, limit=2)
    answers = await together(*(gather(i) for i in (1312, 1313, 1314, 1315)), return_exceptions=True)
    assert [type(a).__name__ for a in answers] == ["OSError", "OSError", "int", "int"]
    assert await gather(1) == 10


async def test_a_caller_who_went_away_takes_nobody_along(rounds: Rounds) -> None:
    gather = Batcher(rounds)
    rounds.gate.clear()
    under_way = asyncio.create_task(gather(1))
    await asyncio.sleep(0.01)
    waiting = [asyncio.create_task(gather(i)) for i in (2, 3)]
    await asyncio.sleep(0.01)
    under_way.cancel()
    waiting[0].cancel()
    rounds.gate.set()
    answers = await together(under_way, *waiting, return_exceptions=True)
    assert [type(a).__name__ for a in answers] == ["CancelledError", "CancelledError", "int"]
    assert await gather(4) == 40


async def test_no_call_is_left_waiting(rounds: Rounds) -> None:
    """A call right after an answer, in the very step in which the round ends, begins a round of its own."""
    gather = Batcher(rounds)

    async def again_and_again(start: int) -> int:
        for i in range(200):
            assert await gather(start + i) == (start + i) * 10
        return start

    async with asyncio.timeout(PATIENCE):
        assert await again_and_again(1000) == 1000
        assert await together(*(again_and_again(n * 1000) for n in (2, 3, 4))) == [2000, 3000, 4000]


async def test_a_call_from_the_callback_of_an_answer_is_served(rounds: Rounds) -> None:
    gather = Batcher(rounds)
    later: list[asyncio.Task[int]] = []
    first = asyncio.create_task(gather(1))
    first.add_done_callback(lambda _: later.append(asyncio.create_task(gather(2))))
    async with asyncio.timeout(PATIENCE):
        assert await first == 10
        await asyncio.sleep(0)
        assert await later[0] == 20


PATIENT = 10 * PATIENCE
"""Seconds that no test has: a round that waits for them fails it."""


async def test_a_caller_who_is_alone_never_waits(rounds: Rounds) -> None:
    batcher = Batcher(rounds, wait=PATIENT)
    async with asyncio.timeout(PATIENCE):
        assert [await batcher(i) for i in range(20)] == [i * 10 for i in range(20)]


async def test_callers_who_come_again_together_share_a_round_at_once(rounds: Rounds) -> None:
    batcher = Batcher(rounds, wait=PATIENT)
    for _ in range(3):
        await together(*(batcher(i) for i in range(8)))
    assert [len(items) for items in rounds.given] == [8, 8, 8]


async def test_two_halves_that_follow_each_other_become_one_round(rounds: Rounds) -> None:
    """Four callers, two of whom came while the others were served: from then on all four share."""
    batcher = Batcher(rounds, wait=PATIENT)

    async def caller(i: int) -> None:
        for _ in range(3):
            await batcher(i)

    rounds.gate.clear()
    callers = [asyncio.create_task(caller(i)) for i in (1, 2)]
    while not rounds.given:  # noqa: ASYNC110 - a round is awaited
        await asyncio.sleep(0)
    callers += [asyncio.create_task(caller(i)) for i in (3, 4)]
    await asyncio.sleep(0)
    rounds.gate.set()
    async with asyncio.timeout(PATIENCE):
        while len(rounds.given) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0)
    assert [sorted(items) for items in rounds.given][:3] == [[1, 2], [1, 2, 3, 4], [1, 2, 3, 4]]
    for task in callers:
        task.cancel()
    await asyncio.gather(*callers, return_exceptions=True)


async def test_who_comes_first_waits_no_longer_than_it_may(rounds: Rounds) -> None:
    batcher = Batcher(rounds, wait=0.01)
    await together(batcher(1), batcher(2))
    assert await together(batcher(3)) == [30]
    assert rounds.given == [[1, 2], [3]]


async def test_a_full_round_waits_for_nobody(rounds: Rounds) -> None:
    batcher = Batcher(rounds, limit=2, wait=PATIENT)
    await together(*(batcher(i) for i in range(8)))
    await together(batcher(8), batcher(9))
    assert [len(items) for items in rounds.given] == [2] * 5


async def test_a_wait_ends_when_all_its_callers_went_away(rounds: Rounds) -> None:
    batcher = Batcher(rounds, wait=0.01)
    await together(batcher(1), batcher(2))
    gone = asyncio.create_task(batcher(3))
    await asyncio.sleep(0)
    gone.cancel()
    assert await together(gone, batcher(4), batcher(5), return_exceptions=True) == [ANY, 40, 50]
    assert rounds.given == [[1, 2], [4, 5]]


async def test_a_call_that_came_first_is_served_first(rounds: Rounds) -> None:
    batcher = Batcher(rounds, limit=3)
    await together(*(batcher(i) for i in range(30)))
    assert [i for items in rounds.given for i in items] == [*range(30)]


async def test_callers_of_a_round_that_was_canceled_are_told() -> None:
    async def canceled(items: list[int]) -> list[int]:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(PATIENCE):
            await Batcher(canceled)(1)


async def test_callers_of_a_round_that_answers_too_few_are_told() -> None:
    async def first(items: list[int]) -> list[int]:
        return items[:1]

    batcher = Batcher(first)
    answers = await together(batcher(1), batcher(2), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ValueError, ValueError]
