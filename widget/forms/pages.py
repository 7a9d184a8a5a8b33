"""The page of a public form. It works without JavaScript: each submission returns the page, with what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from aiohttp import web
from markupsafe import Markup

from bot.chat.card_view import CardView
from bot.chat.card_words import card_words
from bot.chat.tap_to_text import PAGE
from bot.consent.numbers import address_of
from bot.errors import CardClosed, Conflict, Invalid, NotFound, ProofNeeded, SaysoError, WordsChanged
from bot.i18n import translator
from bot.model.contact import Contact
from bot.model.subscription import MessageType
from widget.forms.input import PublicCardForm, VisitForm, WaitingForm, read_fields
from widget.forms.qr import svg
from widget.forms.visit import Visit, act, drop, known, look, remember
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
        visit = await act(request, fields.get("visit", ""))
    except NotFound:
        return await gone(request)
    except Invalid as error:
        return await _again(request, fields, error)
    try:
        answer = parse_fields(PublicCardForm, fields).answer(request)
        submitted = await request.app[BOT].public_forms.submit(visit.form, visit.contact, answer)
    except (CardClosed, WordsChanged, Conflict, ProofNeeded, Invalid) as error:
        request.app[METRICS].answers.labels(getattr(error, "problem", error.code)).inc()
        return await _again(request, fields, error, visit)
    request.app[METRICS].answers.labels("completed" if submitted.is_new else "repeated").inc()
    return await _done(request, visit, is_readable=answer.address is not None)


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
    visit = await act(request, parse_fields(VisitForm, await read_fields(request)).visit)
    if known(request) != visit.contact.id:  # on a shared device, an old page is not enough
        raise NotFound
    channel = visit.form.subscription.message_type
    token = await request.app[BOT].preferences.chat_link(visit.contact.id, channel)
    raise web.HTTPSeeOther(f"/p/{token}")


async def forget(request: web.Request) -> web.Response:
    """For the next person at a shared device: the browser no longer knows who signed up."""
    visit = await act(request, parse_fields(VisitForm, await read_fields(request)).visit)
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
    now = replace(visit, contact=await request.app[BOT].public_forms.contact(visit.contact.id, visit.contact.locale))
    response = await _page(request, now, await _view(request, now, is_readable=is_readable), is_done=True)
    remember(request, response, visit.contact.id)
    return response


async def _again(
    request: web.Request, fields: Mapping[str, str], error: SaysoError, visit: Visit | None = None
) -> web.Response:
    """The page with what was typed, and what is wrong with it."""
    if visit is None:
        visit = await look(request)
        view = replace(await _view(request, visit), notice=sentence(error, translator(visit.contact.locale)))
        return await _page(request, visit, view, status_of(error))
    view = await _view(request, visit)
    return await _page(request, visit, await with_error(request, view, fields, error), status_of(error))


async def _view(request: web.Request, visit: Visit, *, is_readable: bool = False) -> CardView:
    bot, contact = request.app[BOT], visit.contact
    region = region_of(request, contact, await bot.workspace())
    view = await bot.public_forms.view(visit.form, contact, region)
    if not is_readable:
        view = _masked(view, contact, visit.form.subscription.id)
    return replace(view, dom_id="form", action=f"/f/{visit.form.id}", visit=visit.token)


def _masked(view: CardView, contact: Contact, subscription: str) -> CardView:
    """Others may use this device: only whoever typed a number a moment ago can read it."""
    channel, consent = MessageType(view.channel), contact.consent(subscription)
    given = (consent.number or consent.email) if consent else None
    saved = address_of(contact, channel)
    return replace(
        view,
        saved=view.saved and masked_address(saved or "", channel),
        done_number=view.done_number and masked_address(given or saved or "", channel),
        value="",
    )


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
        is_known=visit.contact.is_stored,
        is_done=is_done,
        has_failed=status != 200,
    )
    return html_page(request, text, status=status)
