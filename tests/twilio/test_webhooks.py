"""Twilio's webhooks: only genuine ones count, each once, in any order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from bot.app import Bot
from bot.compliance.keyword_table import Keyword
from bot.demo import DEALS
from bot.errors import StoreUnavailable
from bot.model.base import now
from bot.model.contact import ConsentState
from bot.model.conversation import Text
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.outbound.gateways.twilio_webhooks import SIGNED_BY, TwilioText, WebhookSignatures
from bot.outbound.threads import TextThreads
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.conftest import Visitor, eventually, free_port, serving
from tests.people import ANOTHER, NUMBER, tells_number
from tests.twilio import fake
from tests.twilio.fake import (
    SENDER,
    TOKEN,
    FakeMessage,
    FakeTwilio,
    fake_twilio,
    signed,
    text_form,
    twilio_settings,
)
from tests.widget.cli.conftest import invoked
from tests.widget.cli.test_cli import environment
from widget.cli import terminal
from widget.web.http import BOT

INBOUND, STATUS = "/webhooks/twilio/inbound", "/webhooks/twilio/status"


@dataclass
class Sayso:
    """A server that sends through the fake Twilio."""

    twilio: FakeTwilio
    bot: Bot
    url: str

    @property
    def inbound(self) -> str:
        return f"{self.url}{INBOUND}"

    async def delivery(self, kind: DeliveryKind = DeliveryKind.CONFIRMATION) -> Delivery:
        found = await self.bot.store.deliveries.find({"kind": kind}, limit=2)
        assert len(found) == 1
        return found[0]

    async def sent(self, id: str = "d1", **values: Any) -> FakeMessage:
        """A text that Twilio accepted."""
        time = now()
        delivery = Delivery(
            id=id, contact="", kind=DeliveryKind.CONFIRMATION, event="e", number=NUMBER, locale="en", body="Hi",
            state=DeliveryState.SENT, created_at=time, updated_at=time, provider_id=f"SM{id}",
        ).model_copy(update=values)  # fmt: skip
        await self.bot.store.deliveries.insert(delivery)
        return FakeMessage(f"SM{id}", NUMBER, SENDER, "Hi", f"{self.url}{STATUS}?d={id}", {}, "queued")

    async def replies(self) -> list[str | None]:
        found = await self.bot.store.deliveries.find({"kind": DeliveryKind.REPLY}, limit=20)
        return [delivery.answer for delivery in found]


@pytest.fixture
async def twilio() -> AsyncIterator[FakeTwilio]:
    async with fake_twilio() as twilio:
        yield twilio


@pytest.fixture
async def sayso(twilio: FakeTwilio, mongo: EmbeddedServer, demo_store: Store) -> AsyncIterator[Sayso]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = twilio_settings(
        twilio, public_url=url, twilio_auth_token=f"{TOKEN} the-next-token", twilio_webhook_keys="k1:secret1 k2:secret2"
    )
    async with open_store(mongo.url, "sayso_test") as own, serving(own, settings, port) as server:
        yield Sayso(twilio, server.app[BOT], url)


async def test_from_the_form_to_the_delivered_text(sayso: Sayso) -> None:
    sayso.twilio.statuses = ("queued", "sent", "delivered")
    sayso.twilio.order = lambda statuses: [*reversed(statuses), *statuses]
    async with aiohttp.ClientSession() as session:
        visitor = Visitor(session, sayso.url)
        await visitor.open()
        assert (await visitor.submit())[0] == 200

    async def delivered() -> bool:
        found = await sayso.bot.store.deliveries.find({}, limit=2)
        return bool(found) and found[0].is_delivered

    await eventually(delivered)
    delivery, (message,) = await sayso.delivery(), sayso.twilio.messages
    assert (delivery.state, delivery.provider_id, delivery.ask_at) == (DeliveryState.SENT, message.sid, None)


class TestSignature:
    async def _status_of(self, sayso: Sayso, headers: dict[str, str], form: dict[str, str] | None = None) -> int:
        return await sayso.twilio.post(sayso.inbound, form or text_form(NUMBER, "STOP"), headers)

    async def test_what_is_not_signed_or_signed_wrongly_is_refused_and_changes_nothing(self, sayso: Sayso) -> None:
        form = text_form(NUMBER, "STOP")
        right = signed(sayso.inbound, form)
        wrong: list[dict[str, str]] = [
            {},
            {"X-Twilio-Signature": ""},
            {"X-Twilio-Signature": "é"},
            {"X-Twilio-Signature": right["X-Twilio-Signature"][:-1]},
            signed(sayso.inbound, form, "another-token"),
            signed(f"{sayso.url}{STATUS}", form),
            signed(f"{sayso.inbound}?d=1", form),
            signed(sayso.inbound, {**form, "Body": "STOP "}),
            signed(sayso.inbound, form, "secret1", key="unknown"),
            signed(sayso.inbound, form, "secret1", key="k2"),
            signed(sayso.inbound, form, TOKEN, key="k1"),
            {**signed(sayso.inbound, form, "secret1", key="k1"), SIGNED_BY: "key=k1"},
            {**right, SIGNED_BY: "key=k1,algorithm=HMAC_SHA1"},
            {**right, SIGNED_BY: ",,=,"},
        ]
        for headers in wrong:
            assert await self._status_of(sayso, headers, form) == 403, headers
        assert await sayso.bot.store.stops.count_about() == 0
        assert await self._status_of(sayso, right, form) == 200
        assert await sayso.bot.stops.is_stopped(NUMBER)

    @pytest.mark.parametrize(
        ("secret", "key"), [(TOKEN, ""), ("the-next-token", ""), ("secret1", "k1"), ("secret2", "k2")]
    )
    async def test_while_a_secret_is_rotated_both_are_right(self, sayso: Sayso, secret: str, key: str) -> None:
        form = text_form(NUMBER, "Hello")
        assert await self._status_of(sayso, signed(sayso.inbound, form, secret, key), form) == 200

    async def test_a_signature_of_bytes_that_are_no_text_is_refused(
        self, sayso: Sayso, caplog: pytest.LogCaptureFixture
    ) -> None:
        address, form = urlsplit(sayso.url), urlencode(text_form(NUMBER, "STOP")).encode()
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(
            b"POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Twilio-Signature: \xff\r\n"
            b"Content-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
            % (INBOUND.encode(), fake.FORM.encode(), len(form), form)
        )
        answer = await reader.read()
        writer.close()
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert not [record for record in caplog.records if record.exc_info]
        assert await sayso.bot.store.stops.count_about() == 0

    def test_an_address_of_bytes_that_are_no_text_is_refused(self) -> None:
        """Only aiohttp's parser in Python lets them through."""
        form = text_form(NUMBER, "STOP")
        url, headers = f"https://chat.example.com{INBOUND}?d=\udcff", {"X-Twilio-Signature": "c2lnbmF0dXJl"}
        assert not WebhookSignatures(twilio_settings(FakeTwilio())).is_genuine(url, [*form.items()], headers)

    async def test_the_public_address_counts_and_not_what_a_proxy_made_of_it(self, sayso: Sayso) -> None:
        form = text_form(NUMBER, "Hello")
        headers = {"Host": "internal:8081", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
        assert await self._status_of(sayso, {**signed(sayso.inbound, form), **headers}, form) == 200
        of_the_proxy = signed(f"http://internal:8081{INBOUND}", form)
        assert await self._status_of(sayso, {**of_the_proxy, **headers}, form) == 403

    def test_twilio_may_sign_the_address_with_its_port(self) -> None:
        settings = twilio_settings(FakeTwilio())
        form = text_form(NUMBER, "Hello")
        for port in ("", ":443"):
            headers = signed(f"https://chat.example.com{port}{INBOUND}", form)
            assert WebhookSignatures(settings).is_genuine(
                f"https://chat.example.com{INBOUND}", [*form.items()], headers
            )

    async def test_a_server_without_twilio_takes_no_webhook(self, server: TestServer, twilio: FakeTwilio) -> None:
        url, form = str(server.make_url(INBOUND)), text_form(NUMBER, "STOP")
        assert await twilio.post(url, form, signed(url, form, "")) == 403

    async def test_a_body_that_is_too_large_or_no_form_is_refused(self, sayso: Sayso) -> None:
        assert await sayso.twilio.text(sayso.inbound, NUMBER, "x" * 70_000) == 413
        assert await sayso.twilio.text(sayso.inbound, NUMBER, "Hi", **{f"Field{i}": "" for i in range(300)}) == 400
        url = sayso.inbound
        async with aiohttp.ClientSession() as session:
            async with session.post(url, json=text_form(NUMBER, "STOP")) as answer:
                assert answer.status == 400
            async with session.post(url, data=b"Body=%FF%FE", headers={"Content-Type": fake.FORM}) as answer:
                assert answer.status in {400, 403}
            async with session.get(url) as answer:
                assert answer.status == 405

    async def test_what_is_signed_and_lacks_what_it_needs_is_broken(self, sayso: Sayso) -> None:
        for path in (INBOUND, STATUS):
            assert await sayso.twilio.post(f"{sayso.url}{path}", {"AccountSid": fake.ACCOUNT}) == 400

    async def test_a_probe_comes_back(self, sayso: Sayso) -> None:
        url, form = f"{sayso.url}{STATUS}", {"Probe": "p-1"}
        headers = sayso.bot.webhook_signatures.sign(url, form)
        async with aiohttp.ClientSession() as session, session.post(url, data=form, headers=headers) as answer:
            assert (answer.status, await answer.text()) == (200, "p-1")

    async def test_no_log_names_a_number(self, sayso: Sayso, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("DEBUG", logger="sayso")
        await sayso.twilio.text(sayso.inbound, NUMBER, "Is it open?")
        await sayso.twilio.post(sayso.inbound, text_form(NUMBER, "STOP"), {})
        await sayso.twilio.report(await sayso.sent(), "undelivered", 30007)
        assert "filtered" in caplog.text
        assert not tells_number(caplog.text)


class TestInbound:
    async def test_a_stop_takes_effect_and_is_confirmed_once_however_often_it_arrives(self, sayso: Sayso) -> None:
        form = text_form(NUMBER, "STOP")
        codes = await asyncio.gather(*(sayso.twilio.post(sayso.inbound, form) for _ in range(8)))
        assert {*codes, await sayso.twilio.post(sayso.inbound, form)} == {200}
        assert await sayso.bot.stops.is_stopped(NUMBER)
        assert await sayso.replies() == ["stopped"]

    async def test_a_replayed_start_lifts_no_later_stop(self, sayso: Sayso) -> None:
        start = text_form(NUMBER, "START")
        for form in (start, text_form(NUMBER, "STOP"), start):
            await sayso.twilio.post(sayso.inbound, form)
        assert await sayso.bot.stops.is_stopped(NUMBER)

    @pytest.mark.parametrize(("body", "kind"), [("STOP", "STOP"), ("ALTO", "STOP"), ("HELP", "HELP"), ("Go", "START")])
    async def test_what_twilio_answered_takes_effect_and_gets_no_second_answer(
        self, sayso: Sayso, body: str, kind: str
    ) -> None:
        if kind == "START":
            await sayso.bot.stops.stop(NUMBER, "STOP", "before")
        assert await sayso.twilio.text(sayso.inbound, NUMBER, body, OptOutType=kind) == 200
        assert await sayso.bot.stops.is_stopped(NUMBER) is (kind == "STOP")
        assert await sayso.replies() == []

    @pytest.mark.parametrize("sender", [NUMBER, f"rcs:{NUMBER}", f"whatsapp:{NUMBER}"])
    async def test_a_stop_counts_for_the_number_whatever_the_channel(self, sayso: Sayso, sender: str) -> None:
        await sayso.twilio.text(sayso.inbound, sender, "stop", To="rcs:harbor_agent")
        assert await sayso.bot.stops.is_stopped(NUMBER)

    @pytest.mark.parametrize("sender", ["72345", "HARBOR", "messenger:123456", "+1", ""])
    async def test_an_address_that_is_no_number_is_answered_with_nothing(self, sayso: Sayso, sender: str) -> None:
        assert await sayso.twilio.text(sayso.inbound, sender, "STOP") == 200
        assert await sayso.bot.store.stops.count_about() == 0

    @pytest.mark.parametrize(
        ("to", "body", "answered"),
        [
            ("+18885550100", "STOP", Keyword.STOP),
            ("+18335550100", "START", Keyword.START),
            ("+18885550100", "HELP", None),
            ("+18885550100", "Please stop", None),
            ("rcs:+18005550100", "Stop", Keyword.STOP),
            ("72345", "STOP", None),
            (SENDER, "STOP", None),
            ("", "STOP", None),
        ],
    )
    def test_the_toll_free_network_answers_by_itself(self, to: str, body: str, answered: Keyword | None) -> None:
        assert TwilioText(MessageSid="SM1", From=NUMBER, To=to, Body=body).answered is answered

    async def test_free_text_arrives_in_the_inbox_once(self, sayso: Sayso) -> None:
        form = text_form(NUMBER, "Is the Sidamo back?")
        for _ in range(3):
            await sayso.twilio.post(sayso.inbound, form)
        (conversation,) = await sayso.bot.store.conversations.find({"number": NUMBER}, limit=2)
        parts = await sayso.bot.store.parts.after(conversation.id, 0, limit=10)
        assert [part.content.text for part in parts if isinstance(part.content, Text)] == ["Is the Sidamo back?"]

    async def test_a_picture_without_words_is_not_lost(self, sayso: Sayso) -> None:
        await sayso.twilio.text(sayso.inbound, ANOTHER, "", NumMedia="2", MediaUrl0="https://example.com/1")
        (conversation,) = await sayso.bot.store.conversations.find({"number": ANOTHER}, limit=2)
        assert conversation.preview == "📎📎"

    async def test_a_yes_to_our_question_counts_though_twilio_takes_it_for_a_start(self, sayso: Sayso) -> None:
        await sayso.bot.store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
        async with aiohttp.ClientSession() as session:
            visitor = Visitor(session, sayso.url)
            await visitor.open()
            await visitor.submit()

        async def asked() -> bool:
            return any("YES" in message.body for message in sayso.twilio.messages)

        await eventually(asked)
        await sayso.twilio.text(sayso.inbound, NUMBER, "YES", OptOutType="START")
        (person,) = await sayso.bot.store.contacts.with_number(NUMBER, after="", limit=2)
        consent = person.consent(DEALS)
        assert consent
        assert consent.state is ConsentState.OPTED_IN

    async def test_without_the_database_it_may_be_sent_again(
        self, sayso: Sayso, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def away(*_: object, **_how: object) -> None:
            raise StoreUnavailable

        form = text_form(NUMBER, "Hello")
        with monkeypatch.context() as patch:
            patch.setattr(TextThreads, "hear", away)
            assert await sayso.twilio.post(sayso.inbound, form) == 503
        assert await sayso.twilio.post(sayso.inbound, form) == 200


class TestStatus:
    async def test_the_furthest_status_stays_in_whatever_order_they_arrive(self, sayso: Sayso) -> None:
        message = await sayso.sent()
        for status in ("sent", "queued", "delivered", "sending", "sent", "undelivered", "delivered"):
            assert await sayso.twilio.report(message, status) == 204
        delivery = await sayso.delivery()
        assert (delivery.state, delivery.status) == (DeliveryState.SENT, "delivered")

    @pytest.mark.parametrize(
        ("code", "reason"),
        [(30003, "unreachable"), (30005, "unknown_number"), (30006, "landline"), (30007, "filtered"),
         (30034, "sender_not_registered"), (99999, "refused"), (None, "refused")],
    )  # fmt: skip
    async def test_a_text_that_did_not_arrive_fails_with_its_reason(
        self, sayso: Sayso, code: int | None, reason: str
    ) -> None:
        message = await sayso.sent()
        await sayso.twilio.report(message, "undelivered", code)
        await sayso.twilio.report(message, "sent")
        delivery = await sayso.delivery()
        assert (delivery.state, delivery.reason, delivery.due_at) == (DeliveryState.FAILED, reason, None)

    async def test_a_text_whose_answer_was_lost_is_settled_by_its_callback(self, sayso: Sayso) -> None:
        for state in (DeliveryState.SENDING, DeliveryState.UNKNOWN, DeliveryState.QUEUED):
            time = {"ask_at": now()} if state is DeliveryState.SENDING else {}
            message = await sayso.sent(state, state=state, provider_id=None, **time)
            await sayso.twilio.report(message, "sent")
            found = await sayso.bot.store.deliveries.get(state)
            assert found
            assert (found.state, found.provider_id, found.ask_at) == (DeliveryState.SENT, message.sid, None)

    async def test_one_that_opted_out_with_twilio_is_stopped(self, sayso: Sayso) -> None:
        await sayso.twilio.report(await sayso.sent(), "failed", 21610)
        assert await sayso.bot.stops.is_stopped(NUMBER)
        assert await sayso.replies() == []

    @pytest.mark.parametrize("code", [30036, 30046, 30047])
    async def test_one_that_was_certainly_not_sent_is_queued_again_once(self, sayso: Sayso, code: int) -> None:
        message = await sayso.sent()
        await sayso.twilio.report(message, "failed", code)
        delivery = await sayso.delivery()
        assert (delivery.state, delivery.provider_id, delivery.status) == (DeliveryState.QUEUED, None, None)
        assert delivery.due_at
        for status in ("sent", "delivered", "failed"):  # late, about the first attempt
            await sayso.twilio.report(message, status)
        assert await sayso.delivery() == delivery
        message.sid = "SMsecond"
        await sayso.twilio.report(message, "failed", code)
        assert (await sayso.delivery()).state is DeliveryState.FAILED

    async def test_a_late_confirmation_of_a_stop_is_not_sent_again(self, sayso: Sayso) -> None:
        message = await sayso.sent(kind=DeliveryKind.REPLY, answer="stopped")
        await sayso.twilio.report(message, "failed", 30036)
        assert (await sayso.delivery(DeliveryKind.REPLY)).state is DeliveryState.FAILED

    async def test_a_second_text_of_one_delivery_is_told_and_changes_nothing(
        self, sayso: Sayso, caplog: pytest.LogCaptureFixture
    ) -> None:
        message = await sayso.sent()
        message.sid = "SManother"
        await sayso.twilio.report(message, "undelivered", 30007)
        assert (await sayso.delivery()).state is DeliveryState.SENT
        assert "accepted a text twice" in caplog.text

    async def test_of_somebody_erased_nothing_is_stored(self, sayso: Sayso) -> None:
        message = await sayso.sent(number="keyed:abc", provider_id=None)
        assert await sayso.twilio.report(message, "failed", 21610) == 204
        assert (await sayso.delivery()).provider_id is None
        assert await sayso.bot.store.stops.count_about() == 0

    async def test_what_means_nothing_to_us_is_not_repeated(self, sayso: Sayso) -> None:
        message = await sayso.sent()
        assert await sayso.twilio.report(message, "teleported") == 200
        message.callback = f"{sayso.url}{STATUS}?d=unknown"
        assert await sayso.twilio.report(message, "sent") == 204
        message.callback = f"{sayso.url}{STATUS}"
        assert await sayso.twilio.report(message, "sent") == 204
        assert (await sayso.delivery()).status is None


class TestCheck:
    """`sayso check`."""

    @pytest.fixture(autouse=True)
    def _own_logs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(terminal, "set_up_logs", lambda form, level: None)

    async def _said(self, sayso: Sayso, mongo: EmbeddedServer, **values: str) -> tuple[int, str]:
        usual = {
            "mongo_url": mongo.url,
            "database": "sayso_test",
            "gateway": "twilio",
            "public_url": sayso.url,
            "twilio_account_sid": fake.ACCOUNT,
            "twilio_auth_token": TOKEN,
            "twilio_service": fake.SERVICE,
            "twilio_url": sayso.twilio.url,
        }
        ran = await invoked(environment(**(usual | values)), "check")
        return ran.code, ran.out + ran.err

    async def test_it_posts_itself_a_signed_probe_through_the_public_address(
        self, sayso: Sayso, mongo: EmbeddedServer
    ) -> None:
        code, said = await self._said(sayso, mongo)
        assert code == 0, said
        assert "Twilio: OK (account Harbor Coffee)" in said
        assert "Webhooks: OK" in said

    @pytest.mark.parametrize(
        ("name", "value", "says"),
        [
            ("twilio_auth_token", "wrong", "Twilio: it refuses the credentials or the Messaging Service (auth_failed)"),
            ("twilio_service", f"MG{'d' * 32}", "(account_not_found)"),
            ("public_url", "http://127.0.0.1:9", "Webhooks: Nothing answers"),
        ],
    )
    async def test_it_says_what_is_wrong(
        self, sayso: Sayso, mongo: EmbeddedServer, name: str, value: str, says: str
    ) -> None:
        code, said = await self._said(sayso, mongo, **{name: value})
        assert (code, says in said) == (2, True), said

    async def test_it_says_that_the_server_has_another_token(self, sayso: Sayso, mongo: EmbeddedServer) -> None:
        code, said = await self._said(
            sayso, mongo, twilio_auth_token="another", twilio_api_key=fake.KEY, twilio_api_secret=fake.SECRET
        )
        assert (code, "Webhooks: The signature was refused" in said) == (2, True), said
