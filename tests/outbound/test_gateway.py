"""What every gateway must do: one class over all of them. And the simulated phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import get_args

import pytest

from bot.app import Bot
from bot.config import Settings
from bot.errors import Invalid
from bot.model.base import now
from bot.outbound.gateways import GATEWAYS, LONGEST, Gateway, GatewayError, Outgoing
from bot.outbound.gateways.simulator import Simulator
from bot.store import Store
from tests.people import ANOTHER, NUMBER, texted
from tests.twilio.fake import fake_twilio, twilio_settings


def test_each_gateway_can_be_chosen_by_settings() -> None:
    assert {*GATEWAYS} == {*get_args(Settings.model_fields["gateway"].annotation)}


@pytest.fixture(params=GATEWAYS)
async def gateway(request: pytest.FixtureRequest, store: Store) -> AsyncIterator[Gateway]:
    async with fake_twilio() as twilio:
        gateway = GATEWAYS[request.param](twilio_settings(twilio), store)
        yield gateway
        await gateway.close()


class TestEveryGateway:
    async def test_a_text_is_handed_over_and_gets_an_id(self, gateway: Gateway) -> None:
        first = await gateway.send(Outgoing("d1", NUMBER, "Hello ☕\nthere"))
        second = await gateway.send(Outgoing("d2", ANOTHER, "Hi"))
        assert first
        assert first != second

    @pytest.mark.parametrize("number", ["", "hello", "2015550123", "+1201555", "+442079460958"])
    async def test_a_number_that_takes_no_text_is_refused_for_good(self, gateway: Gateway, number: str) -> None:
        with pytest.raises(GatewayError) as refused:
            await gateway.send(Outgoing("d1", number, "Hi"))
        assert (refused.value.code, refused.value.permanent) == ("invalid_number", True)

    async def test_a_text_that_is_too_long_is_refused_for_good(self, gateway: Gateway) -> None:
        with pytest.raises(GatewayError) as refused:
            await gateway.send(Outgoing("d1", NUMBER, "x" * (LONGEST + 1)))
        assert (refused.value.code, refused.value.permanent) == ("too_long", True)
        await gateway.send(Outgoing("d2", NUMBER, "x" * LONGEST))

    async def test_a_text_that_it_never_got_is_not_found(self, gateway: Gateway) -> None:
        long_ago = now() - timedelta(hours=1)
        assert await gateway.find(Outgoing("never-sent", NUMBER, "Hi"), long_ago) == []


class TestSimulator:
    async def test_it_finds_what_is_on_a_phone(self, store: Store) -> None:
        await texted(store, NUMBER, "Hi", "d1")
        assert await Simulator(store).find(Outgoing("d1", NUMBER, "Hi"), now()) == ["d1"]


class TestPhone:
    async def test_a_person_answers_a_text(self, bot: Bot) -> None:
        await texted(bot.store, NUMBER, "Hi")
        await bot.phone.reply(NUMBER, " STOP ", "k")
        assert [(t.incoming, t.body) for t in await bot.phone.texts(NUMBER)] == [(True, "Hi"), (False, "STOP")]

    async def test_an_answer_sent_twice_is_stored_once(self, bot: Bot) -> None:
        await texted(bot.store, NUMBER, "Hi")
        for _ in range(2):
            await bot.phone.reply(NUMBER, "YES", "k")
        assert len(await bot.phone.texts(NUMBER)) == 2

    @pytest.mark.parametrize("body", ["", "  \n", "x" * (LONGEST + 1)])
    async def test_an_answer_that_is_none_is_refused(self, bot: Bot, body: str) -> None:
        await texted(bot.store, NUMBER, "Hi")
        with pytest.raises(Invalid):
            await bot.phone.reply(NUMBER, body, "k")
        assert len(await bot.phone.texts(NUMBER)) == 1

    async def test_a_phone_that_was_never_texted_can_text_first(self, bot: Bot) -> None:
        """A keyword of a poster, for example."""
        await bot.phone.reply(NUMBER, "JOIN", "k")
        assert [t.body for t in await bot.phone.texts(NUMBER)] == ["JOIN"]

    async def test_numbers_with_the_newest_texts_come_first(self, bot: Bot) -> None:
        for number in (NUMBER, ANOTHER, NUMBER):
            await texted(bot.store, number, "Hi")
        await bot.phone.reply(ANOTHER, "Hello", "k")
        assert await bot.phone.numbers() == [ANOTHER, NUMBER]
        assert [t.body for t in await bot.phone.texts(ANOTHER)] == ["Hi", "Hello"]

    async def test_what_a_provider_carried_is_not_on_it(self, bot: Bot) -> None:
        await texted(bot.store, NUMBER, "Hi", "d1")
        await bot.store.deliveries.update({"_id": "d1"}, {"$set": {"provider_id": "SM1"}})
        assert (await bot.phone.numbers(), await bot.phone.texts(NUMBER)) == ([], [])
