"""What a visitor does on a card: signs up, asks for the text again, gives another number, opens their preferences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web

from bot.chat.card_view import CardView
from bot.errors import BoxUnticked, CardClosed, Invalid, NotFound, ProofNeeded, SaysoError, WordsChanged
from bot.errors import marked as _
from bot.i18n import translator
from bot.model.contact import Contact
from bot.model.conversation import Card, Conversation, Part
from widget.messenger import views
from widget.messenger.input import CardForm, LinkForm, NoForm, PendingForm
from widget.messenger.thread import PRIVATE, visit
from widget.web.http import BOT, METRICS, client_ip, read_form, sentence, status_of
from widget.web.input import parse_fields


async def submit(request: web.Request) -> web.Response:
    """A card's submission. Returns the card in its current state, whatever the outcome."""
    bot, (contact, conversation) = request.app[BOT], await visit(request, _("Form not found."))
    part = await bot.cards.card(conversation, int(request.match_info["seq"]))
    fields: dict[str, str] = {}
    try:
        fields = await read_form(request)
        answer = parse_fields(CardForm, fields).answer(request)
        submitted = await bot.submit(part, contact, answer, conversation.unstored)
    except (CardClosed, WordsChanged, ProofNeeded, Invalid) as error:
        problem = getattr(error, "problem", error.code)
        request.app[METRICS].answers.labels(problem).inc()
        if isinstance(error, Invalid):
            await bot.openings.store(contact, conversation)
            await bot.cards.tried(part, contact.id, problem)
        contact = await bot.ledger.contact(contact.id) or contact  # who may have saved a number in another tab
        return await _card(request, part, contact, fields, error)
    request.app[METRICS].answers.labels("completed" if submitted.is_new else "repeated").inc()
    if submitted.subscription is None:
        return await _card(request, submitted.part, submitted.contact or contact, fields)
    view = bot.cards.submitted_view(submitted, contact, await bot.workspace())
    html = await views.card(request, views.addressed(view, submitted.part))
    return web.Response(text=html, content_type="text/html", headers=PRIVATE)


async def _view(request: web.Request, part: Part, contact: Contact) -> CardView:
    bot = request.app[BOT]
    workspace = await bot.workspace()
    region = views.region_of(request, contact, workspace)
    return views.addressed(await bot.cards.view(part, contact, workspace, region), part)


async def _card(
    request: web.Request, part: Part, contact: Contact, fields: Mapping[str, str], error: SaysoError | None = None
) -> web.Response:
    view = await _view(request, part, contact)
    if error:
        view = await with_error(request, view, fields, error)
    html = await views.card(request, view)
    return web.Response(text=html, content_type="text/html", status=status_of(error) if error else 200, headers=PRIVATE)


async def with_error(request: web.Request, view: CardView, fields: Mapping[str, str], error: SaysoError) -> CardView:
    """What a submission with an error shows: the typed values and the error, or the challenge that comes first."""
    view = refused(view, fields, error)
    if isinstance(error, ProofNeeded):
        view = replace(view, error=None, proof=await request.app[BOT].proofs.challenge())
    return view


def refused(view: CardView, fields: Mapping[str, str], error: SaysoError) -> CardView:
    """Keeps the typed values and shows the error. A tick is kept unless the wording has changed."""
    say = translator(view.locale)
    words, typed = sentence(error, say), fields.get("number") or fields.get("email") or ""
    view = replace(view, value=typed[:200], region=fields.get("region", view.region))
    if isinstance(error, WordsChanged):
        return replace(view, notice=words)
    ticked = "box" in fields
    box_error = say(BoxUnticked.message) if view.box and not ticked else None
    return replace(view, error=None if isinstance(error, BoxUnticked) else words, box_error=box_error, ticked=ticked)


async def resend(request: web.Request) -> web.Response:
    """Texts the double opt-in question again."""
    bot, (contact, _chat, part) = request.app[BOT], await _pressed(request)
    pressed = parse_fields(PendingForm, await read_form(request))
    consent, view = contact.consent(_subscription(part)), await _view(request, part, contact)
    if consent is None or view.waits != pressed.event:
        return await _card(request, part, contact, {})
    say = translator(view.locale)
    try:
        await bot.resends.resend(contact, consent, client_ip(request))
    except Invalid as error:
        return await _told(request, view, sentence(error, say), status_of(error))
    said = say("We texted you. Reply YES to that text.") if view.withheld else None
    return await _told(request, view, said or say("We texted you again. Reply YES to that text."))


async def change_number(request: web.Request) -> web.Response:
    """Cancels the pending request, so that the card asks for another number."""
    bot, (contact, _chat, part) = request.app[BOT], await _pressed(request)
    pressed = parse_fields(PendingForm, await read_form(request))
    return await _card(
        request, part, await bot.cards.cancel(part, contact, pressed.event, pressed.context(request)), {}
    )


async def disown(request: web.Request) -> web.Response:
    """The saved number isn't theirs: asks the team to change it, since nobody else can."""
    bot, (contact, conversation, part) = request.app[BOT], await _pressed(request)
    parse_fields(NoForm, await read_form(request))
    view = await _view(request, part, contact)
    say = translator(view.locale)
    if view.can_disown and (number := view.done_number or view.saved):
        await bot.openings.store(contact, conversation)
        text = say("%(number)s isn't mine. Please change it.", number=f"\u2066{number}\u2069")
        await bot.conversations.say(conversation, text, f"disown:{part.seq}")
    return await _told(request, view, say("We've asked the team. They'll reply here."))


async def manage(request: web.Request) -> web.Response:
    """The visitor's preference center, by a link of their own."""
    bot, form = request.app[BOT], parse_fields(LinkForm, await read_form(request))
    found = await bot.visitors.claimed(form.token)
    if not found.contact.is_stored:
        raise NotFound
    token = await bot.preferences.chat_link(found.contact.id, form.channel)
    raise web.HTTPSeeOther(f"/p/{token}", headers=PRIVATE)


async def _pressed(request: web.Request) -> tuple[Contact, Conversation, Part]:
    """The card's contact with consents from the ledger, the conversation, and the card."""
    bot, (contact, conversation) = request.app[BOT], await visit(request, _("Form not found."))
    part = await bot.cards.card(conversation, int(request.match_info["seq"]))
    return await bot.ledger.contact(contact.id) or contact, conversation, part


def _subscription(part: Part) -> str:
    return part.content.subscription if isinstance(part.content, Card) else ""


async def _told(request: web.Request, view: CardView, said: str, status: int = 200) -> web.Response:
    """The card with the result of a button press."""
    html = await views.card(request, replace(view, said=said))
    return web.Response(text=html, content_type="text/html", status=status, headers=PRIVATE)
