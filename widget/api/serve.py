"""Serves the routes of the table: token, rate limit, scope, version, input, idempotency, answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.errors import SaysoError, TokenRefused
from bot.model.base import new_id
from bot.model.teammate import By
from bot.shapes.base import ApiAnswer
from bot.workspace.access import Principal
from bot.workspace.idempotency import Done, RequestKey
from widget.api.faults import (
    KEY_INVALID,
    NO_VERSION,
    TOO_LARGE,
    ApiRefusal,
    error_answer,
    unreadable_answer,
)
from widget.api.models import ApiQuery
from widget.api.rate import RATES
from widget.api.route import ApiFile, Call, Route
from widget.web.downloads import send_file
from widget.web.http import BOT, Handler, bearer, client_ip, plain
from widget.web.local import is_local

M = TypeVar("M", bound=BaseModel)
VERSIONS = ("2.14", "2.15", "2.16")
"""Versions of Intercom's API whose requests and answers are ours. The first is the default."""
NEVER_CACHED = {"Cache-Control": "private, no-store"}


class NoQuery(ApiQuery):
    """A route without parameters in its address."""


def handler_of(route: Route) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        headers = dict(NEVER_CACHED)
        response: web.StreamResponse
        try:
            response = await _answered(request, route, headers)
        except ValidationError as error:
            response = unreadable_answer(error)
        except SaysoError as error:
            response = error_answer(error)
        if not response.prepared:
            response.headers.update(headers)
        return response

    return handle


async def _answered(request: web.Request, route: Route, headers: dict[str, str]) -> web.StreamResponse:
    """Adds to `headers` what also an error is answered with."""
    who = await _principal(request)
    headers |= request.app[RATES].take(who.token_id)
    if route.scope:
        who.require(route.scope)
    headers["Intercom-Version"] = _version(request)
    query = (route.query or NoQuery).model_validate(dict(request.query))
    raw = await _read(request, route.most_bytes) if route.body else b""
    inputs: dict[str, BaseModel] = {"query": query} if route.query else {}
    if route.body:
        inputs["body"] = route.body.model_validate_json(raw or b"{}")
    key = _key(request, route, who, raw)
    call = _call(request, who, key)
    if route.files:
        return await _sent(request, await route.function(call, **inputs), call, headers)

    async def work() -> Done:
        answer = await route.function(call, **inputs)
        body = answer.model_dump_json(by_alias=True) if isinstance(answer, ApiAnswer) else ""
        return Done(route.status, body, tuple(call.answers_about))

    done = await (request.app[BOT].idempotency.once(key, work) if key and not route.is_secret else work())
    if done.is_replayed:
        headers["Idempotency-Replayed"] = "true"
    return web.Response(text=done.body, status=done.status, content_type="application/json")


async def _principal(request: web.Request) -> Principal:
    token = bearer(request)
    if token is None:
        raise TokenRefused
    return await request.app[BOT].tokens.principal(token, is_local=is_local(request))


def _version(request: web.Request) -> str:
    wanted = plain(request.headers.get("Intercom-Version", VERSIONS[0])).strip()
    if wanted not in VERSIONS:
        raise ApiRefusal(NO_VERSION)
    return wanted


async def _read(request: web.Request, most: int) -> bytes:
    """The body. Raises ApiRefusal (413)."""
    read = bytearray()
    async for chunk in request.content.iter_any():
        read += chunk
        if len(read) > most:
            raise ApiRefusal(TOO_LARGE, most=str(most))
    return bytes(read)


def _key(request: web.Request, route: Route, who: Principal, raw: bytes) -> RequestKey | None:
    """Raises ApiRefusal."""
    key = request.headers.get("Idempotency-Key")
    if key is None or not route.changes:
        return None
    if not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        raise ApiRefusal(KEY_INVALID, field="Idempotency-Key")
    return RequestKey(who.token_id, key, f"{request.method} {plain(request.path_qs)}\n".encode() + raw)


def _call(request: web.Request, who: Principal, key: RequestKey | None) -> Call:
    by = By(who.teammate.id, who.teammate.name, client_ip(request), who.token)
    path = {name: plain(value) for name, value in request.match_info.items()}
    work_key = key.work_key if key else new_id()
    return Call(request.app[BOT], who, by, work_key, path, is_head=request.method == "HEAD")


async def _sent(
    request: web.Request, file: ApiAnswer | ApiFile | None, call: Call, headers: Mapping[str, str]
) -> web.StreamResponse:
    assert isinstance(file, ApiFile)  # noqa: S101 (for mypy)
    return await send_file(request, file.name, file.content_type, file.pieces, file.download, who=call.by, more=headers)
