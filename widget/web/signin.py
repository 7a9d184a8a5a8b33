"""Sign-in and sign-out."""

from __future__ import annotations

from aiohttp import web

from bot.errors import FormWrong, NotFromHere, SaysoError, SignInRefused, TooManyTries
from bot.errors import marked as _
from bot.i18n import translator
from widget.web.access import requires
from widget.web.csrf import check_sign_in_form, keep_sign_in, sign_in_token
from widget.web.devices import device_of
from widget.web.flash import done, forget_said, read_said
from widget.web.forms import Form
from widget.web.http import BOT, client_ip, page, read_form, sentence, status_of, wanted_locale
from widget.web.layout import with_page_headers
from widget.web.local import is_local
from widget.web.next_page import own_path
from widget.web.second_factor import complete_sign_in, start_second_factor
from widget.web.sessions import sign_out, signed_in, with_session


async def show(request: web.Request) -> web.StreamResponse:
    """The sign-in form; a signed-in teammate is redirected."""
    where = own_path(request.query.get("next", ""))
    if await signed_in(request):
        raise web.HTTPSeeOther(where)
    return await _draw(request, where, Form())


async def enter(request: web.Request) -> web.StreamResponse:
    """Checks email and password; a teammate with a passkey goes on to the second factor. After an error the form keeps
    the submitted email, not the password."""
    form = await read_form(request)
    where, email, password = own_path(form.get("next", "")), form.get("email", ""), form.get("password", "")
    try:
        await check_sign_in_form(request)
        _check_filled(email, password)
        teammate = await request.app[BOT].teammates.sign_in(
            email,
            password,
            address=client_ip(request),
            is_local=is_local(request),
            device=device_of(request, email),
        )
    except (FormWrong, NotFromHere, SignInRefused, TooManyTries) as wrong:
        return await _draw(request, where, _form(request, email, wrong), wrong)
    if teammate.has_passkey:
        return await start_second_factor(request, teammate, where)
    return await complete_sign_in(request, teammate, where)


async def leave(request: web.Request) -> web.StreamResponse:
    await sign_out(request)
    say = translator(wanted_locale(request))
    raise done("/login", say("You're signed out."))


def _check_filled(email: str, password: str) -> None:
    faults = {"email": _("Enter your email.")} if not email.strip() else {}
    faults |= {"password": _("Enter your password.")} if not password else {}
    if faults:
        raise FormWrong(faults)


def _form(request: web.Request, email: str, wrong: SaysoError) -> Form:
    say = translator(wanted_locale(request))
    faults = wrong.faults if isinstance(wrong, FormWrong) else {"": sentence(wrong, say)}
    return Form({"email": email}, {name: say(text) for name, text in faults.items()}, status_of(wrong))


async def _draw(request: web.Request, where: str, form: Form, wrong: SaysoError | None = None) -> web.Response:
    with_demo = is_local(request)
    response = await page(
        request,
        "layout/login.html",
        wanted_locale(request),
        status=form.status,
        form=form,
        next=where,
        csrf=sign_in_token(request),
        said=read_said(request),
        is_empty=not await request.app[BOT].teammates.are_there_any(with_demo=with_demo),
    )
    keep_sign_in(request, response)
    forget_said(request, response)
    if isinstance(wrong, TooManyTries):
        response.headers["Retry-After"] = str(wrong.seconds)
    return with_page_headers(response)


def add_routes(app: web.Application) -> None:
    app.router.add_get("/login", with_session(show))
    app.router.add_post("/login", with_session(enter))
    app.router.add_post("/logout", requires()(leave))
