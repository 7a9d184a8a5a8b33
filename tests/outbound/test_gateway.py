"""What every gateway must do: one class over all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from bot.errors import Invalid
from bot.outbound.gateway import LONGEST, Gateway, GatewayError, Outgoing, Simulator
from bot.store import Store
from tests.people import ANOTHER, NUMBER


@dataclass(frozen=True)
class Carried:
    """A gateway, and what it has handed to phones: (number, body)."""

    gateway: Gateway
    texts: Callable[[], Awaitable[list[tuple[str, str]]]]


def _simulator(store: Store) -> Carried:
    async def texts() -> list[tuple[str, str]]:
        return [(t.number, t.body) for t in await store.phone_texts.find({"incoming": True}, limit=100)]

    return Carried(Simulator(store), texts)


GATEWAYS = {"simulator": _simulator}


@pytest.fixture(params=GATEWAYS)
def carried(request: pytest.FixtureRequest, store: Store) -> Carried:
    return GATEWAYS[request.param](store)


class TestEveryGateway:
    async def test_a_text_is_handed_over_and_gets_the_provider_s_id(self, carried: Carried) -> None:
        first = await carried.gateway.send(Outgoing("d1", NUMBER, "Hello ☕\nthere"))
        second = await carried.gateway.send(Outgoing("d2", ANOTHER, "Hi"))
        assert first
        assert first != second
        assert await carried.texts() == [(NUMBER, "Hello ☕\nthere"), (ANOTHER, "Hi")]

    @pytest.mark.parametrize("number", ["", "hello", "2015550123", "+1201555", "+442079460958"])
    async def test_a_number_that_takes_no_text_is_refused_for_good(self, carried: Carried, number: str) -> None:
        with pytest.raises(GatewayError) as refused:
            await carried.gateway.send(Outgoing("d1", number, "Hi"))
        assert (refused.value.code, refused.value.permanent) == ("invalid_number", True)
        assert await carried.texts() == []

    async def test_a_text_that_is_too_long_is_refused_for_good(self, carried: Carried) -> None:
        with pytest.raises(GatewayError) as refused:
            await carried.gateway.send(Outgoing("d1", NUMBER, "x" * (LONGEST + 1)))
        assert (refused.value.code, refused.value.permanent) == ("too_long", True)
        await carried.gateway.send(Outgoing("d2", NUMBER, "x" * LONGEST))
        assert len(await carried.texts()) == 1


class TestSimulatedPhone:
    async def test_a_person_answers_a_text(self, store: Store) -> None:
        simulator = Simulator(store)
        await simulator.send(Outgoing("d1", NUMBER, "Hi"))
        await simulator.reply(NUMBER, " STOP ", "k")
        assert [(t.incoming, t.body) for t in await store.phone_texts.of(NUMBER)] == [(True, "Hi"), (False, "STOP")]

    async def test_an_answer_sent_twice_stands_once(self, store: Store) -> None:
        simulator = Simulator(store)
        await simulator.send(Outgoing("d1", NUMBER, "Hi"))
        for _ in range(2):
            await simulator.reply(NUMBER, "YES", "k")
        assert len(await store.phone_texts.of(NUMBER)) == 2

    @pytest.mark.parametrize("body", ["", "  \n", "x" * (LONGEST + 1)])
    async def test_an_answer_that_is_none_is_refused(self, store: Store, body: str) -> None:
        simulator = Simulator(store)
        await simulator.send(Outgoing("d1", NUMBER, "Hi"))
        with pytest.raises(Invalid):
            await simulator.reply(NUMBER, body, "k")
        assert len(await store.phone_texts.of(NUMBER)) == 1

    async def test_a_phone_that_was_never_texted_does_not_answer(self, store: Store) -> None:
        with pytest.raises(Invalid):
            await Simulator(store).reply(NUMBER, "Hi", "k")

    async def test_numbers_that_were_texted_last_come_first(self, store: Store) -> None:
        simulator = Simulator(store)
        for i, number in enumerate([NUMBER, ANOTHER, NUMBER]):
            await simulator.send(Outgoing(f"d{i}", number, "Hi"))
            await store.phone_texts.count_about()
        assert set(await store.phone_texts.numbers()) == {NUMBER, ANOTHER}
