"""The OpenAPI document is valid, describes every route, and its examples are right. That answers fit it is checked at
each call of `tests/widget/api/client.py`."""

from __future__ import annotations

from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.widget.api.client import openapi
from tests.widget.desk import Desk
from tests.widget.help import Running
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


async def test_the_reference_shows_every_route_to_every_teammate(ben: Desk) -> None:
    page = await ben.look("/api/docs")
    shown = {node.attrs["id"] for node in page.all("details", class_="api-route")}
    assert shown == {route.name for route in ROUTES}
    for route in ROUTES:
        words = page.one("details", id=route.name).text
        assert all(
            word in words for word in (route.method, route.path, route.summary, route.scope or "Any valid token")
        )
    attach = page.one("details", id="attach_subscription")
    assert "Authorization: Bearer $SAYSO_TOKEN" in attach.one("code", id="attach_subscription-curl").text
    compile(attach.one("code", id="attach_subscription-python").text, "example", "exec")
    assert [field.attrs["name"] for field in attach.all("input", data_in="path")] == ["contact_id"]
