"""The dialog that inserts an opt-in form, into a conversation or a message to many: editor and preview."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, field_validator

from bot.consent.form_wording import WordingCheck
from bot.consent.offers import standard_form
from bot.errors import CardClosed, FormWrong, WordingIncomplete
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
from widget.web.teammate_pages import FormInput, by, fields, is_htmx, teammate, teammate_page, translator_for

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


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPlace:
    """Where a form is inserted."""

    section: str
    back: str
    """The address of the page around it."""
    reader: Contact
    """Whose view the preview shows."""
    conversation: Conversation | None = None
    """None: a message to many."""
    before: Card | None = None
    """The form that is there already."""
    refusal: str = ""
    """Why it takes no form; empty: it does."""

    @property
    def address(self) -> str:
        return f"{self.back}/form"


async def show_form(request: web.Request, place: FormPlace) -> web.StreamResponse:
    """The fragment for a dialog; without JavaScript a page of its own."""
    bot, say = request.app[BOT], translator_for(request)
    if place.refusal:
        request[FORM] = Form({}, {"": say(place.refusal)}, 422)
    live, legal_language = await bot.store.subscriptions.live(), (await bot.workspace()).legal_language
    return await teammate_page(
        request,
        "inbox/_form.html" if is_htmx(request) else "inbox/form.html",
        section=place.section,
        title=say("Insert an opt-in form"),
        conversation=place.conversation,
        address=place.address,
        back=place.back,
        incomplete=request.get(INCOMPLETE),
        takes_forms=not place.refusal,
        live=live,
        templates=await bot.forms.all(),
        removed=False,
        key=new_id(),
        in_dialog=is_htmx(request),
        standard=await _standard_words(request, live),
        **await _drawn_form(request, place.reader, await _values(request, live, place.before), live),
        languages=named(dict.fromkeys([*locales(), legal_language, *(s.language for s in live)]), say),
    )


async def preview_form(request: web.Request, place: FormPlace) -> web.StreamResponse:
    """The typed form as people will see it. Stores nothing. Without JavaScript, the page including it."""
    typed = await fields(request)
    if not is_htmx(request):
        request[FORM] = Form(typed)
        return await show_form(request, place)
    live, values = await request.app[BOT].store.subscriptions.live(), {name: typed.get(name, "") for name in CARD}
    context = await _drawn_form(request, place.reader, values, live)
    anew = request.headers.get("HX-Trigger-Name") == "subscription"
    template = "inbox/_form_preview.html"
    return await teammate_page(request, template, section=place.section, title="", anew=anew, **context)


async def checked_card(request: web.Request, wanted: Insert, wording: WordingCheck) -> Card:
    """The typed form with its translations, saved as a template if that is wanted. Raises CardClosed,
    WordingIncomplete and FormWrong."""
    bot = request.app[BOT]
    if wanted.save_template and not wanted.template_name:
        raise FormWrong({"template_name": NAMELESS})
    subscription = await bot.cards.live(wanted.card)
    wording.check(wanted.legal_text, subscription)
    card = await bot.forms.translated(wanted.card, subscription, await bot.workspace())
    if wanted.save_template:
        await bot.forms.save(wanted.template_name, card, by(request), wanted.key, wording)
    return card


async def wording_check(request: web.Request, wanted: Insert) -> WordingCheck:
    return WordingCheck(
        workspace=await request.app[BOT].workspace(),
        is_admin=teammate(request).is_admin,
        say=translator_for(request),
        accepted=wanted.accepted.split(),
    )


@contextmanager
def form_faults(request: web.Request) -> Iterator[None]:
    """Says beside the fields why a form can't be inserted."""
    try:
        yield
    except CardClosed:
        raise FormWrong({"subscription": NOT_LIVE}) from None
    except WordingIncomplete as incomplete:
        request[INCOMPLETE] = incomplete
        raise


async def _drawn_form(
    request: web.Request, contact: Contact, values: Mapping[str, str], live: Sequence[Subscription]
) -> dict[str, Any]:
    """Of both: the wording, the subscription, and the preview."""
    chosen = next((s for s in live if s.id == values["subscription"]), None)
    return {"values": values, "chosen": chosen, "preview": await preview_of(request, contact, chosen, values)}


async def _standard_words(request: web.Request, live: Sequence[Subscription]) -> dict[str, dict[str, str]]:
    """By subscription, what a new form begins with."""
    workspace = await request.app[BOT].workspace()
    return {s.id: {**standard_form(s, workspace).model_dump(), "locale": s.language} for s in live}


async def _values(request: web.Request, live: Sequence[Subscription], before: Card | None) -> Mapping[str, str]:
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
    begun = {**empty, "subscription": only.id, **(await _standard_words(request, live))[only.id]} if only else empty
    return {name: form.value(name, begun[name]) for name in CARD}
