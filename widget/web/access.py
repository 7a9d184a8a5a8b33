"""Access to teammate pages: who may open which, and whether a form came from one of our own pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from urllib.parse import quote

from aiohttp import web

from bot.errors import Invalid, SaysoError, SecondFactorMissing, SignedOut, StoreUnavailable, Unauthorized
from bot.i18n import translator
from bot.model.teammate import By, Teammate
from bot.workspace.access import Principal, Scope
from widget.web.csrf import check_session_form
from widget.web.flash import RedirectWithMessage, done, keep_said
from widget.web.http import (
    BOT,
    LOCALE,
    SAFE,
    Handler,
    client_ip,
    page,
    sentence,
    split_address,
    status_of,
    wanted_locale,
    wants_page,
)
from widget.web.layout import teammate_page
from widget.web.sessions import PRINCIPAL, SESSIONS, signed_in
from widget.web.times import set_clock

WIDTH_OF_NEXT = 2000
ACCOUNT = "/settings/profile"
"""A teammate's own pages."""
SIGN_IN_SETTINGS = f"{ACCOUNT}/sign-in"


def requires(scope: Scope | None = None) -> Callable[[Handler], Handler]:
    """Restricts a page to teammates with this scope; None: any teammate.

    Others are asked to sign in and then return to the page they requested, or are told who can help.
    """

    def guard(handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: web.Request) -> web.StreamResponse:
            return await request.app[SESSIONS](request, partial(_enter, handler=handler, scope=scope))

        return guarded

    return guard


def principal(request: web.Request) -> Principal:
    """Who makes the request."""
    return request[PRINCIPAL]


def teammate(request: web.Request) -> Teammate:
    """The teammate who makes the request."""
    return request[PRINCIPAL].teammate


def by(request: web.Request) -> By:
    """Who makes the request, for histories and the audit log."""
    who = request[PRINCIPAL]
    return By(who.teammate.id, who.teammate.name, client_ip(request), who.token)


def is_htmx(request: web.Request) -> bool:
    return "HX-Request" in request.headers


def sign_in_address(request: web.Request) -> str:
    """For an htmx request, returns to the page that sent it."""
    there = request.path_qs
    if is_htmx(request):
        where = split_address(request.headers.get("HX-Current-URL", ""))
        there = f"{where.path}?{where.query}" if where.query else where.path
    return f"/login?next={quote(there[:WIDTH_OF_NEXT], safe='/')}" if there not in {"", "/"} else "/login"


async def _enter(request: web.Request, *, handler: Handler, scope: Scope | None) -> web.StreamResponse:
    who = await signed_in(request)
    if who is None:
        return await _to_sign_in(request)
    request[PRINCIPAL], request[LOCALE] = who, who.teammate.locale
    set_clock(request, who.teammate, wanted_locale(request))
    try:
        await check_session_form(request)
        await _check_second_factor(request, who)
        if scope:
            who.require(scope)
        return await handler(request)
    except RedirectWithMessage as redirect:
        return keep_said(request, redirect)
    except SaysoError as error:
        return await _refused(request, error)


async def _check_second_factor(request: web.Request, who: Principal) -> None:
    """If the workspace requires a second factor, an admin without one can only add it."""
    me = who.teammate
    if me.has_passkey or not me.is_admin or request.path == "/logout" or request.path.startswith(ACCOUNT):
        return
    if not (await request.app[BOT].workspace()).require_second_factor:
        return
    if request.method in SAFE and wants_page(request):
        say = translator(wanted_locale(request))
        raise done(SIGN_IN_SETTINGS, sentence(SecondFactorMissing(), say), "bad")
    raise SecondFactorMissing


async def _to_sign_in(request: web.Request) -> web.StreamResponse:
    where = sign_in_address(request)
    if is_htmx(request):
        return web.Response(status=401, headers={"HX-Redirect": where})
    if request.method in SAFE and wants_page(request):
        raise web.HTTPSeeOther(where)
    if not wants_page(request):
        raise SignedOut
    locale = wanted_locale(request)
    say = translator(locale)
    words = {"title": say("You're signed out"), "message": sentence(SignedOut(), say)}
    return await page(request, "layout/signed_out.html", locale, status=401, **words)


async def _refused(request: web.Request, error: SaysoError) -> web.StreamResponse:
    """An error page with the navigation. Programs, and every request while the database is away, get the usual
    answer."""
    if isinstance(error, (StoreUnavailable, Unauthorized)) or is_htmx(request) or not wants_page(request):
        raise error
    say = translator(wanted_locale(request))
    title = say("Something went wrong") if isinstance(error, Invalid) else say("You don't have access to this page")
    status = status_of(error)
    return await teammate_page(
        request,
        "layout/refused.html",
        section="",
        title=say("Page not found") if status == 404 else title,
        status=status,
        message=sentence(error, say),
    )
