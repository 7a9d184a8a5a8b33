"""Texts through a Twilio that misbehaves: what is refused, what is unknown, and that nothing is posted twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.model.base import now
from bot.outbound.gateways import Effect, GatewayError, NoAnswer, NotTraceable, Outgoing
from bot.outbound.gateways import twilio as gateway_module
from bot.outbound.gateways.twilio import TwilioGateway
from bot.outbound.gateways.twilio_errors import POLICIES, policy_of
from tests.people import ANOTHER, NUMBER
from tests.twilio import fake
from tests.twilio.fake import (
    ACCOUNT,
    KEY,
    SECRET,
    SENDER,
    SERVICE,
    FakeTwilio,
    Fault,
    fake_twilio,
    twilio_settings,
)

TEXT = Outgoing("confirmation:ada:1", NUMBER, "Harbor Coffee: You are now subscribed.")
LONG_AGO = now() - timedelta(days=1)


@pytest.fixture
async def twilio() -> AsyncIterator[FakeTwilio]:
    async with fake_twilio() as twilio:
        yield twilio


@pytest.fixture
async def gateway(twilio: FakeTwilio) -> AsyncIterator[TwilioGateway]:
    gateway = TwilioGateway(twilio_settings(twilio))
    yield gateway
    await gateway.close()


async def _sent(twilio: FakeTwilio, text: Outgoing = TEXT, **settings: Any) -> fake.FakeMessage:
    gateway = TwilioGateway(twilio_settings(twilio, **settings))
    try:
        assert await gateway.send(text) == twilio.messages[-1].sid
    finally:
        await gateway.close()
    return twilio.messages[-1]


class TestSend:
    async def test_a_text_goes_through_the_messaging_service(self, twilio: FakeTwilio) -> None:
        message = await _sent(twilio)
        assert (message.to, message.body) == (NUMBER, TEXT.body)
        assert {*message.form} == {"To", "Body", "MessagingServiceSid", "StatusCallback"}
        assert message.form["MessagingServiceSid"] == SERVICE

    async def test_all_characters_arrive(self, twilio: FakeTwilio) -> None:
        body = "Ünï ✓ 😀 %41 a+b=c;&?/:@!$'()*,\"<>\\^`{|}~#\n\t"
        assert (await _sent(twilio, replace(TEXT, body=body))).body == body

    async def test_its_id_travels_in_the_address_of_its_status_callback(self, twilio: FakeTwilio) -> None:
        message = await _sent(twilio)
        address, _, retries = message.callback.partition("#")
        assert address == "https://chat.example.com/webhooks/twilio/status?d=confirmation:ada:1"
        assert retries == "rc=3&rp=all"

    async def test_without_a_service_a_phone_always_hears_from_the_same_number(self, twilio: FakeTwilio) -> None:
        numbers = ["+15005550001", "+15005550002", "+15005550003"]
        people = [Outgoing(f"d{i}", f"+1201555{i + 100:04d}", "Hi") for i in range(20)]
        senders = [
            [(await _sent(twilio, person, twilio_service="", twilio_numbers=" ".join(numbers))).sender for _ in "12"]
            for person in people
        ]
        assert all(first == second for first, second in senders)
        assert {first for first, _ in senders} == {*numbers}

    async def test_a_sender_of_the_country_goes_along_with_the_service(self, twilio: FakeTwilio) -> None:
        message = await _sent(twilio, Outgoing("d", NUMBER, "Hi", sender="HARBOR"))
        assert (message.form["From"], message.form["MessagingServiceSid"]) == ("HARBOR", SERVICE)

    @pytest.mark.parametrize(
        ("valid_for", "seconds"),
        [(timedelta(minutes=5), "300"), (timedelta(days=3), "36000"), (timedelta(0), "1"), (-timedelta(1), "1")],
    )
    async def test_it_expires_in_the_carrier_s_queue(
        self, twilio: FakeTwilio, valid_for: timedelta, seconds: str
    ) -> None:
        message = await _sent(twilio, Outgoing("d", NUMBER, "Hi", valid_for=valid_for))
        assert message.form["ValidityPeriod"] == seconds

    async def test_an_api_key_signs_in_instead_of_the_auth_token(self, twilio: FakeTwilio) -> None:
        await _sent(twilio, twilio_api_key=KEY, twilio_api_secret=SECRET, twilio_auth_token="something else")

    async def test_all_texts_share_one_session(self, twilio: FakeTwilio, gateway: TwilioGateway) -> None:
        await asyncio.gather(*(gateway.send(TEXT) for _ in range(10)))
        session = gateway.client.http_client.session
        await gateway.close()
        assert session.closed
        await gateway.send(TEXT)
        assert gateway.client.http_client.session is not session


class TestRefusal:
    @pytest.mark.parametrize(
        ("fault", "code", "is_permanent", "effect"),
        [
            (Fault(400, 21610), "opted_out", True, Effect.OPTED_OUT),
            (Fault(400, 21211), "invalid_number", True, Effect.NONE),
            (Fault(400, 21614), "invalid_number", True, Effect.NONE),
            (Fault(400, 21408), "country_not_enabled", True, Effect.ALARM),
            (Fault(400, 30034), "sender_not_registered", True, Effect.ALARM),
            (Fault(400, 99999), "refused", True, Effect.NONE),
            (Fault(409), "refused", True, Effect.NONE),
            (Fault(401, 20003), "auth_failed", False, Effect.HALT),
            (Fault(403), "auth_failed", False, Effect.HALT),
            (Fault(404, 20404), "account_not_found", False, Effect.HALT),
            (Fault(401, page=""), "auth_failed", False, Effect.HALT),
            (Fault(403, page="<h1>Forbidden</h1>"), "auth_failed", False, Effect.HALT),
            (Fault(404, page="[]"), "account_not_found", False, Effect.HALT),
        ],
    )
    async def test_what_each_error_means(
        self, twilio: FakeTwilio, gateway: TwilioGateway, fault: Fault, code: str, is_permanent: bool, effect: Effect
    ) -> None:
        twilio.fault = lambda message: fault
        with pytest.raises(GatewayError) as refused:
            await gateway.send(TEXT)
        assert (refused.value.code, refused.value.permanent, refused.value.effect) == (code, is_permanent, effect)
        assert twilio.requests == 1

    @pytest.mark.parametrize("seconds", [None, 7])
    async def test_too_many_requests_are_refused_for_the_time_that_twilio_names(
        self, twilio: FakeTwilio, gateway: TwilioGateway, seconds: int | None
    ) -> None:
        twilio.fault = lambda message: Fault(429, 20429, retry_after=seconds)
        with pytest.raises(GatewayError) as refused:
            await gateway.send(TEXT)
        assert (refused.value.permanent, refused.value.retry_after) == (False, seconds)
        assert twilio.requests == 1

    async def test_a_wrong_auth_token_is_said(self, twilio: FakeTwilio) -> None:
        with pytest.raises(GatewayError) as refused:
            await _sent(twilio, twilio_auth_token="wrong")
        assert (refused.value.code, refused.value.effect) == ("auth_failed", Effect.HALT)

    async def test_where_nobody_answers_nothing_was_sent(self) -> None:
        async with fake_twilio() as twilio:
            settings = twilio_settings(twilio)
        gateway = TwilioGateway(settings)
        with pytest.raises(GatewayError) as refused:
            await gateway.send(TEXT)
        assert (refused.value.code, refused.value.permanent) == ("no_connection", False)
        await gateway.close()

    def test_only_what_was_certainly_not_sent_is_queued_again(self) -> None:
        again = {code for code, policy in POLICIES.items() if policy.retries}
        assert again == {20003, 20005, 20008, 20404, 20429, 21701, 30001, 30036, 30046, 30047}
        assert policy_of(12345).retries == policy_of(None).retries == 0


class TestUnknown:
    @pytest.mark.parametrize(
        "fault",
        [
            fake.CUT,
            fake.CUT_AFTER,
            fake.BROKEN,
            fake.BROKEN_AFTER,
            Fault(503),
            Fault(302),
            Fault(408, page="<h1>Timeout</h1>"),
        ],
    )
    async def test_an_unclear_answer_is_no_refusal_and_nothing_is_posted_twice(
        self, twilio: FakeTwilio, gateway: TwilioGateway, fault: Fault
    ) -> None:
        twilio.fault = lambda message: fault
        with pytest.raises(NoAnswer) as unknown:
            await gateway.send(TEXT)
        assert twilio.requests == 1
        assert NUMBER not in str(unknown.value)

    async def test_a_silent_twilio_is_given_up(
        self, twilio: FakeTwilio, gateway: TwilioGateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gateway_module, "SECONDS", 0.1)
        twilio.fault = lambda message: fake.SILENT
        with pytest.raises(NoAnswer):
            await gateway.send(TEXT)
        assert twilio.requests == len(twilio.messages) == 1


class TestFind:
    async def test_it_is_found_by_number_time_and_body(self, twilio: FakeTwilio, gateway: TwilioGateway) -> None:
        await gateway.send(Outgoing("d1", ANOTHER, TEXT.body))
        await gateway.send(Outgoing("d2", NUMBER, "Something else"))
        wanted = await gateway.send(TEXT)
        twilio.messages[-1].status = "accepted"  # it has no `date_sent` yet
        assert await gateway.find(TEXT, now()) == [wanted]

    async def test_one_from_long_before_is_another_one(self, twilio: FakeTwilio, gateway: TwilioGateway) -> None:
        await gateway.send(TEXT)
        twilio.messages[-1].created_at -= timedelta(hours=2)
        assert await gateway.find(TEXT, now() - timedelta(hours=1)) == []

    async def test_it_looks_through_all_pages(
        self, twilio: FakeTwilio, gateway: TwilioGateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gateway_module, "PAGE", 2)
        first = await gateway.send(TEXT)
        for i in range(5):
            await gateway.send(Outgoing(f"d{i}", NUMBER, f"Text {i}"))
        second = await gateway.send(TEXT)
        assert await gateway.find(TEXT, LONG_AGO) == [first, second]

    async def test_soon_after_the_handover_a_missing_one_may_still_appear(
        self, twilio: FakeTwilio, gateway: TwilioGateway
    ) -> None:
        with pytest.raises(NoAnswer):
            await gateway.find(TEXT, now() - timedelta(seconds=70))
        assert await gateway.find(TEXT, now() - timedelta(minutes=4)) == []

    async def test_all_texts_to_a_number_are_told_whatever_their_words(
        self, twilio: FakeTwilio, gateway: TwilioGateway
    ) -> None:
        await gateway.send(TEXT)
        twilio.messages[-1].created_at -= timedelta(hours=2)
        await gateway.send(Outgoing("d1", ANOTHER, TEXT.body))
        sent = [await gateway.send(TEXT), await gateway.send(Outgoing("d2", NUMBER, "Something else"))]
        assert await gateway.all_to(NUMBER, now() - timedelta(hours=1)) == sent
        with pytest.raises(NotTraceable):
            await gateway.all_to("keyed:abc", LONG_AGO)

    async def test_where_bodies_are_redacted_nothing_is_found_out(
        self, twilio: FakeTwilio, gateway: TwilioGateway
    ) -> None:
        await gateway.send(TEXT)
        twilio.messages[-1].body = ""
        with pytest.raises(NotTraceable):
            await gateway.find(TEXT, LONG_AGO)

    async def test_a_list_that_does_not_answer_is_asked_later(self, twilio: FakeTwilio, gateway: TwilioGateway) -> None:
        twilio.is_list_down = True
        with pytest.raises(NoAnswer):
            await gateway.find(TEXT, LONG_AGO)

    async def test_nobody_is_asked_about_the_number_of_somebody_erased(self, gateway: TwilioGateway) -> None:
        with pytest.raises(NotTraceable):
            await gateway.find(Outgoing("d", "keyed:abc", ""), LONG_AGO)


async def test_no_log_names_a_number(
    twilio: FakeTwilio, gateway: TwilioGateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await gateway.send(TEXT)
    await gateway.find(TEXT, LONG_AGO)
    twilio.fault = lambda message: Fault(400, 21211)
    with pytest.raises(GatewayError) as refused:
        await gateway.send(TEXT)
    assert "2015550123" not in f"{caplog.text}{refused.value!r}{refused.value.__cause__}"
    assert ACCOUNT not in caplog.text
    assert SENDER not in caplog.text
