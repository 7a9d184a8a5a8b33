"""Erasing a person, and downloading all their data."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.errors import FormWrong, NotFound
from bot.errors import marked as _
from bot.model.audit import AuditAction
from bot.model.event import Actor, Source
from widget.contacts.data_words import DATA_WORDS
from widget.contacts.profile import PROFILE
from widget.inbox.details import name_of
from widget.web.downloads import Download, send_file
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
    translator_for,
)

WORD = _("ERASE")


class ErasureConfirmed(FormInput):
    word: Annotated[str, Field(max_length=40)] = ""


async def show(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    contact = await bot.merge.living(request.match_info["contact"])
    name = name_of(contact, say)
    return await teammate_page(
        request,
        "contacts/erase.html",
        section="contacts",
        title=say("Erase %(contact)s", contact=name),
        here=f"/contacts/{contact.id}",
        word=say(WORD),
    )


@redrawn_by(show)
async def erase(request: web.Request) -> web.StreamResponse:
    bot, say, id = request.app[BOT], translator_for(request), request.match_info["contact"]
    wanted = await read_input(request, ErasureConfirmed)
    if wanted.word.casefold() != say(WORD).casefold():
        raise FormWrong({"word": say("Type %(word)s to confirm.", word=say(WORD))})
    who = by(request)
    if await bot.ledger.contact(id) is None:
        raise NotFound
    await bot.audit.record(who, AuditAction.CONTACT_ERASED, id, key=id)  # first: another process may finish the rest
    await bot.eraser.erase(id, Actor(kind="teammate", id=who.id), Source.PROFILE)
    raise done("/contacts", say("The contact's personal data was erased."))


async def download(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    contact = await bot.merge.living(request.match_info["contact"])
    pieces = bot.data_access.archive(contact.id, say, DATA_WORDS)
    recorded = Download(AuditAction.CONTACT_DATA_DOWNLOADED, contact.id)
    return await send_file(request, f"contact-{contact.id}.zip", "application/zip", pieces, recorded)


def add_routes(app: web.Application) -> None:
    erases = requires(Scope.BULK_CONTACTS)
    app.router.add_get(f"{PROFILE}/erase", erases(show))
    app.router.add_post(f"{PROFILE}/erase", erases(erase))
    app.router.add_get(f"{PROFILE}/data.zip", erases(download))
