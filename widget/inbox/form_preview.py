"""Previews a form exactly as this contact will see it: the real card, in their language, with their saved number. Its
controls are disabled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from aiohttp import web
from markupsafe import Markup

from bot.chat.card_state import CardViewState
from bot.chat.card_view import CardView, card_view
from bot.consent.numbers import address_of
from bot.errors import marked as _
from bot.i18n import DEFAULT, translator
from bot.model.contact import Contact
from bot.model.conversation import Card
from bot.model.form_words import FORM_WORDS
from bot.model.subscription import MessageType, Subscription
from widget.web.http import BOT, render

TITLE = "…"
"""Shown for an empty title."""
STANDS = {
    CardViewState.ALREADY: _("This person is already signed up. The form will show that, with no button."),
    CardViewState.PENDING: _("This person hasn't confirmed yet. The form will remind them to reply YES."),
    CardViewState.CLOSED: _("This person can't sign up. Their saved number is in a country you don't text."),
}
STOPPED = _("This person opted out with STOP. They can sign up again after they text START.")
WRONG_NUMBER = _("This person's saved number can't receive texts. The form will ask for a new one.")
WRONG_EMAIL = _("This person's saved email address is invalid. The form will ask for a new one.")


@dataclass(frozen=True, slots=True)
class Preview:
    html: Markup
    locale: str
    """The card's: the contact's language, if its words exist in it."""
    direction: str
    told: str
    """A note on the contact's current state, a gettext id; may be empty."""


async def preview_of(
    request: web.Request, contact: Contact, subscription: Subscription | None, values: Mapping[str, str]
) -> Preview | None:
    """None: no subscription is chosen yet. Values that are too long are cut."""
    if subscription is None:
        return None
    bot, say = request.app[BOT], translator(contact.locale)
    typed = {name: values[name].strip().replace("\r\n", "\n") for name in FORM_WORDS}
    workspace, stopped = await bot.workspace(), await bot.cards.stopped(contact)
    card = Card(
        subscription=subscription.id,
        title=typed["title"][:200] or TITLE,
        button=typed["button"][:60],
        legal_text=typed["legal_text"][:2000],
        box=typed["box"][:500],
        locale=values["locale"][:35] or DEFAULT,
    )
    card = await bot.forms.translated(card, subscription, workspace)
    view = card_view(card, "preview", contact, subscription, workspace, say, stopped=stopped)
    html = await render(request, "cards/card.html", view.locale, card=replace(view, dom_id="form-preview-card"))
    told = await _told(request, contact, subscription, view)
    return Preview(Markup(html), view.locale, view.direction, told)  # noqa: S704 (drawn by the template, which escapes)


async def _told(request: web.Request, contact: Contact, subscription: Subscription, view: CardView) -> str:
    if view.state in STANDS:
        return STANDS[view.state]
    address = address_of(contact, subscription.message_type)
    if subscription.message_type is MessageType.EMAIL:
        return WRONG_EMAIL if contact.email and not address else ""
    if address and await request.app[BOT].stops.is_stopped(address):
        return STOPPED
    return WRONG_NUMBER if contact.phone and not address else ""
