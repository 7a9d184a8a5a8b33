"""Saved replies: the page to manage them, and those of the composer's menu."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.model.contact import Contact
from bot.model.saved_reply import SavedReply
from bot.workspace.saved_replies import filled, values_for
from widget.web.http import BOT, html_page, render
from widget.web.layout import with_page_headers
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
    translator_for,
)

PATH = "/inbox/replies"


class Wanted(FormInput):
    name: Annotated[str, Field(min_length=1, max_length=60)]
    text: Annotated[str, Field(min_length=1, max_length=2000)]


async def listed(request: web.Request) -> web.StreamResponse:
    replies = await request.app[BOT].saved_replies.all()
    title = translator_for(request)("Saved replies")
    return await teammate_page(request, "inbox/replies.html", section="inbox", title=title, replies=replies)


async def form(request: web.Request) -> web.StreamResponse:
    """A new reply, or the one in the address."""
    say, id = translator_for(request), request.match_info.get("reply")
    reply: SavedReply | None = await request.app[BOT].saved_replies.get(id) if id else None
    title = say("Edit saved reply") if reply else say("New saved reply")
    return await teammate_page(request, "inbox/reply.html", section="inbox", title=title, reply=reply)


@redrawn_by(form)
async def save(request: web.Request) -> web.StreamResponse:
    wanted, replies, me = await read_input(request, Wanted), request.app[BOT].saved_replies, by(request)
    say = translator_for(request)
    if id := request.match_info.get("reply"):
        await replies.change(id, wanted.name, wanted.text, me)
    else:
        await replies.create(wanted.name, wanted.text, me)
    raise done(PATH, say("%(name)s is saved.", name=wanted.name))


async def remove(request: web.Request) -> web.StreamResponse:
    say = translator_for(request)
    await request.app[BOT].saved_replies.remove(request.match_info["reply"], by(request))
    raise done(PATH, say("Saved reply deleted."))


async def menu(request: web.Request) -> web.StreamResponse:
    """The options of the composer's menu: saved replies, filled in for the contact, and flows. Raises NotFound."""
    bot = request.app[BOT]
    conversation = await bot.inbox.get(request.match_info["conversation"])
    contact: Contact | None = await bot.store.contacts.get(conversation.contact)
    values = values_for(contact, teammate(request), await bot.workspace()) if contact else {}
    options = [(reply, filled(reply.text, values)) for reply in await bot.saved_replies.all()]
    context = {"options": options, "flows": await bot.flow_starts.offered()}
    text = await render(request, "inbox/_replies.html", translator_for(request).locale, **context)
    return with_page_headers(html_page(request, text))


def add_routes(app: web.Application) -> None:
    writes, one = requires(Scope.WRITE_CONVERSATIONS), f"{PATH}/{{reply:[0-9a-f]{{24}}}}"
    app.router.add_get(PATH, writes(listed))
    app.router.add_get(f"{PATH}/new", writes(form))
    app.router.add_post(f"{PATH}/new", writes(save))
    app.router.add_get(one, writes(form))
    app.router.add_post(one, writes(save))
    app.router.add_post(f"{one}/remove", writes(remove))
    app.router.add_get("/inbox/{conversation:[0-9a-f]{24}}/replies", writes(menu))
