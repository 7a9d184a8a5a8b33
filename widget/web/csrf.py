"""Protects teammate forms against CSRF: each form carries a token that only our own pages contain.

The token is bound to the session (to a short-lived cookie before sign-in) and differs in each response, so that a
compressed page does not leak it (BREACH).
"""

from __future__ import annotations

import secrets

from aiohttp import web
from aiohttp_session import get_session

from bot.errors import NotFromHere
from widget.web.http import BOT, SAFE, is_own_origin, read_form
from widget.web.sessions import cookie_name, is_secure

FIELD, HEADER = "csrf", "X-CSRF-Token"
SIGN_IN_SECONDS = 3600
SIGN_IN = web.RequestKey("sign_in_cookie", str)


def token_for(request: web.Request, owner: str) -> str:
    nonce = secrets.token_urlsafe(9)
    return f"{nonce}.{request.app[BOT].signatures.signer('csrf').get_signature(f'{nonce}.{owner}').decode()}"


async def session_token(request: web.Request) -> str:
    return token_for(request, str((await get_session(request)).identity))


def sign_in_token(request: web.Request) -> str:
    """Token for the sign-in form; `keep_sign_in` sets the cookie it is bound to."""
    owner = request.cookies.get(cookie_name(request.app[BOT], "sayso_sign_in"), "")
    request[SIGN_IN] = owner = owner if len(owner) >= 20 else secrets.token_urlsafe(18)
    return token_for(request, owner)


def keep_sign_in(request: web.Request, response: web.Response) -> None:
    bot = request.app[BOT]
    response.set_cookie(
        cookie_name(bot, "sayso_sign_in"),
        request[SIGN_IN],
        max_age=SIGN_IN_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=is_secure(bot),
    )


async def check_session_form(request: web.Request) -> None:
    """Checks every method that may change something. Raises NotFromHere."""
    if request.method not in SAFE:
        await _check(request, str((await get_session(request)).identity))


async def check_sign_in_form(request: web.Request) -> None:
    """Raises NotFromHere."""
    await _check(request, request.cookies.get(cookie_name(request.app[BOT], "sayso_sign_in"), ""))


async def _check(request: web.Request, owner: str) -> None:
    token = request.headers.get(HEADER) or (await read_form(request)).get(FIELD, "")
    nonce, _dot, signature = token.partition(".")
    signer = request.app[BOT].signatures.signer("csrf")
    if not owner or not is_our_page(request) or not signer.verify_signature(f"{nonce}.{owner}", signature):
        raise NotFromHere


def is_our_page(request: web.Request) -> bool:
    """What the browser's own headers say about the sending page, if they say anything.

    `Origin` is `null` for pages that send no referrer; teammate pages send it to our own origin (`same-origin`).
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is None or is_own_origin(request, origin)
