"""Insert the Subscription Opt-In Form: editor, preview for this contact, and the card in the thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, field_validator

from bot.chat.inbox import NO_FORM, takes_forms
from bot.consent.form_wording import WordingCheck
from bot.consent.offers import standard_form
from bot.errors import CardClosed, FormWrong, NotFound, WordingIncomplete
from bot.errors import marked as _
from bot.i18n import DEFAULT, locales
from bot.model.base import new_id
from bot.model.contact import Contact
from bot.model.conversation import Card, Conversation
from bot.model.form_words import FORM_WORDS
from bot.model.subscription import Subscription
from bot.workspace.wording import Language
from widget.inbox.form_preview import preview_of
from widget.web.forms import FORM, Form
from widget.web.http import BOT
from widget.web.languages import named
from widget.web.teammate_pages import (
    FormInput,
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
CARD = ("subscription", "locale", *FORM_WORDS)
"""The fields that make a card."""
INCOMPLETE = web.RequestKey("incomplete", WordingIncomplete)
"""What the legal text of a form lacked."""
NAMELESS = _("Enter a template name, or turn off saving it as a template.")
NOT_LIVE = _("This subscription is no longer live. Choose another one.")
Id = Annotated[str, Field(pattern="^[0-9a-f]{24}$")]


class Insert(FormInput):
    key: Id
    subscription: Annotated[str, Field(min_length=1, max_length=60)]
    title: Annotated[str, Field(min_length=1, max_length=200)]
    button: Annotated[str, Field(max_length=60)] = ""
    legal_text: Annotated[str, Field(max_length=2000)] = ""
    box: Annotated[str, Field(max_length=500)] = ""
    locale: Language = DEFAULT
    message: Annotated[str, Field(max_length=4000)] = ""
    save_template: bool = False
    template_name: Annotated[str, Field(max_length=120)] = ""
    accepted: Annotated[str, Field(max_length=200)] = ""
    """Codes of the missing statements that the page listed and the teammate confirmed."""

    @field_validator("legal_text", "box", "message", mode="before")
    @classmethod
    def _lines(cls, text: str) -> str:
        """Browsers send line ends as two characters."""
        return text.replace("\r\n", "\n")

    @property
    def card(self) -> Card:
        return Card(**self.model_dump(include=set(CARD)))


async def show(request: web.Request) -> web.StreamResponse:
    """The fragment for the inbox dialog; without JavaScript a page of its own."""
    bot, say = request.app[BOT], translator_for(request)
    conversation, contact = await _there(request)
    takes = takes_forms(conversation)
    if not takes:
        request[FORM] = Form({}, {"": say(NO_FORM)}, 422)
    live, legal_language = await bot.store.subscriptions.live(), (await bot.workspace()).legal_language
    return await teammate_page(
        request,
        "inbox/_form.html" if is_htmx(request) else "inbox/form.html",
        section="inbox",
        title=say("Insert an opt-in form"),
        conversation=conversation,
        address=f"/inbox/{conversation.id}/form",
        back=f"/inbox/{conversation.id}",
        incomplete=request.get(INCOMPLETE),
        takes_forms=takes,
        live=live,
        templates=await bot.forms.all(),
        removed=False,
        key=new_id(),
        in_dialog=is_htmx(request),
        standard=await standard_words(request, live),
        **await drawn_form(request, contact, await form_values(request, live), live),
        languages=named(dict.fromkeys([*locales(), legal_language, *(s.language for s in live)]), say),
    )


async def preview(request: web.Request) -> web.StreamResponse:
    """The typed form as this contact would see it. Stores nothing. Without JavaScript, the page including it."""
    typed = await fields(request)
    if not is_htmx(request):
        request[FORM] = Form(typed)
        return await show(request)
    _conversation, contact = await _there(request)
    live = await request.app[BOT].store.subscriptions.live()
    values = {name: typed.get(name, "") for name in CARD}
    context = await drawn_form(request, contact, values, live)
    anew = request.headers.get("HX-Trigger-Name") == "subscription"
    return await teammate_page(request, "inbox/_form_preview.html", section="inbox", title="", anew=anew, **context)


async def drawn_form(
    request: web.Request, contact: Contact, values: Mapping[str, str], live: Sequence[Subscription]
) -> dict[str, Any]:
    """Shared by both: the wording, the subscription, and the preview."""
    chosen = next((s for s in live if s.id == values["subscription"]), None)
    return {"values": values, "chosen": chosen, "preview": await preview_of(request, contact, chosen, values)}


@redrawn_by(show)
async def insert(request: web.Request) -> web.StreamResponse:
    bot, me, wanted = request.app[BOT], teammate(request).id, await read_input(request, Insert)
    if wanted.save_template and not wanted.template_name:
        raise FormWrong({"template_name": NAMELESS})
    conversation, _contact = await _there(request)
    wording, card = await wording_check(request, wanted), wanted.card
    try:
        if takes_forms(conversation):
            subscription = await bot.cards.live(card)
            card = await bot.forms.translated(card, subscription, await bot.workspace())
            if wanted.save_template:
                await bot.forms.save(wanted.template_name, card, by(request), wanted.key, wording)
        await bot.inbox.insert(conversation.id, me, card, wanted.message, wanted.key, wording)
    except CardClosed:
        raise FormWrong({"subscription": NOT_LIVE}) from None
    except WordingIncomplete as incomplete:
        request[INCOMPLETE] = incomplete
        raise
    return _inserted(request, conversation)


async def wording_check(request: web.Request, wanted: Insert) -> WordingCheck:
    return WordingCheck(
        workspace=await request.app[BOT].workspace(),
        is_admin=teammate(request).is_admin,
        say=translator_for(request),
        accepted=wanted.accepted.split(),
    )


def _inserted(request: web.Request, conversation: Conversation) -> web.Response:
    if is_htmx(request):
        return web.Response(status=204, headers={"HX-Trigger": "form-inserted"})
    raise web.HTTPSeeOther(f"/inbox/{conversation.id}")


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


async def _there(request: web.Request) -> tuple[Conversation, Contact]:
    """Raises NotFound."""
    bot = request.app[BOT]
    conversation = await bot.inbox.get(request.match_info["conversation"])
    contact = await bot.ledger.contact(conversation.contact)
    if contact is None:
        raise NotFound(_("Conversation not found."))
    return conversation, contact


async def standard_words(request: web.Request, live: Sequence[Subscription]) -> dict[str, dict[str, str]]:
    """By subscription, what a new form begins with."""
    workspace = await request.app[BOT].workspace()
    return {s.id: {**standard_form(s, workspace).model_dump(), "locale": s.language} for s in live}


async def form_values(
    request: web.Request, live: Sequence[Subscription], before: Card | None = None
) -> Mapping[str, str]:
    """Field values: what was typed, else the chosen template, else those of `before`, else the defaults."""
    form, bot = request.get(FORM, Form()), request.app[BOT]
    template = await bot.forms.get(request.query.get("template", "")[:24]) if form.typed is None else None
    if template:
        return template.model_dump(include=set(CARD))
    if before:
        kept = before.model_dump(include=set(CARD))
        return {name: form.value(name, kept[name]) for name in CARD}
    only = live[0] if len(live) == 1 else None
    workspace = await bot.workspace()
    empty = {**dict.fromkeys(CARD, ""), "locale": workspace.legal_language, "legal_text": workspace.legal_text}
    begun = {**empty, "subscription": only.id, **(await standard_words(request, live))[only.id]} if only else empty
    return {name: form.value(name, begun[name]) for name in CARD}


def add_routes(app: web.Application) -> None:
    writes = requires(Scope.WRITE_CONVERSATIONS)
    app.router.add_get(f"{ONE}/form", writes(show))
    app.router.add_post(f"{ONE}/form", writes(insert))
    app.router.add_post(f"{ONE}/form/preview", writes(preview))
    app.router.add_post(f"{ONE}/cards/{{seq:[0-9]{{1,9}}}}/withdraw", writes(withdraw))
    app.router.add_post("/inbox/forms/{id:[0-9a-f]{24}}/remove", writes(remove))
