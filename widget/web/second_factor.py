"""The second step of sign-in: a passkey, or a recovery code."""

from __future__ import annotations

from aiohttp import web
from yarl import URL

from bot.errors import NotFromHere, PasskeyRefused, SaysoError, TooManyTries
from bot.i18n import translator
from bot.model.audit import AuditAction
from bot.model.teammate import By, Teammate
from bot.workspace.passkeys import LASTS, Site
from widget.web.csrf import check_sign_in_form, keep_sign_in, sign_in_token
from widget.web.devices import keep_device
from widget.web.flash import done, keep_said
from widget.web.forms import Form
from widget.web.http import BOT, client_ip, page, read_form, sentence, status_of, wanted_locale
from widget.web.layout import with_page_headers
from widget.web.local import is_local, names_address
from widget.web.next_page import own_path
from widget.web.sessions import cookie_name, is_secure, sign_in, with_session

PATH = "/login/verify"
COOKIE = "sayso_step"
"""Names the challenge of a sign-in whose password was correct."""


def site_of(request: web.Request) -> Site | None:
    """Where passkeys of this page belong. None: it has an IP address instead of a domain name, and so no passkeys."""
    here = URL(f"http://{request.host}") if is_local(request) else URL(request.app[BOT].public_url)
    if not here.host or names_address(here.host):
        return None
    return Site(here.host, str(here.origin()))


async def complete_sign_in(request: web.Request, teammate: Teammate, where: str) -> web.Response:
    await sign_in(request, teammate)
    by = By(teammate.id, teammate.name, client_ip(request))
    await request.app[BOT].audit.record(by, AuditAction.SIGNED_IN)
    response = web.Response(status=303, headers={"Location": where})
    keep_device(request, response, teammate)
    return response


async def start_second_factor(request: web.Request, teammate: Teammate, where: str) -> web.Response:
    bot = request.app[BOT]
    response = web.Response(status=303, headers={"Location": str(URL(PATH).with_query(next=where))})
    response.set_cookie(
        cookie_name(bot, COOKIE),
        await bot.passkeys.start_sign_in(teammate),
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=is_secure(bot),
    )
    return response


async def show(request: web.Request) -> web.StreamResponse:
    return await _draw(request, own_path(request.query.get("next", "")), Form())


async def verify(request: web.Request) -> web.StreamResponse:
    form, bot = await read_form(request), request.app[BOT]
    where, challenge, site = own_path(form.get("next", "")), _challenge(request), site_of(request)
    try:
        await check_sign_in_form(request)
        if credential := form.get("credential"):
            if site is None:
                raise PasskeyRefused
            teammate = await bot.passkeys.sign_in(challenge, credential, site)
        else:
            teammate = await bot.passkeys.sign_in_with_code(challenge, form.get("code", ""), client_ip(request))
    except (NotFromHere, PasskeyRefused, TooManyTries) as wrong:
        return await _draw(request, where, _form(request, wrong))
    response = await complete_sign_in(request, teammate, where)
    response.del_cookie(cookie_name(bot, COOKIE), secure=is_secure(bot), httponly=True, samesite="Lax")
    return response


def _challenge(request: web.Request) -> str:
    return request.cookies.get(cookie_name(request.app[BOT], COOKIE), "")[:100]


def _form(request: web.Request, wrong: SaysoError) -> Form:
    return Form({}, {"": sentence(wrong, translator(wanted_locale(request)))}, status_of(wrong))


async def _draw(request: web.Request, where: str, form: Form) -> web.StreamResponse:
    """After five minutes, sign-in starts again."""
    site, locale = site_of(request), wanted_locale(request)
    unused = Site("localhost", "http://localhost")
    options = await request.app[BOT].passkeys.sign_in_options(_challenge(request), site or unused)
    if options is None:
        say = translator(locale)
        return keep_said(request, done("/login", say("That took too long. Sign in again."), "bad"))
    response = await page(
        request,
        "layout/login_verify.html",
        locale,
        status=form.status,
        form=form,
        next=where,
        options=options if site else "",
        csrf=sign_in_token(request),
    )
    keep_sign_in(request, response)
    return with_page_headers(response)


def add_routes(app: web.Application) -> None:
    app.router.add_get(PATH, with_session(show))
    app.router.add_post(PATH, with_session(verify))
