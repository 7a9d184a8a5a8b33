"""The page of a public form. It works without JavaScript: each submission returns the page, with what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web
from markupsafe import Markup

from bot.chat.card_submission import Answer
from bot.chat.card_view import CardView
from bot.chat.card_words import card_words
from bot.chat.tap_to_text import PAGE
from bot.consent.numbers import address_of
from bot.consent.saved_address import is_typed
from bot.errors import CardClosed, Conflict, Invalid, NotFound, ProofNeeded, SaysoError, WordsChanged
from bot.i18n import translator
from bot.model.contact import ConsentState
from bot.model.subscription import MessageType
from widget.forms.input import PublicCardForm, VisitForm, WaitingForm, read_fields
from widget.forms.qr import svg
from widget.forms.visit import EXPIRED, Visit, act, drop, is_theirs, known, look, look_anew, remember, sent
from widget.messenger.card import with_error
from widget.messenger.views import region_of
from widget.preferences.view import masked_address
from widget.web.http import BOT, METRICS, client_ip, html_page, page, render, sentence, status_of, wanted_locale
from widget.web.input import parse_fields


async def show(request: web.Request) -> web.Response:
    try:
        visit = await look(request)
    except NotFound:
        return await gone(request)
    return await _page(request, visit, await _view(request, visit))


async def submit(request: web.Request) -> web.Response:
    """A submission. Nothing is stored for one with an error."""
    fields = await read_fields(request)
    try:
        visit = await sent(request, fields.get("visit", ""))
    except NotFound:
        return await gone(request)
    except Invalid as error:
        return await _again(request, fields, error)
    may_act = await is_theirs(request, visit)
    try:
        answer = parse_fields(PublicCardForm, fields).answer(request)
        submitted = may_act and await request.app[BOT].public_forms.submit(visit.form, visit.contact, answer)
    except (CardClosed, WordsChanged, Conflict, ProofNeeded, Invalid) as error:
        request.app[METRICS].answers.labels(getattr(error, "problem", error.code)).inc()
        return await _again(request, fields, error, visit if may_act else None)
    is_new = bool(submitted and submitted.is_new)
    request.app[METRICS].answers.labels("completed" if is_new else "repeated").inc()
    if is_new:
        return await _done(request, visit, is_readable=answer.address is not None)
    return await _repeated(request, visit, fields, answer)


async def resend(request: web.Request) -> web.Response:
    """Texts the double opt-in question again."""
    fields = await read_fields(request)
    visit, view, pressed = await _pressed(request, fields)
    consent, say = visit.contact.consent(visit.form.subscription.id), translator(view.locale)
    if consent is None or view.waits != pressed.event:
        return await _page(request, visit, view)
    try:
        await request.app[BOT].resends.resend(visit.contact, consent, client_ip(request))
    except Invalid as error:
        return await _page(request, visit, replace(view, said=sentence(error, say)), status_of(error))
    said = say("We texted you. Reply YES to that text.") if view.withheld else None
    return await _page(request, visit, replace(view, said=said or say("We texted you again. Reply YES to that text.")))


async def change_number(request: web.Request) -> web.Response:
    """Cancels the pending request, so that the form asks for another number."""
    bot, fields = request.app[BOT], await read_fields(request)
    visit, _view_before, pressed = await _pressed(request, fields)
    part = await bot.public_forms.part(visit.form, visit.contact)
    await bot.cards.cancel(part, visit.contact, pressed.event, pressed.context(request))
    return await _done(request, visit, is_readable=False)


async def manage(request: web.Request) -> web.Response:
    """The visitor's preference center, by a link of their own."""
    visit = await sent(request, parse_fields(VisitForm, await read_fields(request)).visit)
    if known(request) != visit.contact.id:  # on a shared device, an old page is not enough
        raise NotFound
    channel = visit.form.subscription.message_type
    token = await request.app[BOT].preferences.chat_link(visit.contact.id, channel)
    raise web.HTTPSeeOther(f"/p/{token}")


async def forget(request: web.Request) -> web.Response:
    """For the next person at a shared device: the browser no longer knows who signed up."""
    visit = await sent(request, parse_fields(VisitForm, await read_fields(request)).visit)
    response = web.Response(status=303, headers={"Location": f"/f/{visit.form.id}"})
    drop(request, response)
    return response


async def gone(request: web.Request) -> web.Response:
    return await page(request, "forms/gone.html", wanted_locale(request), status=404)


async def _pressed(request: web.Request, fields: Mapping[str, str]) -> tuple[Visit, CardView, WaitingForm]:
    pressed = parse_fields(WaitingForm, fields)
    visit = await act(request, pressed.visit)
    return visit, await _view(request, visit), pressed


async def _done(request: web.Request, visit: Visit, *, is_readable: bool) -> web.Response:
    """The page after an act. `is_readable`: the person just typed the number."""
    now = await _now(request, visit)
    response = await _page(request, now, await _view(request, now, is_readable=is_readable), is_done=True)
    remember(request, response, visit.contact.id)
    return response


async def _repeated(request: web.Request, visit: Visit, fields: Mapping[str, str], answer: Answer) -> web.Response:
    """A page that was submitted before: once more by the same person, or by the next one at a shared device."""
    recognized, typed = known(request), answer.address
    is_other = recognized not in {"", visit.contact.id}
    now = await look(request) if is_other else await _now(request, visit)
    given, countries = _given(now), (await request.app[BOT].workspace()).texted
    is_same = bool(given and typed is not None and is_typed(given, typed, answer.region, countries))
    if recognized == visit.contact.id and (is_same or typed is None):
        return await _done(request, now, is_readable=is_same)
    if typed is None or (is_other and is_same):
        return await _again(request, fields, Invalid(EXPIRED))
    if is_same and _has_agreed(now):  # a retry, without the cookie of an answer that was lost
        view = replace(await _view(request, now), action=None, visit="")
        return await _page(request, now, view, is_done=True)
    return await _anew(request, visit, fields)


async def _anew(request: web.Request, visit: Visit, fields: Mapping[str, str]) -> web.Response:
    """The page for somebody else than its visitor, with the number that they typed."""
    fresh = await look_anew(request, visit)
    view = _expired(await _view(request, fresh), fields, Invalid(EXPIRED))
    response = await _page(request, fresh, view, status_of(Invalid(EXPIRED)))
    drop(request, response)
    return response


async def _now(request: web.Request, visit: Visit) -> Visit:
    return replace(visit, contact=await request.app[BOT].public_forms.contact(visit.contact.id, visit.contact.locale))


async def _again(
    request: web.Request, fields: Mapping[str, str], error: SaysoError, visit: Visit | None = None
) -> web.Response:
    """The page with what was typed, and what is wrong with it."""
    if visit is None:
        visit = await look(request)
        view = _expired(await _view(request, visit), fields, error)
        return await _page(request, visit, view, status_of(error))
    view = await _view(request, visit)
    return await _page(request, visit, await with_error(request, view, fields, error), status_of(error))


def _expired(view: CardView, fields: Mapping[str, str], error: SaysoError) -> CardView:
    """Without the tick: what they agreed to was on another page."""
    typed = fields.get("number") or fields.get("email") or ""
    region = fields.get("region", view.region)
    return replace(view, value=typed[:200], region=region, notice=sentence(error, translator(view.locale)))


async def _view(request: web.Request, visit: Visit, *, is_readable: bool = False) -> CardView:
    bot, contact = request.app[BOT], visit.contact
    region = region_of(request, contact, await bot.workspace())
    view = await bot.public_forms.view(visit.form, contact, region)
    if not is_readable:
        view = _masked(view, visit)
    return replace(view, dom_id="form", action=f"/f/{visit.form.id}", visit=visit.token)


def _masked(view: CardView, visit: Visit) -> CardView:
    """Others may use this device: a number is readable only for a moment after it was typed."""
    channel = MessageType(view.channel)
    saved = address_of(visit.contact, channel)
    return replace(
        view,
        saved=view.saved and masked_address(saved or "", channel),
        done_number=view.done_number and masked_address(_given(visit) or "", channel),
        value="",
    )


def _given(visit: Visit) -> str | None:
    """The number or address of their consent, or else the saved one."""
    consent = visit.contact.consent(visit.form.subscription.id)
    given = (consent.number or consent.email) if consent else None
    return given or address_of(visit.contact, visit.form.subscription.message_type)


def _has_agreed(visit: Visit) -> bool:
    consent = visit.contact.consent(visit.form.subscription.id)
    return consent is not None and consent.state in {ConsentState.OPTED_IN, ConsentState.PENDING}


async def _page(
    request: web.Request, visit: Visit, view: CardView, status: int = 200, *, is_done: bool = False
) -> web.Response:
    bot, locale, form = request.app[BOT], visit.contact.locale, visit.form
    words = card_words(form.card, form.subscription, translator(locale))
    is_text = view.offers and view.channel == MessageType.SMS and view.version == words.version
    tap = await bot.taps.offer(form, await bot.workspace(), translator(locale), PAGE) if is_text else None
    card = Markup(await render(request, "cards/card.html", view.locale, card=view))  # noqa: S704 (our own)
    text = await render(
        request,
        "forms/page.html",
        locale,
        form=form,
        card=card,
        view=view,
        words=words,
        tap=tap,
        qr=Markup(svg(tap.href)) if tap else "",  # noqa: S704 (our own)
        is_known=visit.contact.is_stored and bool(view.visit),
        is_done=is_done,
        has_failed=status != 200,
    )
    return html_page(request, text, status=status)
