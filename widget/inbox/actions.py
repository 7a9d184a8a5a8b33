"""Actions on a conversation. Each form carries an idempotency key."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import wraps
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.base import now
from widget.inbox import pages, views
from widget.web.http import BOT
from widget.web.teammate_pages import FormInput, Handler, is_htmx, read_input, redrawn_by, teammate, translator_for
from widget.web.times import clock

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
LONGEST_SNOOZE = timedelta(days=366)


class Writing(FormInput):
    kind: Literal["reply", "note"] = "reply"
    text: Annotated[str, Field(min_length=1, max_length=pages.MOST_TEXT)]
    key: Key


class Starting(FormInput):
    """A bot flow to start."""

    flow: Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]
    key: Key


class Doing(FormInput):
    """One of the buttons above the thread."""

    do: Literal["close", "reopen", "assign", "snooze"]
    key: Key
    to: Annotated[str, Field(max_length=64)] = ""
    hours: Annotated[int, Field(ge=1, le=24 * 366)] | None = None
    until: Annotated[str, Field(max_length=40)] = ""
    """The value of a date and time field, in the reader's time zone."""

    def time(self) -> datetime:
        """Raises Invalid."""
        if self.hours:
            return now() + timedelta(hours=self.hours)
        try:
            time = clock.get().parse(self.until)
        except (ValueError, OverflowError):
            raise Invalid(_("Choose a time in the future.")) from None
        if time > now() + LONGEST_SNOOZE:
            raise Invalid(_("Choose a time within the next year."))
        return time


def redrawn_without_script(handler: Handler) -> Handler:
    """Without a script, redraws the page with the error; a script gets the error and keeps the input."""
    drawn = redrawn_by(pages.show)(handler)

    @wraps(handler)
    async def wrapped(request: web.Request) -> web.StreamResponse:
        return await (handler if is_htmx(request) else drawn)(request)

    return wrapped


@redrawn_without_script
async def write(request: web.Request) -> web.StreamResponse:
    """A reply, or a note for teammates. A script gets the entry, a form its page."""
    bot, say, me = request.app[BOT], translator_for(request), teammate(request)
    writing = await read_input(request, Writing)
    if not any(c.isprintable() and not c.isspace() for c in writing.text):
        raise Invalid(_("Write a message first."))
    conversation = await bot.inbox.get(request.match_info["conversation"])
    if writing.kind == "note":
        part = await bot.inbox.note(conversation.id, me.id, writing.text, writing.key)
    else:
        part = await bot.reply(conversation, me.id, writing.text, writing.key)
    if not is_htmx(request):
        raise web.HTTPSeeOther(f"/inbox/{conversation.id}")
    contact = await bot.ledger.contact(conversation.contact)
    (html,) = await views.rendered(request, [part], conversation, contact, say)
    return web.json_response({"seq": part.seq, "html": html})


@redrawn_without_script
async def act(request: web.Request) -> web.StreamResponse:
    inbox, me = request.app[BOT].inbox, teammate(request).id
    doing, id = await read_input(request, Doing), request.match_info["conversation"]
    match doing.do:
        case "close":
            await inbox.close(id, me, doing.key)
        case "reopen":
            await inbox.reopen(id, me, doing.key)
        case "assign":
            await inbox.assign(id, me, doing.to, doing.key)
        case "snooze":
            await inbox.snooze(id, me, doing.time(), doing.key)
    if is_htmx(request):
        return web.Response(status=204)
    raise web.HTTPSeeOther(f"/inbox/{id}")


@redrawn_without_script
async def start_flow(request: web.Request) -> web.StreamResponse:
    starting, id = await read_input(request, Starting), request.match_info["conversation"]
    await request.app[BOT].flow_starts.start(starting.flow, id, teammate(request).id, starting.key)
    if is_htmx(request):
        return web.Response(status=204)
    raise web.HTTPSeeOther(f"/inbox/{id}")
