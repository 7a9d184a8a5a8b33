"""`/api/openapi.json`, and the reference that is made of it: `/api/docs`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aiohttp import web

from bot.flows.schema import schema
from widget.api.openapi import document
from widget.api.route import PREFIX
from widget.api.table import RESOURCES
from widget.web.http import BOT
from widget.web.teammate_pages import requires, teammate_page, translator_for

PAGE = f"{PREFIX}/docs"


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    place: str
    about: str
    is_required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One route, as the page shows it."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    scope: str
    parameters: list[Parameter]
    fields: list[Parameter]
    """Of the body."""
    body: str
    answer: str
    errors: list[tuple[str, str]]
    """Status, and the codes."""
    curl: str
    python: str


async def openapi(request: web.Request) -> web.Response:
    return web.json_response(document(RESOURCES, request.app[BOT].public_url))


async def flow_schema(request: web.Request) -> web.Response:
    return web.json_response(schema())


async def reference(request: web.Request) -> web.StreamResponse:
    say, address = translator_for(request), request.app[BOT].public_url
    groups = [(tag, [*_operations(address, tag["name"])]) for tag in _document(address)["tags"]]
    return await teammate_page(request, "api/reference.html", section="", title=say("API reference"), groups=groups)


@lru_cache(maxsize=2)
def _document(address: str) -> dict[str, Any]:
    return document(RESOURCES, address)


def _operations(address: str, tag: str) -> Iterator[Operation]:
    described = _document(address)
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            if tag in operation["tags"]:
                yield _operation(described, address + PREFIX + path, path, method.upper(), operation)


def _operation(
    described: Mapping[str, Any], url: str, path: str, method: str, operation: Mapping[str, Any]
) -> Operation:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    good = next(answer for status, answer in operation["responses"].items() if status < "400")
    errors = [(s, answer["description"].partition(": ")[2]) for s, answer in operation["responses"].items() if s >= "4"]
    example = json.dumps(body["example"], indent=2, ensure_ascii=False) if body else ""
    return Operation(
        id=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation["description"].replace("`", ""),
        scope=operation["x-scope"] or "",
        parameters=[_parameter(p) for p in operation["parameters"] if "name" in p],
        fields=_fields(described, body["schema"]["$ref"]) if body else [],
        body=example,
        answer=json.dumps(good["content"]["application/json"]["example"], indent=2, ensure_ascii=False),
        errors=[(status, codes.replace("`", "")) for status, codes in errors],
        curl=_curl(method, url, example),
        python=_python(method, url, example),
    )


def _parameter(given: Mapping[str, Any]) -> Parameter:
    about = given["schema"].get("description", "").replace("`", "")
    return Parameter(given["name"], given["in"], about, given["required"])


def _fields(described: Mapping[str, Any], ref: str) -> list[Parameter]:
    schema = described["components"]["schemas"][ref.rpartition("/")[2]]
    required = schema.get("required", [])
    return [
        Parameter(name, "body", field.get("description", "").replace("`", ""), name in required)
        for name, field in schema["properties"].items()
    ]


def _curl(method: str, url: str, body: str) -> str:
    data = " \\\n  -H 'Content-Type: application/json' \\\n  -d '{}'".format(body.replace("'", "'\\''")) if body else ""
    return f"curl -X {method} '{url}' \\\n  -H \"Authorization: Bearer $SAYSO_TOKEN\"{data}"


def _python(method: str, url: str, body: str) -> str:
    read = json.loads(body) if body else None
    data = f"\n    json={read!r}," if read is not None else ""
    return (
        "import os\n\nimport httpx\n\n"
        f'answer = httpx.request(\n    "{method}",\n    "{url}",\n'
        f'    headers={{"Authorization": f"Bearer {{os.environ[\'SAYSO_TOKEN\']}}"}},{data}\n)\nprint(answer.json())'
    )


def add_routes(app: web.Application) -> None:
    app.router.add_get(f"{PREFIX}/openapi.json", openapi)
    app.router.add_get(f"{PREFIX}/flows/schema", flow_schema)
    app.router.add_get(PAGE, requires()(reference))
