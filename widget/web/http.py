"""What all faces share about requests: the client, its language, posted fields, pages, and the status of an error."""

from __future__ import annotations

import ipaddress
import re
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
    ProofNeeded,
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
from widget.web.metrics import Metrics

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
STATUS: dict[type[SaysoError], int] = {
    StoreUnavailable: 503,
    NotFound: 404,
    Unauthorized: 401,
    Forbidden: 403,
    TooManyTries: 429,
    WordsChanged: 409,
    CardClosed: 409,
    ProofNeeded: 409,
    Conflict: 409,
    OwnOptOut: 409,
    TooManyConnections: 429,
    TooManyJobs: 429,
    Invalid: 422,
}
"""HTTP status by error class; a class that is not listed has the status of its nearest base class."""

IMAGES = "img-src 'self' data:"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; " + IMAGES + "; connect-src 'self' ws: wss:; "
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


def pasted_token(request: web.Request) -> str:
    """The token in the address, without what was copied along with the link: the end of a sentence, a bracket."""
    return re.split(r"[^\w-]", request.match_info["token"])[0]


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


def wants_page(request: web.Request) -> bool:
    """Whether the client is a browser rather than a program."""
    path = request.path
    is_of_programs = path.startswith(("/messenger/", "/api/")) and not path.startswith("/api/docs")
    return "text/html" in request.headers.get("Accept", "") and not is_of_programs
