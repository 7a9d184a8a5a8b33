"""Settings > Intercom: the addresses of the Canvas Kit app, its client secrets, and whether user ids are proven."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.errors import NotFound
from widget.web.http import BOT
from widget.web.proof import proved
from widget.web.teammate_pages import (
    FormInput,
    Scope,
    by,
    done,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translated,
    translator_for,
)

PATH = "/settings/intercom"


class ClientSecret(FormInput):
    secret: Annotated[str, Field(min_length=16, max_length=200)]


class MessengerSecurity(FormInput):
    messenger_security: bool = False


async def show(request: web.Request) -> web.StreamResponse:
    bot = request.app[BOT]
    workspace = await bot.workspace()
    return await teammate_page(
        request,
        "workspace/intercom.html",
        section="settings",
        title=translator_for(request)("Intercom"),
        part="intercom",
        url=f"{bot.public_url}/canvas",
        secrets=workspace.canvas_secrets,
        messenger_security=workspace.messenger_security,
    )


@redrawn_by(show)
async def add_secret(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, ClientSecret)
    await request.app[BOT].canvas_secrets.add(wanted.secret, by(request))
    raise done(PATH, translated(request, "Saved."))


async def revoke_secret(request: web.Request) -> web.StreamResponse:
    try:
        await request.app[BOT].canvas_secrets.revoke(request.match_info["secret"], by(request))
    except NotFound:
        raise done(PATH, translated(request, "This secret was revoked already."), "bad") from None
    raise done(PATH, translated(request, "Secret revoked."))


@redrawn_by(show)
async def save_security(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, MessengerSecurity)
    await request.app[BOT].canvas_secrets.set_messenger_security(wanted.messenger_security, by(request))
    raise done(PATH, translated(request, "Saved."))


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_WORKSPACE)
    app.router.add_get(PATH, manages(show))
    app.router.add_post(f"{PATH}/messenger-security", manages(proved(save_security)))
    app.router.add_post(f"{PATH}/secrets", manages(proved(add_secret)))
    app.router.add_post(f"{PATH}/secrets/{{secret:[0-9a-f]{{24}}}}/revoke", manages(revoke_secret))
