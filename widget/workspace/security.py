"""Settings > Security: the second factor of admins, and all active sessions."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bot.errors import FormWrong, NotFound
from bot.errors import marked as _
from bot.model.base import now
from widget.web.devices import browser_name
from widget.web.http import BOT
from widget.web.proof import proved
from widget.web.sessions import session_id
from widget.web.teammate_pages import (
    FormInput,
    Scope,
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

PATH = "/settings/security"


class Rules(FormInput):
    require_second_factor: bool = False


async def show(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    team = await bot.teammates.all()
    sessions = await asyncio.gather(*(bot.store.sessions.of(member.id, now()) for member in team))
    rows = [
        {"name": member.name, "session": session, "browser": browser_name(session.user_agent, say)}
        for member, found in zip(team, sessions, strict=True)
        for session in found
        if session.password_version == member.password_version
    ]
    return await teammate_page(
        request,
        "workspace/security.html",
        section="settings",
        title=say("Security"),
        part="security",
        workspace=await bot.workspace(),
        admins=[member for member in team if member.is_admin],
        rows=rows,
        current=await session_id(request),
    )


@redrawn_by(show)
async def save(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, Rules)
    if wanted.require_second_factor and not teammate(request).has_passkey:
        raise FormWrong({"require_second_factor": _("Add a passkey to your own account first.")})
    await request.app[BOT].security.require_second_factor(wanted.require_second_factor, by(request))
    raise done(PATH, translated(request, "Saved."))


async def revoke(request: web.Request) -> web.StreamResponse:
    bot = request.app[BOT]
    found = await bot.store.sessions.get(request.match_info["id"])
    owner = await bot.teammates.get(found.teammate) if found else None
    if found is None or owner is None:
        raise NotFound
    await bot.security.end_session(found, owner, by(request))
    raise done(PATH, translated(request, "Session revoked."))


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_WORKSPACE)
    app.router.add_get(PATH, manages(show))
    app.router.add_post(PATH, manages(proved(save)))
    app.router.add_post(f"{PATH}/sessions/{{id:[0-9a-f]{{64}}}}/revoke", manages(revoke))
