"""Asks a teammate for their password again before a sensitive change."""

from __future__ import annotations

from aiohttp import web

from bot.model.base import now
from widget.web.http import BOT
from widget.web.next_page import own_path
from widget.web.proof import PATH
from widget.web.sessions import session_id
from widget.web.teammate_pages import (
    FormInput,
    done,
    read_input,
    redrawn_by,
    requires,
    teammate,
    teammate_page,
    translated,
    translator_for,
)


class PasswordAgain(FormInput):
    current: str
    next: str = ""


async def show(request: web.Request) -> web.StreamResponse:
    return await teammate_page(
        request,
        "workspace/confirm.html",
        section="",
        title=translator_for(request)("Confirm it's you"),
        part="sign-in",
        next=own_path(request.query.get("next", "")),
    )


@redrawn_by(show)
async def confirm(request: web.Request) -> web.StreamResponse:
    wanted, bot = await read_input(request, PasswordAgain), request.app[BOT]
    await bot.teammates.check_password(teammate(request), wanted.current)
    await bot.store.sessions.prove(await session_id(request), now())
    raise done(own_path(wanted.next), translated(request, "Thanks. You can make changes for ten minutes."))


def add_routes(app: web.Application) -> None:
    mine = requires()
    app.router.add_get(PATH, mine(show))
    app.router.add_post(PATH, mine(confirm))
