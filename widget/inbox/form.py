"""The Subscription Opt-In Form in a conversation: inserting it, withdrawing a card, removing a template."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from bot.chat.inbox import NO_FORM, takes_forms
from bot.errors import CardClosed, NotFound
from bot.errors import marked as _
from widget.inbox.form_dialog import (
    FormPlace,
    Insert,
    checked_card,
    form_faults,
    preview_form,
    show_form,
    wording_check,
)
from widget.web.http import BOT
from widget.web.teammate_pages import (
    Scope,
    by,
    done,
    fields,
    is_htmx,
    read_input,
    redrawn_by,
    requires,
    teammate,
    teammate_page,
    translated,
    translator_for,
)

ONE = "/inbox/{conversation:[0-9a-f]{24}}"


async def show(request: web.Request) -> web.StreamResponse:
    return await show_form(request, await _place(request))


async def preview(request: web.Request) -> web.StreamResponse:
    return await preview_form(request, await _place(request))


@redrawn_by(show)
async def insert(request: web.Request) -> web.StreamResponse:
    bot, wanted, place = request.app[BOT], await read_input(request, Insert), await _place(request)
    id, wording = request.match_info["conversation"], await wording_check(request, wanted)
    with form_faults(request):
        card = wanted.card if place.refusal else await checked_card(request, wanted, wording)
        await bot.inbox.insert(id, teammate(request).id, card, wanted.message, wanted.key, wording)
    if is_htmx(request):
        return web.Response(status=204, headers={"HX-Trigger": "form-inserted"})
    raise web.HTTPSeeOther(place.back)


async def withdraw(request: web.Request) -> web.StreamResponse:
    """Withdraws an open card. One that was answered in the meantime is kept."""
    id, seq = request.match_info["conversation"], int(request.match_info["seq"])
    try:
        await request.app[BOT].inbox.withdraw(id, teammate(request).id, seq)
    except CardClosed as late:
        if is_htmx(request):
            raise
        raise done(f"/inbox/{id}", translator_for(request)(late.text), "bad") from None
    if is_htmx(request):
        return web.Response(status=204)
    raise web.HTTPSeeOther(f"/inbox/{id}")


async def remove(request: web.Request) -> web.StreamResponse:
    """Removes a template; inserted cards are kept."""
    bot, back = request.app[BOT], (await fields(request)).get("conversation", "")
    conversation = await bot.inbox.get(back[:24])
    await bot.forms.remove(request.match_info["id"], by(request))
    if is_htmx(request):
        template, kept = "inbox/_form_templates.html", await bot.forms.all()
        address = f"/inbox/{conversation.id}/form"
        context: dict[str, Any] = {
            "conversation": conversation, "address": address, "templates": kept, "removed": True,
        }  # fmt: skip
        return await teammate_page(request, template, section="inbox", title="", **context)
    raise done(f"/inbox/{conversation.id}/form", translated(request, "Template removed."))


async def _place(request: web.Request) -> FormPlace:
    """Raises NotFound."""
    bot = request.app[BOT]
    conversation = await bot.inbox.get(request.match_info["conversation"])
    contact = await bot.ledger.contact(conversation.contact)
    if contact is None:
        raise NotFound(_("Conversation not found."))
    return FormPlace(
        section="inbox",
        back=f"/inbox/{conversation.id}",
        reader=contact,
        conversation=conversation,
        refusal="" if takes_forms(conversation) else NO_FORM,
    )


def add_routes(app: web.Application) -> None:
    writes = requires(Scope.WRITE_CONVERSATIONS)
    app.router.add_get(f"{ONE}/form", writes(show))
    app.router.add_post(f"{ONE}/form", writes(insert))
    app.router.add_post(f"{ONE}/form/preview", writes(preview))
    app.router.add_post(f"{ONE}/cards/{{seq:[0-9]{{1,9}}}}/withdraw", writes(withdraw))
    app.router.add_post("/inbox/forms/{id:[0-9a-f]{24}}/remove", writes(remove))
