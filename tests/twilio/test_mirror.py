"""Twilio learns who opted out of all texts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.app import Bot
from bot.outbound.consent_mirror import ConsentMirror
from bot.outbound.gateways.twilio import TwilioGateway
from tests.people import ANOTHER, NUMBER
from tests.twilio.fake import SERVICE, FakeTwilio, fake_twilio, twilio_settings


@pytest.fixture
async def twilio() -> AsyncIterator[FakeTwilio]:
    async with fake_twilio() as twilio:
        yield twilio


@pytest.fixture
async def mirror(bot: Bot, twilio: FakeTwilio) -> AsyncIterator[ConsentMirror]:
    gateway = TwilioGateway(twilio_settings(twilio))
    yield ConsentMirror(bot.store, gateway)
    await gateway.close()


async def test_an_opt_out_is_told_once(bot: Bot, twilio: FakeTwilio, mirror: ConsentMirror) -> None:
    await bot.stops.add({NUMBER: "import:1"})
    for _ in range(2):
        await mirror.push()
    ((item,),) = twilio.consents
    assert (item["contact_id"], item["sender_id"], item["status"]) == (NUMBER, SERVICE, "opt-out")
    assert (len(item["correlation_id"]), item["source"], item["date_of_consent"][:2]) == (32, "others", "20")


async def test_they_go_in_batches_of_25(bot: Bot, twilio: FakeTwilio, mirror: ConsentMirror) -> None:
    numbers = [f"+1201555{i + 100:04d}" for i in range(60)]
    await bot.stops.add({number: f"import:{number}" for number in numbers})
    await mirror.push()
    assert [len(batch) for batch in twilio.consents] == [25, 25, 10]
    assert {item["contact_id"] for batch in twilio.consents for item in batch} == {*numbers}


async def test_an_opt_in_is_never_told(bot: Bot, twilio: FakeTwilio, mirror: ConsentMirror) -> None:
    await bot.stops.stop(NUMBER, "STOP", "t1")
    await bot.stops.lift(NUMBER, "START", "t2")
    await bot.stops.stop(ANOTHER, "STOP", "t3")
    await mirror.push()
    assert [[item["contact_id"] for item in batch] for batch in twilio.consents] == [[ANOTHER]]
    await bot.stops.stop(NUMBER, "STOP", "t4")
    await mirror.push()
    assert twilio.consents[-1][0]["contact_id"] == NUMBER


async def test_what_twilio_did_not_take_is_told_again(bot: Bot, twilio: FakeTwilio, mirror: ConsentMirror) -> None:
    await bot.stops.stop(NUMBER, "STOP", "t1")
    elsewhere = TwilioGateway(twilio_settings(twilio, twilio_auth_token="wrong"))
    await ConsentMirror(bot.store, elsewhere).push()
    await elsewhere.close()
    assert twilio.consents == []
    await mirror.push()
    assert len(twilio.consents) == 1


async def test_a_number_that_twilio_refuses_is_logged_without_its_digits(
    bot: Bot, twilio: FakeTwilio, mirror: ConsentMirror, caplog: pytest.LogCaptureFixture
) -> None:
    twilio.refused_contacts = {NUMBER}
    await bot.stops.stop(NUMBER, "STOP", "t1")
    for _ in range(2):
        await mirror.push()
    assert len(twilio.consents) == 1
    assert "refused to note 1 opt-outs" in caplog.text
    assert NUMBER not in caplog.text


async def test_of_somebody_erased_nothing_is_told(bot: Bot, twilio: FakeTwilio, mirror: ConsentMirror) -> None:
    await bot.stops.stop("keyed:abc", "STOP", "t1")
    await mirror.push()
    assert twilio.consents == []
    assert await bot.store.stops.untold(limit=5) == []
