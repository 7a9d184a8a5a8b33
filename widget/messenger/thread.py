"""Opening a chat, sending messages, submitting cards."""

from __future__ import annotations

import orjson
from aiohttp import web

from bot.chat.visitors import Visitor
from bot.errors import Invalid, NotFound, Unauthorized
from bot.errors import marked as _
from bot.i18n import translator
from bot.model.contact import Contact
from bot.model.conversation import Conversation
from bot.model.paging import sequence_of
from widget.messenger import views
from widget.messenger.input import LONGEST_TOKEN, DismissInput, MessageInput, OpenRequest, StayRequest
from widget.messenger.pages import note_site
from widget.web.http import BOT, bearer, render
from widget.web.input import cursor_of, parse, read_json

PRIVATE = {"Cache-Control": "private, no-store"}
ANY_SITE = {"Access-Control-Allow-Origin": "*"}


async def visitor(request: web.Request) -> Visitor:
    """The visitor of the request's token. Raises Unauthorized."""
    token = bearer(request)
    if token is None:
        raise Unauthorized
    return await request.app[BOT].visitors.claimed(token)


async def visit(request: web.Request, unknown: str = "") -> tuple[Contact, Conversation]:
    """The token's visitor, and their chat that the URL names. Raises Unauthorized, or NotFound with this message."""
    token, id = bearer(request), request.match_info["conversation"]
    contact, conversation = await request.app[BOT].messenger.visit(token or "", id)
    if conversation is None:
        raise NotFound(unknown or _("Conversation not found."))
    return contact, conversation


async def open_messenger(request: web.Request) -> web.Response:
    opening = await read_json(request, OpenRequest)
    note_site(request, await request.app[BOT].workspace(), opening.settings.page_url or "")
    opened = await request.app[BOT].open_messenger(bearer(request), opening.claim(request), opening.conversation)
    body = {
        "token": opened.token,
        "conversation": opened.conversation,
        "last": opened.last,
        "fresh": opened.fresh,
        "html": await views.opened_thread(request, opened),
    }
    return web.json_bytes_response(body, dumps=orjson.dumps)


async def conversations(request: web.Request) -> web.Response:
    bot, who = request.app[BOT], await visitor(request)
    contact = who.contact
    found = await bot.conversations.all_of(contact.id)
    if who.opening and all(c.id != who.opening.conversation for c, _ in found):
        found.insert(0, (await bot.openings.conversation(who.opening, contact.id), 0))
    shown = views.conversation_views(found, request.query.get("current", ""), translator(contact.locale))
    html = await render(request, "messenger/conversations.html", contact.locale, conversations=shown)
    return web.Response(text=html, content_type="text/html", headers=PRIVATE)


async def older(request: web.Request) -> web.Response:
    """The entries before the oldest one on the page."""
    contact, conversation = await visit(request)
    before = sequence_of(cursor_of(request, int))
    if conversation.unstored:
        parts = [part for part in conversation.opening_parts if before is None or part.seq < before]
    else:
        parts = await request.app[BOT].conversations.page(conversation.id, before=before)
    contact = await request.app[BOT].ledger.contact(contact.id) or contact
    html = "\n".join(await views.entries(request, parts, contact))
    return web.Response(text=html, content_type="text/html", headers=PRIVATE)


async def say(request: web.Request) -> web.Response:
    """A message of the visitor; the same key returns the same entry."""
    bot, (contact, conversation) = request.app[BOT], await visit(request)
    message = await read_json(request, MessageInput)
    if not message.said:
        raise Invalid(_("Write a message first."))
    await bot.openings.store(contact, conversation)
    part = await bot.say(conversation, message.said, message.key)
    (html,) = await views.entries(request, [part], contact)
    return web.json_bytes_response({"seq": part.seq, "html": html}, dumps=orjson.dumps)


async def dismiss(request: web.Request) -> web.Response:
    """The visitor dismisses an outbound message. Their token remembers it while they are anonymous."""
    wanted = await read_json(request, DismissInput)
    token = await request.app[BOT].messenger.dismiss(
        bearer(request) or "", request.match_info["conversation"], wanted.seq
    )
    return web.json_bytes_response({"token": token}, dumps=orjson.dumps)


async def unread(request: web.Request) -> web.Response:
    """For the launcher on the site's page, before anything else is loaded.

    The token is the body, which avoids a preflight request; `opened` follows it when the page was just opened.
    """
    bot, count = request.app[BOT], 0
    token, _space, word = (await request.read())[: LONGEST_TOKEN + 7].decode(errors="replace").partition(" ")
    contact, arrival = bot.visitors.arrival(token)
    if contact:
        if word == "opened":
            await bot.segment_starts.arrived(contact)
        await bot.chat_delivery.arrived(contact, is_new=word == "opened")
        count = await bot.conversations.unread(contact) + bool(arrival and arrival.is_unread)
    return web.json_response({"unread": count}, headers=ANY_SITE)


async def stayed(request: web.Request) -> web.Response:
    """For the launcher: a visitor has been on the page for so long that a flow may greet them. Nothing is
    written; the answer's token replaces theirs, and is null if no flow greets.

    The body isn't declared as JSON, which avoids a preflight request.
    """
    stay = parse(StayRequest, await request.read())
    token = await request.app[BOT].messenger.stayed(stay.token, stay.claim(request), stay.seconds)
    return web.json_response({"token": token}, headers=ANY_SITE)
