"""The opt-in form of a chat message: the dialog of the inbox, with a preview for somebody whose number isn't known."""

from __future__ import annotations

from aiohttp import web

from bot.model.outbound_message import ChatTerms
from widget.inbox.form_dialog import (
    FormPlace,
    Insert,
    checked_card,
    form_faults,
    preview_form,
    show_form,
    wording_check,
)
from widget.outbound.chat import chat_draft
from widget.outbound.chat_preview import sample
from widget.outbound.pages import ONE, PATH
from widget.web.http import BOT
from widget.web.teammate_pages import Scope, by, done, is_htmx, read_input, redrawn_by, requires, translated


async def show(request: web.Request) -> web.StreamResponse:
    return await show_form(request, await _place(request))


async def preview(request: web.Request) -> web.StreamResponse:
    return await preview_form(request, await _place(request))


@redrawn_by(show)
async def insert(request: web.Request) -> web.StreamResponse:
    wanted, message = await read_input(request, Insert), await chat_draft(request)
    with form_faults(request):
        card = await checked_card(request, wanted, await wording_check(request, wanted))
    terms = (message.chat or ChatTerms()).model_copy(update={"card": card})
    await request.app[BOT].outbound.save(message.id, message.version, {"chat": terms}, by(request))
    if is_htmx(request):
        return web.Response(status=204, headers={"HX-Redirect": f"{PATH}/{message.id}"})
    raise web.HTTPSeeOther(f"{PATH}/{message.id}")


async def remove(request: web.Request) -> web.StreamResponse:
    message = await chat_draft(request)
    terms = (message.chat or ChatTerms()).model_copy(update={"card": None})
    await request.app[BOT].outbound.save(message.id, message.version, {"chat": terms}, by(request))
    raise done(f"{PATH}/{message.id}", translated(request, "The form was removed."))


async def _place(request: web.Request) -> FormPlace:
    message = await chat_draft(request)
    before = message.chat.card if message.chat else None
    return FormPlace(section="outbound", back=f"{PATH}/{message.id}", reader=sample(message.language), before=before)


def add_routes(app: web.Application) -> None:
    sends = requires(Scope.SEND_MESSAGES)
    app.router.add_get(f"{ONE}/form", sends(show))
    app.router.add_post(f"{ONE}/form", sends(insert))
    app.router.add_post(f"{ONE}/form/preview", sends(preview))
    app.router.add_post(f"{ONE}/form/remove", sends(remove))
