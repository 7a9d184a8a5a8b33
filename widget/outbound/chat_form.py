"""The opt-in form of a chat message: the editor of the inbox, with a preview for somebody whose number isn't known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.errors import CardClosed, FormWrong, WordingIncomplete
from bot.i18n import locales
from bot.model.base import new_id
from bot.model.contact import Contact
from bot.model.outbound_message import ChatTerms, OutboundMessage
from widget.inbox.form import (
    CARD,
    INCOMPLETE,
    NAMELESS,
    NOT_LIVE,
    Insert,
    drawn_form,
    form_values,
    standard_words,
    wording_check,
)
from widget.outbound.chat import chat_draft
from widget.outbound.chat_preview import sample
from widget.outbound.pages import ONE, PATH
from widget.web.forms import FORM, Form
from widget.web.http import BOT
from widget.web.languages import named
from widget.web.teammate_pages import (
    Scope,
    by,
    done,
    fields,
    is_htmx,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translated,
    translator_for,
)


async def show(request: web.Request) -> web.StreamResponse:
    """The fragment for the composer's dialog; without JavaScript a page of its own."""
    bot, say, message = request.app[BOT], translator_for(request), await chat_draft(request)
    live, legal_language = await bot.store.subscriptions.live(), (await bot.workspace()).legal_language
    before = message.chat.card if message.chat else None
    return await teammate_page(
        request,
        "inbox/_form.html" if is_htmx(request) else "inbox/form.html",
        section="outbound",
        title=say("Insert an opt-in form"),
        conversation=None,
        address=f"{PATH}/{message.id}/form",
        back=f"{PATH}/{message.id}",
        incomplete=request.get(INCOMPLETE),
        takes_forms=True,
        live=live,
        templates=await bot.forms.all(),
        removed=False,
        key=new_id(),
        in_dialog=is_htmx(request),
        standard=await standard_words(request, live),
        **await drawn_form(request, _reader(message), await form_values(request, live, before), live),
        languages=named(dict.fromkeys([*locales(), legal_language, *(s.language for s in live)]), say),
    )


async def preview(request: web.Request) -> web.StreamResponse:
    """The typed form as people will see it. Stores nothing. Without JavaScript, the page including it."""
    typed = await fields(request)
    if not is_htmx(request):
        request[FORM] = Form(typed)
        return await show(request)
    message, live = await chat_draft(request), await request.app[BOT].store.subscriptions.live()
    values: Mapping[str, str] = {name: typed.get(name, "") for name in CARD}
    context: dict[str, Any] = await drawn_form(request, _reader(message), values, live)
    anew = request.headers.get("HX-Trigger-Name") == "subscription"
    return await teammate_page(request, "inbox/_form_preview.html", section="outbound", title="", anew=anew, **context)


@redrawn_by(show)
async def insert(request: web.Request) -> web.StreamResponse:
    bot, wanted, message = request.app[BOT], await read_input(request, Insert), await chat_draft(request)
    if wanted.save_template and not wanted.template_name:
        raise FormWrong({"template_name": NAMELESS})
    wording, card = await wording_check(request, wanted), wanted.card
    try:
        subscription = await bot.cards.live(card)
        wording.check(card.legal_text, subscription)
        card = await bot.forms.translated(card, subscription, await bot.workspace())
        if wanted.save_template:
            await bot.forms.save(wanted.template_name, card, by(request), wanted.key, wording)
    except CardClosed:
        raise FormWrong({"subscription": NOT_LIVE}) from None
    except WordingIncomplete as incomplete:
        request[INCOMPLETE] = incomplete
        raise
    terms = (message.chat or ChatTerms()).model_copy(update={"card": card})
    await bot.outbound.save(message.id, message.version, {"chat": terms}, by(request))
    if is_htmx(request):
        return web.Response(status=204, headers={"HX-Redirect": f"{PATH}/{message.id}"})
    raise web.HTTPSeeOther(f"{PATH}/{message.id}")


async def remove(request: web.Request) -> web.StreamResponse:
    message = await chat_draft(request)
    terms = (message.chat or ChatTerms()).model_copy(update={"card": None})
    await request.app[BOT].outbound.save(message.id, message.version, {"chat": terms}, by(request))
    raise done(f"{PATH}/{message.id}", translated(request, "The form was removed."))


def _reader(message: OutboundMessage) -> Contact:
    return sample(message.language)


def add_routes(app: web.Application) -> None:
    sends = requires(Scope.SEND_MESSAGES)
    app.router.add_get(f"{ONE}/form", sends(show))
    app.router.add_post(f"{ONE}/form", sends(insert))
    app.router.add_post(f"{ONE}/form/preview", sends(preview))
    app.router.add_post(f"{ONE}/form/remove", sends(remove))
