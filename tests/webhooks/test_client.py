"""One request: what it says, and what is read of an answer."""

from __future__ import annotations

import gzip
import hashlib
import hmac
from datetime import timedelta

import pytest
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from bot.model.base import now
from bot.model.webhook import Topic, WebhookEndpoint, WebhookSecret
from bot.webhooks.addresses import networks_in
from bot.webhooks.client import BROKEN, MOST_ANSWER, TIMED_OUT, UNREACHABLE, signed_headers
from bot.webhooks.schedule import FAILING_FOR, PAUSES, has_failed_for_long, next_try
from tests.webhooks.receiver import receiving
from widget.webhooks.client import webhook_client

LOOPBACK = networks_in("127.0.0.1/32")
OLD, NEW = "whsec_" + "b2xk" * 8, "whsec_" + "bmV3" * 8


def endpoint(*keys: str) -> WebhookEndpoint:
    time = now()
    return WebhookEndpoint(
        id="e",
        url="https://example.com/",
        topics=(Topic.PING,),
        secrets=tuple(WebhookSecret(id=key, secret=key, created_at=time) for key in keys),
        active_since=time,
        created_at=time,
    )


class TestSignatures:
    BODY = '{"name":"Zoë"}'.encode()

    @pytest.mark.parametrize("key", [OLD, NEW])
    def test_the_library_of_standard_webhooks_accepts_both_secrets(self, key: str) -> None:
        headers = signed_headers(endpoint(OLD, NEW), "notif_1", self.BODY, now())
        assert Webhook(key).verify(self.BODY, headers) == {"name": "Zoë"}

    def test_it_refuses_another_body_another_secret_and_an_old_request(self) -> None:
        headers = signed_headers(endpoint(OLD), "notif_1", self.BODY, now())
        with pytest.raises(WebhookVerificationError):
            Webhook(OLD).verify(self.BODY + b" ", headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(NEW).verify(self.BODY, headers)
        late = signed_headers(endpoint(OLD), "notif_1", self.BODY, now() - timedelta(minutes=6))
        with pytest.raises(WebhookVerificationError):
            Webhook(OLD).verify(self.BODY, late)

    def test_intercoms_signature_is_made_with_the_oldest_secret(self) -> None:
        headers = signed_headers(endpoint(OLD, NEW), "notif_1", self.BODY, now())
        expected = hmac.new(OLD.encode(), self.BODY, hashlib.sha1).hexdigest()
        assert headers["X-Hub-Signature"] == f"sha1={expected}"


class TestAnswers:
    async def test_a_redirect_is_not_followed(self) -> None:
        async with receiving() as receiver, webhook_client(LOOPBACK) as client:
            receiver.answer = lambda _request: web.Response(status=302, headers={"Location": "/elsewhere"})
            answer = await client.post(receiver.url, b"{}", {})
            assert (answer.status, answer.is_success) == (302, False)
            assert [request.path for request in receiver.requests] == ["/hook"]

    async def test_only_the_beginning_of_a_body_is_kept(self) -> None:
        async with receiving() as receiver, webhook_client(LOOPBACK) as client:
            receiver.answer = lambda _request: web.Response(body=b"\x00\xff" + b"x" * 10_000_000)
            answer = await client.post(receiver.url, b"{}", {})
            assert answer.is_success
            assert answer.body.startswith("\ufffd\ufffdxxx")
            assert len(answer.body) <= MOST_ANSWER

    async def test_a_compressed_body_is_not_expanded(self) -> None:
        async with receiving() as receiver, webhook_client(LOOPBACK) as client:
            bomb = gzip.compress(b"0" * 10_000_000)
            receiver.answer = lambda _request: web.Response(body=bomb, headers={"Content-Encoding": "gzip"})
            answer = await client.post(receiver.url, b"{}", {})
            assert answer.is_success
            assert "00000" not in answer.body

    async def test_an_endpoint_that_does_not_answer_in_time(self) -> None:
        async with receiving() as receiver, webhook_client(LOOPBACK, seconds=0.2) as client:
            receiver.open.clear()
            assert (await client.post(receiver.url, b"{}", {})).error == TIMED_OUT

    async def test_an_endpoint_that_is_down(self) -> None:
        async with receiving() as receiver:
            url = receiver.url
        async with webhook_client(LOOPBACK) as client:
            assert (await client.post(url, b"{}", {})).error in {UNREACHABLE, BROKEN}

    async def test_a_wish_to_wait_is_read(self) -> None:
        async with receiving() as receiver, webhook_client(LOOPBACK) as client:
            receiver.answer = lambda _request: web.Response(status=429, headers={"Retry-After": "90"})
            assert (await client.post(receiver.url, b"{}", {})).retry_after == 90


class TestSchedule:
    def test_attempts_are_spread_over_a_day(self) -> None:
        time, day = now(), now()
        for tries in range(1, len(PAUSES) + 1):
            due = next_try(tries, None, day)
            assert due
            assert due > day
            day = due
        assert timedelta(hours=23) < day - time < timedelta(hours=27)
        assert next_try(len(PAUSES) + 1, None, time) is None

    def test_a_wish_to_wait_is_obeyed_within_reason(self) -> None:
        time = now()
        assert next_try(1, 600, time) == time + timedelta(minutes=10)
        longest = next_try(1, 10**9, time)
        assert longest
        assert longest <= time + timedelta(hours=6)

    def test_an_endpoint_fails_for_long_after_days(self) -> None:
        time = now()
        assert not has_failed_for_long(None, time)
        assert not has_failed_for_long(time - FAILING_FOR + timedelta(minutes=1), time)
        assert has_failed_for_long(time - FAILING_FOR, time)
