"""The OpenAPI document is valid, describes every route, and its examples are right. That answers fit it is checked at
each call of `tests/widget/api/client.py`."""

from __future__ import annotations

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.widget.api.client import openapi
from tests.widget.desk import HTML, Desk
from tests.widget.help import Running, read
from widget.api import reference
from widget.api.models import example_of
from widget.api.table import RESOURCES, ROUTES


def test_the_document_is_valid() -> None:
    OpenAPIV31SpecValidator(openapi()).validate()


def test_every_route_is_described() -> None:
    described = {(method.upper(), path) for path, methods in openapi()["paths"].items() for method in methods}
    assert described == {(route.method, route.path) for route in ROUTES}
    names = [route.name for route in ROUTES]
    assert len(names) == len(set(names))
    assert all(route.summary and resource.about for resource in RESOURCES for route in resource.routes)


def test_every_example_is_valid() -> None:
    for route in ROUTES:
        for model in filter(None, (route.body, route.answer)):
            assert model.model_validate(example_of(model)), route


async def test_it_is_served_to_everyone_with_this_server_as_its_address(running: Running) -> None:
    async with running.session.get(f"{running.base}/api/openapi.json") as answer:
        body = await answer.json()
    assert (answer.status, body["openapi"], body["servers"]) == (200, "3.1.0", [{"url": f"{running.base}/api"}])


async def test_strangers_cannot_make_the_server_describe_itself_again(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making it takes a second's work, and anyone may read it."""
    path, made = f"{running.base}/api/openapi.json", []
    async with running.session.get(path) as answer:
        first = await answer.json()
    monkeypatch.setattr(reference, "document", lambda *_args: made.append(1))
    for encoding in ("gzip", "identity"):
        async with running.session.get(path, headers={"Accept-Encoding": encoding}) as answer:
            assert await answer.json() == first
    assert not made


async def test_the_reference_lists_every_route_for_every_teammate(ben: Desk) -> None:
    page = await ben.look("/api/docs")
    shown = {node.attrs["id"] for node in page.all("details", class_="api-route")}
    assert shown == {route.name for route in ROUTES}
    for route in ROUTES:
        words = page.one("details", id=route.name).text
        assert all(word in words for word in (route.method, route.path, route.summary))


async def test_the_list_of_routes_stays_small(ben: Desk) -> None:
    async with ben.session.get(f"{ben.base}/api/docs", headers=HTML) as answer:
        page = await answer.read()
    assert len(page) < 20_000 + 700 * len(ROUTES)  # what is said of a route comes when it is opened


async def test_each_route_has_an_address_of_its_own(ben: Desk) -> None:
    for route in ROUTES:
        async with ben.session.get(f"{ben.base}/api/docs/{route.name}", headers={"HX-Request": "true"}) as answer:
            part = read(await answer.text())
        assert (route.scope or "Any valid token") in part.text
        assert len(part.all("form", class_="api-try")) == 1
        compile(part.one("code", id=f"{route.name}-python").text, "example", "exec")
    page = await ben.look("/api/docs/attach_subscription")
    attach = page.one("details", id="attach_subscription")
    curl = attach.one("code", id="attach_subscription-curl").text
    assert "Authorization: Bearer $SAYSO_TOKEN" in curl
    assert "/api/contacts/CONTACT_ID/subscriptions" in curl
    assert [field.attrs["name"] for field in attach.all("input", data_in="path")] == ["contact_id"]


async def test_a_route_that_does_not_exist_has_no_address(ben: Desk) -> None:
    assert (await ben.get("/api/docs/no_such_route"))[0] == 404


async def test_the_example_of_a_file_writes_it(ben: Desk) -> None:
    for route, written in (("download_export", True), ("show_export", False)):
        page = await ben.look(f"/api/docs/{route}")
        assert ("answer.content" in page.text, "answer.json()" in page.text) == (written, not written)


def test_each_route_with_an_id_says_that_there_may_be_none() -> None:
    """Also for what no id can be, as `Call.variable` refuses it."""
    with_id = [route for route in ROUTES if "{" in route.path]
    assert [route.path for route in with_id if 404 not in {fault.status for fault in route.errors}] == []
