"""Settings > Profile, for everyone: name, language, time zone, notifications."""

from __future__ import annotations

from aiohttp import web

from bot.i18n import locales
from bot.workspace.profile import TeammateProfile, time_zones
from widget.web.http import BOT
from widget.web.languages import named
from widget.web.teammate_pages import (
    by,
    done,
    read_input,
    redrawn_by,
    requires,
    teammate,
    teammate_page,
    translated,
    translator_for,
)

PATH = "/settings/profile"


async def show(request: web.Request) -> web.StreamResponse:
    say = translator_for(request)
    zones = [(zone, zone.replace("_", " ")) for zone in time_zones()]
    return await teammate_page(
        request,
        "workspace/profile.html",
        section="",
        title=say("Profile"),
        part="profile",
        languages=[("", say("Browser language")), *named(locales(), say)],
        zones=[("", say("Browser time zone")), *zones],
    )


@redrawn_by(show)
async def save(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, TeammateProfile)
    await request.app[BOT].teammates.save_profile(teammate(request), wanted, by(request))
    raise done(PATH, translated(request, "Saved."))


def add_routes(app: web.Application) -> None:
    app.router.add_get(PATH, requires()(show))
    app.router.add_post(PATH, requires()(save))
