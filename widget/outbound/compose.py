"""Writing a message: the composer saves by itself, and shows what a phone shows, who gets it and why others don't."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from bot.errors import FormWrong, Invalid, NumberRefused
from bot.jobs.outbound_messages import CONFIRMED_ABOVE
from bot.jobs.rules import ENDED
from bot.model.base import new_id
from bot.model.job import JobState
from bot.model.outbound_message import OutboundMessage
from bot.model.subscription import MessageType
from bot.outbound.send_time import NOW
from bot.outbound.sms_length import plain
from widget.contacts.definitions import Definitions
from widget.contacts.query import ContactsQuery, asked_of
from widget.jobs.view import job_view
from widget.outbound import chat, report
from widget.outbound.audience import send_time
from widget.outbound.draft_form import DraftForm, draft_fields, filter_fields, saved_beside
from widget.outbound.pages import ONE, PATH, fragment
from widget.outbound.views import remarks, text_view
from widget.web.forms import FORM, Form, fields
from widget.web.http import BOT, sentence
from widget.web.teammate_pages import (
    FormInput,
    Scope,
    by,
    done,
    is_htmx,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translated,
    translator_for,
)
from widget.web.times import clock


class OutboundForm(DraftForm):
    subscription: Annotated[str, Field(max_length=40)] = ""
    counts_clicks: bool = False

    def values(self) -> dict[str, object]:
        return {**super().values(), "subscription": self.subscription, "counts_clicks": self.counts_clicks}


class TestForm(FormInput):
    number: Annotated[str, Field(min_length=1, max_length=40)]
    key: Annotated[str, Field(max_length=40)] = ""


class SendForm(FormInput):
    version: int
    when: Annotated[str, Field(pattern="^(now|later|local)$")] = "now"
    send_at: Annotated[str, Field(max_length=40)] = ""
    confirmed: Annotated[str, Field(max_length=20)] = ""


async def show(request: web.Request) -> web.StreamResponse:
    """The composer of a draft, the report of an ordered message."""
    message = await _message(request)
    if message.chat:
        return await chat.show(request, message)
    return await (_composer(request, message) if message.is_draft else report.show(request))


async def save(request: web.Request) -> web.StreamResponse:
    wanted, before = await read_input(request, OutboundForm), await _message(request)
    return await saved_beside(request, wanted.version, wanted.values(), before, "outbound/_side.html", _side)


async def review(request: web.Request) -> web.StreamResponse:
    """Saves what is in the composer first."""
    wanted, id = await read_input(request, OutboundForm), request.match_info["id"]
    await request.app[BOT].outbound.save(id, wanted.version, wanted.values(), by(request))
    raise web.HTTPSeeOther(f"{PATH}/{id}/send")


async def show_filter(request: web.Request) -> web.StreamResponse:
    """The audience with the filter of the address, which the form saves. Raises Invalid."""
    message, asked, d = await asyncio.gather(_message(request), asked_of(request), Definitions.load(request))
    changed = message.model_copy(update={"filter": asked.filter, "segment": ""})
    if is_htmx(request):
        return await fragment(request, "outbound/_filter.html", **filter_fields(changed, d))
    return await (chat.composer if changed.chat else _composer)(request, changed, is_filtered=True)


async def make_plain(request: web.Request) -> web.StreamResponse:
    """Plain characters in place of those that make the text longer."""
    message, typed = await _message(request), await fields(request)
    version = int(typed["version"]) if typed.get("version", "").isdigit() else message.version
    texts = {locale: plain(text) for locale, text in message.texts.items()}
    await request.app[BOT].outbound.save(message.id, version, {"texts": texts}, by(request))
    raise done(f"{PATH}/{message.id}", translated(request, "Special characters were replaced."))


async def test(request: web.Request) -> web.StreamResponse:
    message, wanted = await _message(request), await read_input(request, TestForm)
    try:
        number = await request.app[BOT].outbound.test(
            message.id, wanted.number, by(request), key=wanted.key or new_id()
        )
    except NumberRefused as wrong:
        raise FormWrong({"number": sentence(wrong, translator_for(request))}) from None
    raise done(f"{PATH}/{message.id}", translated(request, "Test sent to %(number)s.", number=number))


async def confirm(request: web.Request) -> web.StreamResponse:
    """The confirmation page before it is sent."""
    message, say = await _message(request), translator_for(request)
    if not message.is_draft:
        raise web.HTTPSeeOther(f"{PATH}/{message.id}")
    return await teammate_page(
        request,
        "outbound/send.html",
        section="outbound",
        title=say("Send %(name)s", name=message.name),
        zone=str(clock.get().zone),
        **await _count(request, message),
        **await _side(request, message),
    )


async def show_count(request: web.Request) -> web.StreamResponse:
    """The last part of the send form: the number to type, once everyone is counted."""
    message = await _message(request)
    values = {"form": Form(), **await _count(request, message), **await _side(request, message)}
    return await fragment(request, "outbound/_confirm.html", **values)


async def count(request: web.Request) -> web.StreamResponse:
    """Starts the job that counts everyone."""
    message = await _message(request)
    await request.app[BOT].audience_counts.start(message, NOW, by(request))
    if is_htmx(request):
        return await show_count(request)
    raise web.HTTPSeeOther(f"{PATH}/{message.id}/send")


async def _count(request: web.Request, message: OutboundMessage) -> dict[str, Any]:
    """Values of `outbound/_confirm.html`. Without a live subscription there is nothing to count."""
    bot, say = request.app[BOT], translator_for(request)
    try:
        found = await bot.audience_counts.to_confirm(message)
        job = None if found else await bot.audience_counts.newest(message, NOW)
    except Invalid:
        return {"count": None, "counts": False, "job": None}
    return {
        "count": found.number if found and found.number > CONFIRMED_ABOVE else None,
        "counts": found is None,
        "job": job_view(job, bot.jobs.kinds[job.kind], say) if job and job.state is not JobState.DONE else None,
        "is_counting": job is not None and job.state not in ENDED,
    }


@redrawn_by(confirm)
async def send(request: web.Request) -> web.StreamResponse:
    message, wanted = await _message(request), await read_input(request, SendForm)
    time = send_time(wanted.when, wanted.send_at)
    number = int(wanted.confirmed) if wanted.confirmed.isdecimal() else None
    await request.app[BOT].outbound.order(message.id, wanted.version, by(request), time=time, confirmed=number)
    said = translated(request, "Scheduled.") if time != NOW else translated(request, "Sending has started.")
    raise done(f"{PATH}/{message.id}", said)


async def duplicate(request: web.Request) -> web.StreamResponse:
    copy = await request.app[BOT].outbound.duplicate(request.match_info["id"], by(request))
    raise done(f"{PATH}/{copy.id}", translated(request, "Duplicated."))


async def delete(request: web.Request) -> web.StreamResponse:
    message = await _message(request)
    await request.app[BOT].outbound.delete(message.id, message.version, by(request))
    raise done(PATH, translated(request, "%(name)s is deleted.", name=message.name))


async def _composer(request: web.Request, message: OutboundMessage, *, is_filtered: bool = False) -> web.StreamResponse:
    """`is_filtered`: a filter was chosen, perhaps one without conditions."""
    d = await Definitions.load(request)
    say, form = d.say, request.get(FORM, Form())
    live = [s for s in d.live if s.message_type is MessageType.SMS]
    return await teammate_page(
        request,
        "outbound/compose.html",
        section="outbound",
        title=message.name,
        written=form if "version" in (form.typed or ()) else Form(),  # a test that was refused typed nothing of it
        subscriptions=[("", say("Choose a subscription")), *((s.id, s.words(say.locale).name) for s in live)],
        **await draft_fields(request, message, d, is_filtered=is_filtered),
        key=new_id(),
        **await _side(request, message),
    )


async def _side(request: web.Request, message: OutboundMessage) -> dict[str, Any]:
    bot, say = request.app[BOT], translator_for(request)
    workspace, attributes = await asyncio.gather(bot.workspace(), bot.attributes.all())
    found = remarks(message, workspace, [a.key for a in attributes], bot.public_url, say)
    return {
        "message": message,
        "text": text_view(message, workspace, message.language, bot.public_url),
        "remarks": found,
        "can_send": not any(remark.is_bad for remark in found),
        "list_path": ContactsQuery(message.filter).address(),
    }


async def _message(request: web.Request) -> OutboundMessage:
    """Raises NotFound."""
    return await request.app[BOT].outbound.get(request.match_info["id"])


def add_routes(app: web.Application) -> None:
    sends = requires(Scope.SEND_MESSAGES)
    app.router.add_get(ONE, sends(show))
    app.router.add_post(ONE, sends(redrawn_by(show)(save)))
    app.router.add_get(f"{ONE}/filter", sends(show_filter))
    app.router.add_get(f"{ONE}/send", sends(confirm))
    app.router.add_post(f"{ONE}/send", sends(send))
    app.router.add_get(f"{ONE}/send/count", sends(show_count))
    app.router.add_post(f"{ONE}/send/count", sends(count))
    for name, handler in (
        ("review", redrawn_by(show)(review)),
        ("plain", make_plain),
        ("test", redrawn_by(show)(test)),
        ("duplicate", duplicate),
        ("delete", delete),
    ):
        app.router.add_post(f"{ONE}/{name}", sends(handler))
