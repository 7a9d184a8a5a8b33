"""A contact's profile: the panel of the inbox, and beside it why (not) to text them, and their timeline."""

from __future__ import annotations

import asyncio

from aiohttp import web

from bot.errors import NotFound
from bot.errors import marked as _
from bot.model.base import iso
from bot.model.contact import Contact
from widget.contacts.columns import version_of
from widget.contacts.definitions import Definitions
from widget.contacts.timeline import OLDER, timeline_of
from widget.contacts.verdicts import verdicts_of
from widget.inbox.details import name_of
from widget.inbox.panel import panel_values
from widget.web.http import BOT, html_page, render
from widget.web.layout import with_page_headers
from widget.web.teammate_pages import (
    Scope,
    by,
    done,
    is_htmx,
    principal,
    requires,
    teammate_page,
    translator_for,
)

PROFILE = "/contacts/{contact:[0-9a-f]{24}}"


async def show(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    contact = await bot.ledger.contact(request.match_info["contact"])
    if contact is None:
        raise NotFound(_("Contact not found."))
    if contact.is_gone:
        return await _gone(request, contact)
    dossier, d = await asyncio.gather(bot.dossiers.of(contact), Definitions.load(request))
    return await teammate_page(
        request,
        "contacts/profile.html",
        section="contacts",
        title=name_of(contact, say),
        here=f"/contacts/{contact.id}",
        version=version_of(contact),
        tags=[d.tags[id].name for id in contact.tags if id in d.tags],
        external_id=contact.external_id or "",
        verdicts=verdicts_of(dossier.answers, say),
        timeline=await timeline_of(request, contact.id, d),
        merged=[(merged.id, name_of(merged, say)) for merged in dossier.merged],
        may_edit=principal(request).may(Scope.WRITE_CONTACTS),
        may_erase=principal(request).may(Scope.BULK_CONTACTS),
        **await panel_values(request, contact.id),
    )


async def _gone(request: web.Request, contact: Contact) -> web.StreamResponse:
    """Erased, or merged into another contact: only the history is left."""
    say = translator_for(request)
    title = say("Erased contact") if contact.erased_at else say("Merged contact")
    values = await panel_values(request, contact.id)
    return await teammate_page(
        request,
        "contacts/gone.html",
        section="contacts",
        title=title,
        erased_at=iso(contact.erased_at) if contact.erased_at else "",
        kept=contact.merged_into or "",
        **values,
    )


async def timeline(request: web.Request) -> web.StreamResponse:
    """The timeline alone, for a page that shows more of it; without JavaScript, the profile."""
    if not is_htmx(request):
        return await show(request)
    d, contact = await asyncio.gather(Definitions.load(request), _living(request))
    view = await timeline_of(request, contact.id, d)
    values = {"timeline": view, "is_more": OLDER in request.query}
    html = await render(request, "contacts/_timeline.html", d.say.locale, **values)
    return with_page_headers(html_page(request, html))


async def verdicts(request: web.Request) -> web.StreamResponse:
    """The fragment that an open page loads again; without JavaScript, the profile."""
    if not is_htmx(request):
        return await show(request)
    say, contact = translator_for(request), await _living(request)
    found = verdicts_of(await request.app[BOT].dossiers.answers(contact), say)
    html = await render(request, "contacts/_verdicts.html", say.locale, verdicts=found)
    return with_page_headers(html_page(request, html))


async def _living(request: web.Request) -> Contact:
    """Raises NotFound."""
    contact = await request.app[BOT].ledger.contact(request.match_info["contact"])
    if contact is None or contact.is_gone:
        raise NotFound(_("Contact not found."))
    return contact


async def archive(request: web.Request) -> web.StreamResponse:
    say, contact = translator_for(request), await _living(request)
    await request.app[BOT].editor.archive(contact, by(request), is_archived=True)
    raise done(f"/contacts/{contact.id}", say("Contact archived."))


async def unarchive(request: web.Request) -> web.StreamResponse:
    say, contact = translator_for(request), await _living(request)
    await request.app[BOT].editor.archive(contact, by(request), is_archived=False)
    raise done(f"/contacts/{contact.id}", say("Contact unarchived."))


def add_routes(app: web.Application) -> None:
    reads, writes = requires(Scope.READ_CONTACTS), requires(Scope.WRITE_CONTACTS)
    app.router.add_get(PROFILE, reads(show))
    app.router.add_get(f"{PROFILE}/verdicts", reads(verdicts))
    app.router.add_get(f"{PROFILE}/timeline", reads(timeline))
    app.router.add_post(f"{PROFILE}/archive", writes(archive))
    app.router.add_post(f"{PROFILE}/unarchive", writes(unarchive))
