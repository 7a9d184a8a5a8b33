"""`POST /canvas/configure`, `/canvas/initialize`, `/canvas/submit`, and the live canvas.

Intercom signs the raw bytes of a body (`X-Body-Signature`). Only the live canvas is answered without a signature, and
then nothing can be done in it. A signature says that Intercom sent it, not who the person is: no address is readable in
any answer, and a user id counts only if the workspace says that Intercom proves it.
"""

from __future__ import annotations

from dataclasses import replace

from aiohttp import web
from pydantic import ValidationError

from bot.chat.canvas import CanvasPerson
from bot.chat.card_state import AGREED, CardViewState
from bot.chat.card_submission import Answer
from bot.chat.card_view import CardView
from bot.consent.numbers import address_of
from bot.errors import BoxUnticked, CardClosed, Invalid, NotFound, SaysoError, Unauthorized, WordsChanged
from bot.i18n import translator
from bot.model.canvas_card import CanvasCard
from bot.model.contact import Contact
from bot.model.event import Context
from bot.model.subscription import MessageType
from widget.canvas import card as draw
from widget.canvas.components import canvas, text
from widget.canvas.configure import card_of, chosen
from widget.canvas.input import CanvasRequest
from widget.web.http import BOT, sentence
from widget.web.input import parse

COMPLETED = {"event": {"type": "completed"}}


async def _read(request: web.Request) -> tuple[CanvasRequest, bool]:
    """The request, and whether Intercom signed it. Raises Invalid."""
    body, signature = await request.read(), request.headers.get("X-Body-Signature", "")
    return parse(CanvasRequest, body), await request.app[BOT].canvas_secrets.is_signed(body, signature)


async def _signed(request: web.Request) -> CanvasRequest:
    asked, is_signed = await _read(request)
    if not is_signed:
        raise Unauthorized
    return asked


async def configure(request: web.Request) -> web.Response:
    options, form = await chosen(request, await _signed(request))
    return web.json_response({"results": options} if options else canvas(form))


async def initialize(request: web.Request) -> web.Response:
    """In the Messenger: the card that was configured. In the inbox: what a teammate chooses first."""
    asked = await _signed(request)
    if not asked.card_creation_options:
        _options, form = await chosen(request, asked)
        return web.json_response(canvas(form))
    bot = request.app[BOT]
    try:
        made = await bot.canvas.make(await card_of(request, asked.card_creation_options), asked.workspace_id)
    except (CardClosed, ValidationError):
        say = translator(asked.locale)
        return web.json_response(canvas([text(say("This form is no longer available."))]))
    url = f"{bot.public_url}/canvas/cards/{made.id}"
    return web.json_response({"canvas": {"content_url": url, "stored_data": {"card": made.id}}})


async def show(request: web.Request) -> web.Response:
    """The live canvas, for the person who sees it now."""
    asked, is_signed = await _read(request)
    made = await request.app[BOT].canvas.get(request.match_info["card"])
    person = await _person(request, asked) or CanvasPerson(id="nobody", locale=asked.locale)
    view, _contact = await _view(request, made, person)
    if not is_signed:
        view = replace(view, waits="")
    return web.json_response({"content": {"components": draw.drawn(view)}})


async def submit(request: web.Request) -> web.Response:
    asked = await _signed(request)
    id = str(asked.stored_data.get("card", ""))
    if not id:
        return await _insert(request, asked)
    made, person = await request.app[BOT].canvas.get(id), await _person(request, asked)
    if person is None:
        raise NotFound
    view, error = await _acted(request, asked, made, person)
    if error:
        view = _refused(view, asked, error)
    done = COMPLETED if view.state in AGREED - {CardViewState.PENDING} and not view.offers else {}
    return web.json_response({**canvas(draw.drawn(view), stored_data={"card": id}), **done})


async def _insert(request: web.Request, asked: CanvasRequest) -> web.Response:
    """In the inbox: with options in the answer, Intercom inserts the card into the reply."""
    options, form = await chosen(request, asked)
    if options is None:
        return web.json_response(canvas(form))
    say = translator(asked.locale)
    return web.json_response({**canvas([text(say("Form inserted."))]), "card_creation_options": options})


async def _acted(
    request: web.Request, asked: CanvasRequest, made: CanvasCard, person: CanvasPerson
) -> tuple[CardView, SaysoError | None]:
    """Does what the pressed button says. Returns the card afterwards, and why it was refused."""
    bot, error, said = request.app[BOT], None, ""
    what, _colon, seen = (asked.component_id or "").partition(":")
    view, contact = await _view(request, made, person)
    try:
        if what == draw.SUBMIT:
            await bot.canvas.submit(made, person, _answer(asked, view, seen))
        elif view.waits and seen == view.waits:
            said = await _pressed(request, what, made, contact, view)
    except (CardClosed, WordsChanged, Invalid) as refused:
        error = refused
    view, _contact = await _view(request, made, person)
    return replace(view, said=said or None), error


async def _pressed(request: web.Request, what: str, made: CanvasCard, contact: Contact, view: CardView) -> str:
    """A button of a card that waits for a YES. Returns what to say."""
    bot = request.app[BOT]
    if what == draw.CHANGE and view.can_change:
        await bot.cards.cancel(await bot.canvas.part(made, contact), contact, view.waits, Context())
    consent = contact.consent(made.card.subscription)
    if what == draw.RESEND and consent:
        await bot.resends.resend(contact, consent, None)
        return translator(view.locale)("We texted you again. Reply YES to that text.")
    return ""


def _answer(asked: CanvasRequest, view: CardView, seen: str) -> Answer:
    """A locked field comes back as it was shown, masked or not: then the saved address is meant."""
    version, _colon, again = seen.partition(":")
    typed = asked.value("address")
    is_shown = view.saved is not None and (not typed or typed == view.saved or "•" in typed)
    return Answer(
        address=None if is_shown else typed or "",
        region=asked.value("region") or view.region,
        version=version,
        ticked=asked.is_box_ticked,
        again=again,
    )


async def _person(request: web.Request, asked: CanvasRequest) -> CanvasPerson | None:
    return asked.person(is_proven=(await request.app[BOT].workspace()).messenger_security)


async def _view(request: web.Request, made: CanvasCard, person: CanvasPerson) -> tuple[CardView, Contact]:
    bot = request.app[BOT]
    contact = await bot.canvas.contact(made, person)
    view = await bot.canvas.view(made, contact)
    return draw.masked(view, address_of(contact, MessageType(view.channel))), contact


def _refused(view: CardView, asked: CanvasRequest, error: SaysoError) -> CardView:
    """Keeps what was typed, and says what is wrong with it."""
    say = translator(view.locale)
    words, typed = sentence(error, say), asked.value("address") or ""
    view = replace(view, value=typed[:200], region=asked.value("region") or view.region)
    if isinstance(error, WordsChanged):
        return replace(view, notice=words)
    if not view.offers:
        return replace(view, said=words)
    box_error = say(BoxUnticked.message) if view.box and not asked.is_box_ticked else None
    own = None if isinstance(error, BoxUnticked) else words
    return replace(view, error=own, box_error=box_error, ticked=asked.is_box_ticked)


def add_routes(app: web.Application) -> None:
    app.router.add_post("/canvas/configure", configure)
    app.router.add_post("/canvas/initialize", initialize)
    app.router.add_post("/canvas/submit", submit)
    app.router.add_post("/canvas/cards/{card:[0-9a-f]{24}}", show)
