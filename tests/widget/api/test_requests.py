"""What every route does with a request: versions, limits, bodies, idempotency keys."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.demo import DEALS
from bot.workspace.tokens import hashed
from tests.people import NUMBER
from tests.widget.api.client import ApiClient, Reply, new_contact
from tests.widget.help import Running
from widget.api.faults import ApiRefusal
from widget.api.rate import RateLimiter
from widget.api.route import MOST_BYTES

BODY = {"id": DEALS, "consent_type": "opt_in"}


@pytest.mark.parametrize("version", ["2.14", "2.15", "2.16"])
async def test_versions_that_are_ours_are_echoed(api: ApiClient, version: str) -> None:
    reply = await api.get("/me", Intercom_Version=version)
    assert (reply.status, reply.headers["Intercom-Version"]) == (200, version)


async def test_without_a_version_the_answer_is_2_14(api: ApiClient) -> None:
    assert (await api.get("/me")).headers["Intercom-Version"] == "2.14"


@pytest.mark.parametrize("version", ["1.0", "2.17", "", "Preview", "☃"])
async def test_an_unknown_version_is_refused(api: ApiClient, version: str) -> None:
    reply = await api.get("/me", Intercom_Version=version)
    assert reply.error == (400, "intercom_version_invalid", "The requested version could not be found")


async def test_answers_are_never_cached_and_tell_of_the_limit(api: ApiClient) -> None:
    first, second = await api.get("/me"), await api.get("/me")
    assert first.headers["Cache-Control"] == "private, no-store"
    assert first.headers["X-RateLimit-Limit"] == "1667"
    assert int(second.headers["X-RateLimit-Remaining"]) <= 1667
    assert int(second.headers["X-RateLimit-Reset"]) % 10 == 0


def test_a_token_is_refused_after_its_calls_of_ten_seconds_and_no_other_token_is() -> None:
    time = 1000.0
    limiter = RateLimiter(12, clock=lambda: time)
    assert [limiter.take("a")["X-RateLimit-Remaining"] for _ in range(2)] == ["1", "0"]
    with pytest.raises(ApiRefusal) as refused:
        limiter.take("a")
    assert (refused.value.fault.status, str(refused.value)) == (429, "Exceeded rate limit of 2 in 10_seconds")
    assert refused.value.headers["Retry-After"] == "10"
    assert refused.value.headers["X-RateLimit-Reset"] == "1010"
    assert limiter.take("b")["X-RateLimit-Remaining"] == "1"
    time = 1010.0
    assert limiter.take("a")["X-RateLimit-Remaining"] == "1"


def test_no_limit_has_no_headers() -> None:
    assert RateLimiter(0).take("a") == {}


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (b"", [("parameter_missing", "id"), ("parameter_missing", "consent_type")]),
        (b"{", [("bad_request", None)]),
        (b"[]", [("bad_request", None)]),
        (b"\xff", [("bad_request", None)]),
        (b"[" * 10_000, [("bad_request", None)]),
        (b'{"id": "\\ud800", "consent_type": "opt_in"}', [("bad_request", None)]),
        ({"id": True, "consent_type": "opt_in"}, [("type_mismatch", "id")]),
        ({"id": DEALS, "consent_type": "maybe"}, [("parameter_invalid", "consent_type")]),
        ({**BODY, "consent": 1}, [("parameter_invalid", "consent")]),
    ],
)
async def test_a_body_that_is_wrong_is_told_field_by_field(
    running: Running, api: ApiClient, body: Any, errors: list[tuple[str, str | None]]
) -> None:
    contact = await new_contact(running, phone=NUMBER)
    reply = await api.post(f"/contacts/{contact.id}/subscriptions", body)
    assert (reply.status, [(e["code"], e["field"]) for e in reply.body["errors"]]) == (400, errors)


async def test_a_body_that_is_too_large_is_refused(running: Running, api: ApiClient) -> None:
    reply = await api.post("/contacts/x/subscriptions", b" " * (MOST_BYTES + 1))
    assert reply.error == (413, "request_too_large", f"The body has more than {MOST_BYTES} bytes.")


@pytest.mark.parametrize("query", ["fields=name", "=true"])
async def test_an_unknown_parameter_of_an_address_is_refused(api: ApiClient, query: str) -> None:
    reply = await api.get(f"/me?{query}")
    assert reply.error == (400, "parameter_invalid", "Unknown parameter.")


@pytest.mark.parametrize("id", ["%00", "%ED%A0%80", "x" * 1000, "%0A"])
async def test_what_no_id_can_be_is_not_found(api: ApiClient, id: str) -> None:
    reply = await api.get(f"/contacts/{id}/subscriptions")
    assert (reply.status, reply.codes) == (404, ["not_found"])


async def test_an_address_that_does_not_exist_has_the_same_shape(running: Running) -> None:
    async with running.session.get(f"{running.base}/api/nothing") as answer:
        body = await answer.json()
        assert (answer.status, body["type"], body["errors"][0]["code"]) == (404, "error.list", "not_found")


class TestIdempotencyKey:
    async def test_fifty_equal_requests_at_once_make_one_event_and_get_one_answer(
        self, running: Running, api: ApiClient
    ) -> None:
        contact = await new_contact(running, phone=NUMBER)

        async def attach() -> Reply:
            return await api.post(f"/contacts/{contact.id}/subscriptions", BODY, Idempotency_Key="signup-1")

        replies = await asyncio.gather(*(attach() for _ in range(50)))
        assert {(reply.status, str(reply.body)) for reply in replies} == {(200, str(replies[0].body))}
        assert sum("Idempotency-Replayed" not in reply.headers for reply in replies) == 1
        events = await running.store.events.after(contact.id, 0, limit=100)
        assert [event.action for event in events] == ["change_address", "opt_in"]

    async def test_the_same_key_with_another_request_is_refused(self, running: Running, api: ApiClient) -> None:
        contact, other = await new_contact(running, phone=NUMBER), await new_contact(running, phone=NUMBER)
        path = f"/contacts/{contact.id}/subscriptions"
        assert (await api.post(path, BODY, Idempotency_Key="k")).status == 200
        for wrong in (path, f"/contacts/{other.id}/subscriptions"):
            reply = await api.post(wrong, {**BODY, "id": "other"}, Idempotency_Key="k")
            assert (reply.status, reply.codes) == (422, ["idempotency_key_reused"])

    async def test_a_key_belongs_to_its_token(self, running: Running, api: ApiClient, new_client: Any) -> None:
        contact, other = await new_contact(running, phone=NUMBER), await new_client()
        for client, path in ((api, contact.id), (other, "0" * 24)):
            reply = await client.post(f"/contacts/{path}/subscriptions", BODY, Idempotency_Key="mine")
            assert "idempotency_key_reused" not in str(reply.body)

    async def test_a_refused_request_can_be_sent_again_once_it_is_possible(
        self, running: Running, api: ApiClient
    ) -> None:
        contact = await new_contact(running)
        path = f"/contacts/{contact.id}/subscriptions"
        assert (await api.post(path, BODY, Idempotency_Key="again")).codes == ["unreachable"]
        assert (await api.post(path, BODY, Idempotency_Key="again")).codes == ["unreachable"]

    async def test_a_request_whose_process_died_is_done_by_the_next_one(self, running: Running, api: ApiClient) -> None:
        contact = await new_contact(running, phone=NUMBER)
        path = f"/contacts/{contact.id}/subscriptions"
        assert (await api.post(path, BODY, Idempotency_Key="crash")).status == 200
        kept = (await running.store.api_requests.find({}, sort=[("at", -1)], limit=1))[0]
        died = {"$unset": {"answer": ""}, "$set": {"claimed_until": kept.at.replace(year=2000)}}
        await running.store.api_requests.update({"_id": kept.id}, died)
        assert (await api.post(path, BODY, Idempotency_Key="crash")).status == 200
        events = await running.store.events.after(contact.id, 0, limit=100)
        assert [event.action for event in events] == ["change_address", "opt_in"]

    @pytest.mark.parametrize("key", ["", "x" * 256, "ключ"])
    async def test_a_key_must_be_short_ascii(self, api: ApiClient, key: str) -> None:
        reply = await api.post("/contacts/x/subscriptions", BODY, Idempotency_Key=key)
        assert (reply.status, reply.codes, reply.body["errors"][0]["field"]) == (
            400,
            ["parameter_invalid"],
            "Idempotency-Key",
        )

    async def test_the_key_itself_is_not_stored(self, running: Running, api: ApiClient) -> None:
        contact = await new_contact(running, phone=NUMBER)
        await api.post(f"/contacts/{contact.id}/subscriptions", BODY, Idempotency_Key="secret-key")
        kept = await running.store.api_requests.find({}, limit=500)
        assert "secret-key" not in str([request.stored() for request in kept])
        assert hashed(api.token) not in {request.id for request in kept}
