"""Settings > Tags."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from widget.web.http import BOT
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

PATH = "/settings/tags"


class TagName(FormInput):
    name: Annotated[str, Field(min_length=1, max_length=60)]


async def listed(request: web.Request) -> web.StreamResponse:
    title, tags = translator_for(request)("Tags"), await request.app[BOT].tags.all()
    return await teammate_page(request, "workspace/tags.html", section="settings", title=title, part="tags", tags=tags)


@redrawn_by(listed)
async def create(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, TagName)
    await request.app[BOT].tags.create(wanted.name, by(request))
    raise done(PATH, translated(request, "%(name)s is created.", name=wanted.name))


async def edit(request: web.Request) -> web.StreamResponse:
    tag, title = await request.app[BOT].tags.get(request.match_info["id"]), translator_for(request)("Rename tag")
    return await teammate_page(request, "workspace/tag.html", section="settings", title=title, part="tags", tag=tag)


@redrawn_by(edit)
async def rename(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, TagName)
    await request.app[BOT].tags.rename(request.match_info["id"], wanted.name, by(request))
    raise done(PATH, translated(request, "%(name)s is saved.", name=wanted.name))


async def delete(request: web.Request) -> web.StreamResponse:
    tag = await request.app[BOT].tags.delete(request.match_info["id"], by(request))
    raise done(PATH, translated(request, "%(name)s is deleted.", name=tag.name))


def add_routes(app: web.Application) -> None:
    manages, one = requires(Scope.MANAGE_WORKSPACE), f"{PATH}/{{id:[0-9a-f]{{24}}}}"
    app.router.add_get(PATH, manages(listed))
    app.router.add_post(PATH, manages(create))
    app.router.add_get(one, manages(edit))
    app.router.add_post(one, manages(rename))
    app.router.add_post(f"{one}/delete", manages(delete))
