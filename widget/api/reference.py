"""`/api/openapi.json`, and the reference that is made of it: `/api/docs`, and `/api/docs/{operation}` for each route.

The page lists all routes; what is said of one comes when it is opened, so that the page stays small.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from aiohttp import web

from bot.errors import NotFound
from bot.flows.schema import schema
from widget.api.openapi import document
from widget.api.route import PREFIX
from widget.api.table import RESOURCES
from widget.web.http import BOT, page, wanted_locale
from widget.web.teammate_pages import is_htmx, requires, teammate_page, translator_for

PAGE = f"{PREFIX}/docs"
VARIABLE = re.compile(r"\{(\w+)\}")


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
    tag: str
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
    """For anyone, so that tools can read it. Made once: it takes a second's work."""
    headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding", "Cache-Control": "public, max-age=300"}
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=_packed(request.app[BOT].public_url), content_type="application/json", headers=headers)
    return web.Response(text=_text(request.app[BOT].public_url), content_type="application/json")


async def flow_schema(request: web.Request) -> web.Response:
    return web.json_response(schema())


async def reference(request: web.Request) -> web.StreamResponse:
    return await _page(request)


async def reference_of(request: web.Request) -> web.StreamResponse:
    """One route: alone for the page that is open, or the page with that route open."""
    found = _operations(request.app[BOT].public_url).get(request.match_info["operation"])
    if found is None:
        raise NotFound
    if is_htmx(request):
        return await page(request, "api/operation.html", wanted_locale(request), o=found)
    return await _page(request, found)


async def _page(request: web.Request, shown: Operation | None = None) -> web.StreamResponse:
    say, address = translator_for(request), request.app[BOT].public_url
    groups = [
        (tag, [o for o in _operations(address).values() if o.tag == tag["name"]]) for tag in _document(address)["tags"]
    ]
    return await teammate_page(
        request, "api/reference.html", section="", title=say("API reference"), groups=groups, shown=shown
    )


@lru_cache(maxsize=2)
def _document(address: str) -> dict[str, Any]:
    return document(RESOURCES, address)


@lru_cache(maxsize=2)
def _text(address: str) -> str:
    return json.dumps(_document(address))


@lru_cache(maxsize=2)
def _packed(address: str) -> bytes:
    return gzip.compress(_text(address).encode())


@lru_cache(maxsize=2)
def _operations(address: str) -> dict[str, Operation]:
    """By name."""
    described = _document(address)
    return {
        operation["operationId"]: _operation(described, address + PREFIX + path, path, method.upper(), operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }


def _operation(
    described: Mapping[str, Any], url: str, path: str, method: str, operation: Mapping[str, Any]
) -> Operation:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    good = next(good for status, good in operation["responses"].items() if status < "400")
    answer = good.get("content", {}).get("application/json", {})
    errors = [(s, fault["description"].partition(": ")[2]) for s, fault in operation["responses"].items() if s >= "4"]
    example = json.dumps(body["example"], indent=2, ensure_ascii=False) if body else ""
    url = VARIABLE.sub(lambda found: found[1].upper(), url)
    return Operation(
        id=operation["operationId"],
        tag=operation["tags"][0],
        method=method,
        path=path,
        summary=operation["summary"],
        description=operation["description"].replace("`", ""),
        scope=operation["x-scope"] or "",
        parameters=[_parameter(p) for p in operation["parameters"] if "name" in p],
        fields=_fields(described, body["schema"]["$ref"]) if body else [],
        body=example,
        answer=json.dumps(answer["example"], indent=2, ensure_ascii=False) if answer else "",
        errors=[(status, codes.replace("`", "")) for status, codes in errors],
        curl=_curl(method, url, example),
        python=_python(method, url, example, is_file=not answer and bool(good.get("content"))),
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


def _python(method: str, url: str, body: str, *, is_file: bool) -> str:
    read = json.loads(body) if body else None
    data = f"\n    json={read!r}," if read is not None else ""
    read_answer = 'open("download", "wb").write(answer.content)' if is_file else "print(answer.json())"
    return (
        "import os\n\nimport httpx\n\n"
        f'answer = httpx.request(\n    "{method}",\n    "{url}",\n'
        f'    headers={{"Authorization": f"Bearer {{os.environ[\'SAYSO_TOKEN\']}}"}},{data}\n)\n{read_answer}'
    )


def add_routes(app: web.Application) -> None:
    app.router.add_get(f"{PREFIX}/openapi.json", openapi)
    app.router.add_get(f"{PREFIX}/flows/schema", flow_schema)
    app.router.add_get(PAGE, requires()(reference))
    app.router.add_get(PAGE + "/{operation}", requires()(reference_of))
