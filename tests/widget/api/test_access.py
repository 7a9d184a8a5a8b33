"""Every route asks for a token that has its scope, and refuses all others in the same shape."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from bot.model.base import now
from bot.store.recent import RecentRepository
from bot.workspace.access import Scope
from bot.workspace.tokens import hashed
from tests.conftest import eventually
from tests.widget.api.client import ApiClient
from tests.widget.api.conftest import NewClient
from tests.widget.help import Running
from widget.api.route import PREFIX, Route
from widget.api.table import ROUTES

WITHOUT_TOKEN = {f"{PREFIX}/openapi.json", f"{PREFIX}/flows/schema", f"{PREFIX}/docs", f"{PREFIX}/docs/{{operation}}"}


def address(route: Route) -> str:
    return re.sub(r"\{\w+\}", "0" * 24, route.path)


def test_no_address_below_api_is_outside_the_table(running: Running) -> None:
    found = {
        (route.method, route.resource.canonical)
        for route in running.server.app.router.routes()
        if route.resource and route.method != "HEAD" and route.resource.canonical.startswith(PREFIX)
    }
    declared = {(route.method, PREFIX + route.path) for route in ROUTES}
    assert {pair for pair in found if pair[1] not in WITHOUT_TOKEN} == declared


@pytest.mark.parametrize("refused", ["missing", "unknown", "expired", "revoked", "demo"])
async def test_every_route_refuses_a_token_that_is_not_valid(
    running: Running, new_client: NewClient, refused: str
) -> None:
    client = await new_client(days=1)
    id = hashed(client.token)
    if refused == "expired":
        past = now() - timedelta(seconds=1)
        await running.store.api_tokens.update({"_id": id}, {"$set": {"expires_at": past}})
    elif refused == "revoked":
        await running.store.api_tokens.update({"_id": id}, {"$set": {"revoked_at": now()}})
    else:
        client.token = {"missing": "", "unknown": "sayso_x", "demo": "demo"}[refused]
    far = {"X_Forwarded_For": "203.0.113.9"} if refused == "demo" else {}
    for route in ROUTES:
        reply = await client.call(route.method, address(route), **far)
        assert reply.error == (401, "unauthorized", "Access Token Invalid"), route
        assert reply.body["request_id"] == reply.headers["X-Request-Id"]
        assert "X-RateLimit-Limit" not in reply.headers


@pytest.mark.parametrize("change", ["revoked", "teammate removed", "demoted"])
async def test_what_another_process_takes_away_ends_soon(running: Running, new_client: NewClient, change: str) -> None:
    client = await new_client()
    assert (await client.get("/audit_log")).status == 200
    token = await running.store.api_tokens.get(hashed(client.token))
    assert token
    elsewhere: dict[str, tuple[RecentRepository[Any], str, dict[str, object], int]] = {
        "revoked": (running.store.api_tokens, token.id, {"revoked_at": now()}, 401),
        "teammate removed": (running.store.teammates, token.teammate, {"removed_at": now()}, 401),
        "demoted": (running.store.teammates, token.teammate, {"role": "agent"}, 403),
    }
    table, id, values, status = elsewhere[change]
    kept = await table.collection.find_one({"_id": id})
    assert kept
    await table.collection.update_one({"_id": id}, {"$set": values})  # not by its repository, as another process
    try:
        assert await eventually(lambda: _answers(client, status))
    finally:
        await table.collection.replace_one({"_id": id}, kept)
        table.recent.cache_clear()


async def _answers(client: ApiClient, status: int) -> bool:
    return (await client.get("/audit_log")).status == status


async def test_every_route_refuses_a_token_without_its_scope(new_client: NewClient) -> None:
    for scope in Scope:
        client = await new_client(frozenset(Scope) - {scope})
        for route in ROUTES:
            if route.scope is scope:
                reply = await client.call(route.method, address(route))
                message = f'This access token requires the "{scope}" scope.'
                assert reply.error == (403, "token_scope_missing", message), route


async def test_no_route_that_changes_something_is_open_to_a_token_that_may_only_read(new_client: NewClient) -> None:
    reading = frozenset({Scope.READ_CONTACTS, Scope.READ_CONVERSATIONS})
    open_to_readers = {route.name for route in ROUTES if route.changes and route.scope in {None, *reading}}
    assert open_to_readers == READS_BY_POST
    client: ApiClient = await new_client(reading)
    assert (await client.get("/me")).status == 200


READS_BY_POST = {"search_contacts", "search_conversations", "preview_merge"}
"""Their input is too long for an address, and nothing changes."""
