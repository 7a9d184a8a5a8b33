"""The pages that links from an admin open: join the workspace, and set a new password."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.errors import FormWrong, Invalid, NotFromHere, PasswordGuessable, PasswordTooShort, SaysoError, TooManyTries
from bot.errors import marked as _
from bot.i18n import translator
from bot.model.teammate import LinkPurpose, Teammate
from bot.workspace.passwords import LEAST
from widget.web.csrf import check_sign_in_form, keep_sign_in, sign_in_token
from widget.web.forms import Form
from widget.web.http import BOT, client_ip, page, read_form, sentence, status_of, wanted_locale
from widget.web.layout import with_page_headers
from widget.web.next_page import HOME
from widget.web.second_factor import complete_sign_in, start_second_factor
from widget.web.sessions import with_session

Use = Callable[[web.Request, dict[str, str]], Awaitable[Teammate]]
TEMPLATES = {LinkPurpose.JOIN: "layout/join.html", LinkPurpose.PASSWORD: "layout/new_password.html"}


async def join(request: web.Request, form: dict[str, str]) -> Teammate:
    name = form.get("name", "").strip()[:120]
    if not name:
        raise FormWrong({"name": _("Name is required.")})
    links = request.app[BOT].account_links
    return await links.join(request.match_info["token"], name, form.get("password", ""), client_ip(request))


async def set_password(request: web.Request, form: dict[str, str]) -> Teammate:
    links = request.app[BOT].account_links
    return await links.set_password(request.match_info["token"], form.get("password", ""), client_ip(request))


class LinkPages:
    """Showing a link changes nothing; its form uses it and signs the teammate in."""

    def __init__(self, purpose: LinkPurpose, use: Use) -> None:
        self._purpose, self._use = purpose, use

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._draw(request, Form())

    async def submit(self, request: web.Request) -> web.StreamResponse:
        form = await read_form(request)
        try:
            await check_sign_in_form(request)
            teammate = await self._use(request, form)
        except (Invalid, NotFromHere, TooManyTries) as wrong:
            return await self._draw(request, _form(request, form, wrong))
        if teammate.has_passkey:
            return await start_second_factor(request, teammate, HOME)
        return await complete_sign_in(request, teammate, HOME)

    async def _draw(self, request: web.Request, form: Form) -> web.StreamResponse:
        link = await request.app[BOT].account_links.read(request.match_info["token"], self._purpose)
        values: dict[str, Any] = {"link": link, "least": LEAST, "csrf": sign_in_token(request)}
        template = TEMPLATES[self._purpose]
        response = await page(request, template, wanted_locale(request), status=form.status, form=form, **values)
        keep_sign_in(request, response)
        return with_page_headers(response)


def _form(request: web.Request, typed: dict[str, str], wrong: SaysoError) -> Form:
    say = translator(wanted_locale(request))
    if isinstance(wrong, FormWrong):
        faults = {name: say(text) for name, text in wrong.faults.items()}
    else:
        is_password = isinstance(wrong, (PasswordTooShort, PasswordGuessable))
        faults = {"password" if is_password else "": sentence(wrong, say)}
    return Form({"name": typed.get("name", "")}, faults, status_of(wrong))


def add_routes(app: web.Application) -> None:
    signed = "{token:[\\w.-]{20,200}}"
    for path, purpose, use in (
        (f"/join/{signed}", LinkPurpose.JOIN, join),
        (f"/password/{signed}", LinkPurpose.PASSWORD, set_password),
    ):
        pages = LinkPages(purpose, use)
        app.router.add_get(path, with_session(pages.show))
        app.router.add_post(path, with_session(pages.submit))
