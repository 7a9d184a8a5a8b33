"""Placeholder pages for sections that do not exist yet."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.errors import marked as _
from widget.web.layout import SETTINGS
from widget.web.teammate_pages import Handler, Scope, requires, teammate_page, translator_for


@dataclass(frozen=True, slots=True)
class Coming:
    section: str
    icon: str
    title: str
    text: str


CONTACTS = Coming("contacts", "people", _("Contacts"), _("Here you will find people, and where each of them stands."))
OUTBOUND = Coming("outbound", "outbound", _("Outbound"), _("Here you will write to all who said yes, in one go."))
BOTS = Coming("bots", "bot", _("Bots"), _("Here you will write what the bot says, and when it asks."))


def coming(what: Coming) -> Handler:
    async def show(request: web.Request) -> web.Response:
        say = translator_for(request)
        title, text = say(what.title), say(what.text)
        return await teammate_page(
            request, "layout/coming.html", section=what.section, title=title, icon=what.icon, text=text
        )

    return show


async def settings(request: web.Request) -> web.Response:
    raise web.HTTPSeeOther(SETTINGS[0].path)


async def styleguide(request: web.Request) -> web.Response:
    title = translator_for(request)("Style guide")
    return await teammate_page(request, "layout/styleguide.html", section="settings", title=title, part="styleguide")


def add_routes(app: web.Application) -> None:
    app.router.add_get("/contacts", requires(Scope.READ_CONTACTS)(coming(CONTACTS)))
    app.router.add_get("/outbound", requires(Scope.SEND_MESSAGES)(coming(OUTBOUND)))
    app.router.add_get("/bots", requires(Scope.MANAGE_FLOWS)(coming(BOTS)))
    app.router.add_get("/settings", requires(Scope.MANAGE_SUBSCRIPTIONS)(settings))
    app.router.add_get("/settings/styleguide", requires(Scope.MANAGE_WORKSPACE)(styleguide))
