"""Settings > Attributes: custom fields of contacts."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.attribute import Attribute, AttributeType
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

PATH = "/settings/attributes"
TYPES = {
    AttributeType.TEXT: _("Text"),
    AttributeType.NUMBER: _("Number"),
    AttributeType.DATE: _("Date"),
    AttributeType.BOOLEAN: _("Yes or no"),
    AttributeType.LIST: _("List of options"),
}


class AttributeForm(FormInput):
    name: Annotated[str, Field(min_length=1, max_length=60)]
    options: Annotated[str, Field(max_length=20_000)] = ""
    """One a line."""


class NewAttribute(AttributeForm):
    type: AttributeType


def type_names(say: Translator) -> list[tuple[str, str]]:
    return [(type, say(name)) for type, name in TYPES.items()]


async def listed(request: web.Request) -> web.StreamResponse:
    say, attributes = translator_for(request), request.app[BOT].attributes
    return await teammate_page(
        request,
        "workspace/attributes.html",
        section="settings",
        title=say("Attributes"),
        part="attributes",
        attributes=await attributes.all(),
        archived=await attributes.archived(),
        types=dict(type_names(say)),
    )


async def form(request: web.Request) -> web.StreamResponse:
    """A new attribute, or the one in the address."""
    say, key = translator_for(request), request.match_info.get("key")
    attribute: Attribute | None = await request.app[BOT].attributes.get(key) if key else None
    return await teammate_page(
        request,
        "workspace/attribute.html",
        section="settings",
        title=say("Edit attribute") if attribute else say("New attribute"),
        part="attributes",
        attribute=attribute,
        types=type_names(say),
    )


@redrawn_by(form)
async def create(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, NewAttribute)
    options = wanted.options.splitlines()
    await request.app[BOT].attributes.create(wanted.name, wanted.type, by(request), options=options)
    raise done(PATH, translated(request, "%(name)s is created.", name=wanted.name))


@redrawn_by(form)
async def change(request: web.Request) -> web.StreamResponse:
    wanted, key = await read_input(request, AttributeForm), request.match_info["key"]
    await request.app[BOT].attributes.change(key, wanted.name, by(request), options=wanted.options.splitlines())
    raise done(PATH, translated(request, "%(name)s is saved.", name=wanted.name))


async def archive(request: web.Request) -> web.StreamResponse:
    archived = await request.app[BOT].attributes.archive(request.match_info["key"], by(request))
    raise done(PATH, translated(request, "%(name)s is archived.", name=archived.name))


@redrawn_by(listed)
async def restore(request: web.Request) -> web.StreamResponse:
    restored = await request.app[BOT].attributes.restore(request.match_info["key"], by(request))
    raise done(PATH, translated(request, "%(name)s is restored.", name=restored.name))


def add_routes(app: web.Application) -> None:
    manages, one = requires(Scope.MANAGE_WORKSPACE), f"{PATH}/{{key:[a-z][a-z0-9_]{{0,39}}}}"
    app.router.add_get(PATH, manages(listed))
    app.router.add_get(f"{PATH}/-/new", manages(form))
    app.router.add_post(f"{PATH}/-/new", manages(create))
    app.router.add_get(one, manages(form))
    app.router.add_post(one, manages(change))
    app.router.add_post(f"{one}/archive", manages(archive))
    app.router.add_post(f"{one}/restore", manages(restore))
