"""Settings > Workspace > Install: the snippet for the site, the sites that may embed the chat, the hosts of images,
and identity secrets."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.errors import FormWrong, NotFound, SiteRefused, TooManySites
from bot.model.base import new_id
from bot.model.workspace import IdentitySecret
from bot.workspace.image_hosts import read_hosts
from bot.workspace.sites import ANY, SiteStatus, allowed_sites, read_sites
from widget.web.http import BOT, html_page, render, sentence, wanted_locale
from widget.web.layout import with_page_headers
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
    translator_for,
)
from widget.workspace.install_examples import EXAMPLES, SIGNED_SNIPPET, SNIPPET

PATH = "/settings/install"

Id = Annotated[str, Field(pattern="^[0-9a-f]{24}$")]


class SitesInput(FormInput):
    sites: Annotated[str, Field(max_length=10_000)] = ""


class ImageHostsInput(FormInput):
    image_hosts: Annotated[str, Field(max_length=10_000)] = ""


class SecretInput(FormInput):
    key: Id


async def show(request: web.Request) -> web.StreamResponse:
    return await _draw(request)


async def _draw(request: web.Request, new: IdentitySecret | None = None) -> web.StreamResponse:
    """`new`: a secret that was just created, shown this once."""
    bot, say = request.app[BOT], translator_for(request)
    workspace = await bot.workspace()
    return await teammate_page(
        request,
        "workspace/install.html",
        section="settings",
        title=say("Install"),
        part="install",
        snippet=SNIPPET.format(url=bot.public_url),
        signed_snippet=SIGNED_SNIPPET,
        sites="\n".join(workspace.sites),
        is_fixed=bot.settings.sites != ANY,
        image_hosts="\n".join(workspace.image_hosts),
        are_hosts_fixed=bool(bot.settings.image_hosts),
        visited=await _visited(request),
        secrets=workspace.identity_secrets,
        new=new,
        examples=EXAMPLES,
        key=new_id(),
    )


async def _visited(request: web.Request) -> list[SiteStatus]:
    bot = request.app[BOT]
    return await bot.sites.status(allowed_sites(bot.settings.sites, await bot.workspace()))


async def check(request: web.Request) -> web.StreamResponse:
    """The sites seen so far: a fragment that the page polls."""
    text = await render(
        request, "workspace/_install_sites.html", wanted_locale(request), visited=await _visited(request)
    )
    return with_page_headers(html_page(request, text))


@redrawn_by(show)
async def save_sites(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    typed = await read_input(request, SitesInput)
    try:
        sites = read_sites(typed.sites)
    except (SiteRefused, TooManySites) as wrong:
        raise FormWrong({"sites": sentence(wrong, say)}) from None
    await bot.sites.save(sites, by(request))
    raise done(f"{PATH}#sites-title", say("Saved."))


@redrawn_by(show)
async def save_image_hosts(request: web.Request) -> web.StreamResponse:
    typed = await read_input(request, ImageHostsInput)
    await request.app[BOT].image_hosts.save(read_hosts(typed.image_hosts), by(request))
    raise done(f"{PATH}#images-title", translator_for(request)("Saved."))


@redrawn_by(show)
async def create_secret(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, SecretInput)
    return await _draw(request, await request.app[BOT].identity_secrets.create(by(request), wanted.key))


@redrawn_by(show)
async def revoke_secret(request: web.Request) -> web.StreamResponse:
    say = translator_for(request)
    try:
        await request.app[BOT].identity_secrets.revoke(request.match_info["secret"], by(request))
    except NotFound:
        raise done(f"{PATH}#secrets-title", say("This secret was revoked already."), "bad") from None
    raise done(f"{PATH}#secrets-title", say("Secret revoked."))


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_WORKSPACE)
    app.router.add_get(PATH, manages(show))
    app.router.add_get(f"{PATH}/check", manages(check))
    app.router.add_post(f"{PATH}/sites", manages(save_sites))
    app.router.add_post(f"{PATH}/image-hosts", manages(save_image_hosts))
    app.router.add_post(f"{PATH}/secrets", manages(proved(create_secret)))
    app.router.add_post(f"{PATH}/secrets/{{secret:[0-9a-f]{{24}}}}/revoke", manages(revoke_secret))
