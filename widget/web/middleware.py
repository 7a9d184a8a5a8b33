"""Surrounds each request: its id, time limit, log entry, metrics and security headers, and how errors are shown."""

from __future__ import annotations

import asyncio
import logging
import time

from aiohttp import web

from bot.errors import SaysoError, StoreUnavailable
from bot.i18n import translator
from bot.model.base import new_id
from bot.model.workspace import Workspace
from widget.web.http import (
    BOT,
    METRICS,
    PAGE_POLICY,
    SAFE,
    Handler,
    page,
    request_id,
    sentence,
    status_of,
    wanted_locale,
    wants_page,
)

log = logging.getLogger("sayso.http")

PLAIN = Workspace(name="")
"""The look of pages while the workspace can't be read."""

ANSWER_SECONDS = 10.0
"""Browsers give up after 15 s, and a dead database can cost several waits in a row; this limit responds first."""
BRAND_SECONDS = 1.0
"""How long an error page waits for the workspace's brand."""

PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"
"""Device features that no page of ours uses, so no script in one can."""


@web.middleware
async def around(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware: gives each request an id, a log entry, metrics and security headers, and renders errors."""
    request_id.set(new_id())
    started = time.perf_counter()
    try:
        response = await _in_time(request, handler)
    except SaysoError as error:
        response = await _refused(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = await _failed(request, error.status, error.reason)
        response.headers.extend({k: v for k, v in error.headers.items() if k == "Allow"})
    except Exception:
        log.exception("request failed")
        response = await _failed(request, 500, "")
    seconds = time.perf_counter() - started
    route = _route(request)
    request.app[METRICS].request(request.method, route, response.status, seconds)
    log.info("%s %s", request.method, route, extra={"status": response.status, "ms": round(seconds * 1000, 1)})
    return response


def _route(request: web.Request) -> str:
    """The route's pattern, so that metrics and logs contain no ids."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unknown"


async def _in_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Raises StoreUnavailable after the time limit. WebSockets, uploads and downloads may last."""
    if _route(request).endswith(("/live", "/upload", "/file", ".csv", ".txt", ".zip", "{format}")):
        return await handler(request)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await handler(request)
    except TimeoutError:
        raise StoreUnavailable from None


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Adds security headers to every response."""
    headers = response.headers
    headers["X-Request-Id"] = request_id.get()
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers["Server"] = "Sayso"  # no versions: they help nobody but attackers
    if request.app[BOT].public_url.startswith("https://"):
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    if response.content_type == "text/html":
        headers.setdefault("Content-Security-Policy", PAGE_POLICY + "'none'")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", PERMISSIONS)


async def _refused(request: web.Request, error: SaysoError) -> web.Response:
    status = status_of(error)
    return await _failed(request, status, sentence(error, translator(wanted_locale(request))), error.code)


async def _failed(request: web.Request, status: int, message: str, code: str = "") -> web.Response:
    """Renders an error as a page for people, as JSON for programs."""
    if wants_page(request):
        is_unsaved = status != 503 or request.method not in SAFE
        words = message if code and is_unsaved else ""
        try:
            async with asyncio.timeout(BRAND_SECONDS):
                return await _error_page(request, status, words)
        except (SaysoError, TimeoutError):  # the database is away, so the brand can't be read either
            return await _error_page(request, status, words, brand=PLAIN)
    fault = {"code": code or _code(status), "message": message or None, "field": None}
    return web.json_response({"type": "error.list", "request_id": request_id.get(), "errors": [fault]}, status=status)


async def _error_page(request: web.Request, status: int, message: str, **brand: Workspace) -> web.Response:
    locale = wanted_locale(request)
    say = translator(locale)
    words = {
        403: (say("Access denied"), say("You don't have access to this page.")),
        404: (say("Page not found"), say("Check the address, or go back to where you came from.")),
        413: (say("Request too large"), say("Go back and send something smaller.")),
        503: (say("We'll be right back"), say("Our database is unavailable. Try again in a moment.")),
    }
    title, usual = words.get(status, (say("Something went wrong"), say("Go back and try again.")))
    return await page(
        request,
        "error.html",
        locale,
        status=status,
        title=title,
        message=message or usual,
        reference=request_id.get(),
        **brand,
    )


def _code(status: int) -> str:
    return {401: "unauthorized", 404: "not_found", 405: "action_forbidden", 413: "parameter_invalid"}.get(
        status, "server_error" if status >= 500 else "client_error"
    )
