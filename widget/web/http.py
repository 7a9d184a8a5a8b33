"""What all faces share about requests: the client, its language, and how errors are rendered."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import time
import zlib
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any
from urllib.parse import SplitResult, urlsplit

import aiohttp_jinja2
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from bot.app import Bot
from bot.consent.number_refusals import spoken
from bot.errors import (
    CardClosed,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NumberRefused,
    OwnOptOut,
    SaysoError,
    StoreUnavailable,
    TooManyConnections,
    TooManyJobs,
    TooManyTries,
    Unauthorized,
    WordsChanged,
)
from bot.errors import marked as _
from bot.i18n import Translator, choose_locale, translator
from bot.model.base import new_id
from bot.model.workspace import Workspace
from widget.web.metrics import Metrics

log = logging.getLogger("sayso.http")

BOT = web.AppKey("bot", Bot)
METRICS = web.AppKey("metrics", Metrics)

request_id: ContextVar[str] = ContextVar("request_id", default="")
speaking: ContextVar[Translator] = ContextVar("speaking")

WORDS = web.RequestKey("words", dict[str, str])
"""Fields of a form that was already read because it contains a file (`widget/web/uploads.py`)."""

LOCALE = web.RequestKey("locale", str)
"""The language that the signed-in teammate chose; empty: none."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SAFE = {"GET", "HEAD"}
UNREADABLE = (ValueError, LookupError, AssertionError, HttpProcessingError)
"""aiohttp's errors for unreadable forms."""
PLAIN = Workspace(name="")
"""The look of pages while the workspace can't be read."""

ANSWER_SECONDS = 10.0
"""Browsers give up after 15 s, and a dead database can cost several waits in a row; this limit responds first."""
BRAND_SECONDS = 1.0
"""How long an error page waits for the workspace's brand."""

STATUS: dict[type[SaysoError], int] = {
    StoreUnavailable: 503,
    NotFound: 404,
    Unauthorized: 401,
    Forbidden: 403,
    TooManyTries: 429,
    WordsChanged: 409,
    CardClosed: 409,
    Conflict: 409,
    OwnOptOut: 409,
    TooManyConnections: 429,
    TooManyJobs: 429,
    Invalid: 422,
}
"""HTTP status by error class; a class that is not listed has the status of its nearest base class."""

PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()"
"""Device features that no page of ours uses, so no script in one can."""
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors "
)


def status_of(error: SaysoError) -> int:
    return next((STATUS[c] for c in type(error).__mro__ if c in STATUS), 500)


def sentence(error: SaysoError, say: Translator) -> str:
    """The error message in the reader's language."""
    if isinstance(error, NumberRefused):
        return spoken(error, say)
    return say(error.text, **error.values)


def bearer(request: web.Request) -> str | None:
    """The bearer token, if there is one."""
    scheme, _space, token = plain(request.headers.get("Authorization", "")).partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def plain(text: str) -> str:
    """The header without the lone surrogates that aiohttp uses for bytes that are not UTF-8: they can't be stored."""
    return text.encode(errors="replace").decode()


def split_address(address: str) -> SplitResult:
    """The parts of a URL from the outside; all empty for an invalid one (`//[`)."""
    try:
        return urlsplit(address)
    except ValueError:
        return SplitResult("", "", "", "", "")


def user_agent(request: web.Request) -> str | None:
    return plain(request.headers.get("User-Agent", ""))[:400] or None


def client_ip(request: web.Request) -> str:
    """The address that the outermost trusted proxy saw; without trusted proxies, the peer's address."""
    hops = request.app[BOT].settings.trusted_proxies
    seen = [part.strip() for value in request.headers.getall("X-Forwarded-For", []) for part in value.split(",")]
    forwarded = _ip(seen[-hops]) if 0 < hops <= len(seen) else ""
    return forwarded or request.remote or ""


def _ip(address: str) -> str:
    """The address without a port, as some proxies write it; empty for what is none."""
    host = address[1:].partition("]")[0] if address.startswith("[") else address
    host = host.partition(":")[0] if host.count(":") == 1 else host
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""


def is_own_origin(request: web.Request, origin: str) -> bool:
    """Whether a page at `origin` (scheme, host and port) is one of ours.

    A proxy that speaks TLS hands plain HTTP on, so https is ours at any host that this request named; http is not where
    the public address is https.
    """
    public = request.app[BOT].public_url
    own = {public, f"https://{request.host}"}
    if split_address(public).netloc != request.host:
        own.add(f"{request.scheme}://{request.host}")
    return origin in own


async def read_form(request: web.Request) -> dict[str, str]:
    """Fields of a posted form, one value each; empty for a body of another type. Raises Invalid."""
    read: dict[str, str] | None = request.get(WORDS)
    return read.copy() if read is not None else dict(await read_values(request))


async def read_values(request: web.Request) -> list[tuple[str, str]]:
    """Names and values of a posted form, in which a name may occur again. Raises Invalid for a body that is not text.

    The asserts are aiohttp's own, of multipart fields without a name; HttpProcessingError is about multipart headers
    that are too long.
    """
    try:
        values = [(name, value) for name, value in (await request.post()).items() if isinstance(value, str)]
        "".join(text for pair in values for text in pair).encode()
    except UNREADABLE:
        raise Invalid(_("Invalid value: %(field)s."), field="form") from None
    return values


def wanted_locale(request: web.Request, *first: str | None) -> str:
    """The first of these languages that we support: the signed-in teammate's own, `first`, the browser's."""
    accepted = request.headers.get("Accept-Language", "")[:200]
    tags = [part.partition(";")[0].strip() for part in accepted.split(",")]
    return choose_locale((*(tag for tag in (request.get(LOCALE), *first) if tag), *tags))


async def render(request: web.Request, template: str, locale: str, **context: Any) -> str:
    """A page or a fragment in `locale`."""
    say = translator(locale)
    speaking.set(say)
    brand = context.pop("brand", None) or await request.app[BOT].workspace()
    values = {"brand": brand, "locale": say.locale, "direction": say.direction, **context}
    return aiohttp_jinja2.render_string(template, request, values)


async def page(request: web.Request, template: str, locale: str, *, status: int = 200, **context: Any) -> web.Response:
    """A whole page, compressed, never stored by proxies or browsers."""
    return html_page(request, await render(request, template, locale, status=status, **context), status=status)


def html_page(request: web.Request, text: str, *, status: int = 200) -> web.Response:
    """Compressed at the lowest level: most of the gain for a quarter of the time."""
    headers = {"Cache-Control": "private, no-store", "Vary": "Accept-Encoding"}
    body = text.encode()
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body, headers["Content-Encoding"] = zlib.compress(body, 1, wbits=31), "gzip"
    return web.Response(body=body, content_type="text/html", charset="utf-8", status=status, headers=headers)


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
    if _route(request).endswith(("/live", "/upload", ".csv", ".txt", ".zip", "{format}")):
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


def wants_page(request: web.Request) -> bool:
    """Whether the client is a browser rather than a program."""
    path = request.path
    return "text/html" in request.headers.get("Accept", "") and not path.startswith(("/messenger/", "/api/"))


def _code(status: int) -> str:
    return {401: "unauthorized", 404: "not_found", 405: "action_forbidden", 413: "parameter_invalid"}.get(
        status, "server_error" if status >= 500 else "client_error"
    )
