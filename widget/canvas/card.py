"""Draws a card's view model in Canvas Kit's components, as `templates/cards/card.html` does in HTML."""

from __future__ import annotations

from dataclasses import replace

from bot.chat.card_state import CardViewState
from bot.chat.card_view import CardView
from bot.i18n import Translator, translator
from bot.model.subscription import MessageType
from widget.canvas.components import (
    MOST_OPTIONS,
    Component,
    button,
    checkbox,
    choice,
    field,
    linked,
    locked,
    text,
)
from widget.preferences.view import masked_address

SUBMIT, RESEND, CHANGE, LOOK = "submit", "resend", "change", "look"
"""What a button's id begins with. After a colon: what the person saw."""
State = CardViewState


def drawn(view: CardView) -> list[Component]:
    say = translator(view.locale)
    parts = [*_head(view, say), *_field(view, say)]
    parts += _offer(view, say) if view.offers else _outcome(view, say)
    if view.legal:
        parts.append(text(linked(view.legal), "muted"))
    if view.said:
        parts.append(text(view.said))
    return [*parts, *_links(view, say)]


def masked(view: CardView, address: str | None) -> CardView:
    """No address is readable: Intercom doesn't prove that this person sees it."""
    hidden = masked_address(address, MessageType(view.channel)) if address else "•••"
    return replace(view, saved=view.saved and hidden, done_number=view.done_number and hidden, value="")


def _head(view: CardView, say: Translator) -> list[Component]:
    if view.state is State.COMPLETED:
        return [text(say("You're signed up"), "header"), text(view.subscription)]
    if view.withheld:
        return [text(say("Text YES to finish") if view.text_to else say("Almost done"), "header")]
    if view.state is State.PENDING:
        return [text(say("Reply YES to finish"), "header"), text(view.subscription)]
    return [text(view.title, "header")]


def _field(view: CardView, say: Translator) -> list[Component]:
    is_sms = view.channel == MessageType.SMS
    label = say("Phone number") if is_sms else say("Email address")
    if not view.asks:
        is_own = view.saved and view.state in {State.SAVED, State.ALREADY, State.WITHDRAWN}
        shown = view.saved if is_own else view.done_number or view.saved
        return [locked("address", label, shown)] if shown else []
    regions = [(one.code, f"{one.name} ({one.calling_code})") for one in view.regions]
    places = [choice("region", say("Country of the phone number"), regions, view.region)]
    chosen = next((one for one in view.regions if one.code == view.region), None)
    more = {"placeholder": chosen.example} if chosen and is_sms else {}
    own = field("address", label, view.value, **more, save_state="failed" if view.error else "unsaved")
    return [*(places if is_sms and 1 < len(regions) <= MOST_OPTIONS else ()), own]


def _offer(view: CardView, say: Translator) -> list[Component]:
    parts = [text(view.error, "error")] if view.error else []
    if view.notice:
        parts.append(text(view.notice))
    if view.box:
        parts.append(checkbox("box", "", linked(view.box), is_ticked=view.ticked))
    if view.box_error:
        parts.append(text(view.box_error, "error"))
    seen = ":".join(filter(None, [SUBMIT, view.version, view.again]))
    return [*parts, button(seen, view.button)]


def _outcome(view: CardView, say: Translator) -> list[Component]:
    return [text(words)] if (words := _outcome_words(view, say, view.channel == MessageType.SMS)) else []


def _outcome_words(view: CardView, say: Translator, is_sms: bool) -> str:
    if view.state is State.COMPLETED:
        by_text = say("We'll text you at this number. Reply STOP to opt out.")
        return by_text if is_sms else say("We'll email you at this address. Unsubscribe from any email.")
    if view.withheld:
        call = say(
            "We can't text you right now. To confirm, text YES to %(number)s from your phone.", number=view.text_to
        )
        return call if view.text_to else say("We can't text you right now. Try again later.")
    if view.state is State.PENDING:
        by_text = say("Check your phone and reply YES.")
        return by_text if is_sms else say("Check your inbox and open the link to confirm.")
    if view.state is State.ALREADY:
        return say("You're already signed up")
    return view.notice or _ended_words(view, say)


def _ended_words(view: CardView, say: Translator) -> str:
    if view.state is State.LAPSED:
        gone = say("This was canceled before you confirmed. We won't text this number.")
        return gone if view.withdrawn else say("This number wasn't confirmed. We won't text it.")
    if view.state is State.WITHDRAWN:
        return say("You're unsubscribed.")
    return say("This form is no longer available.")


def _links(view: CardView, say: Translator) -> list[Component]:
    """What a person can do while their number has to reply YES."""
    if not view.waits:
        return []
    parts = [button(f"{LOOK}:{view.waits}", say("Check again"), "secondary")]
    if view.can_resend:
        parts.append(button(f"{RESEND}:{view.waits}", say("Resend"), "link"))
    if view.can_change:
        parts.append(button(f"{CHANGE}:{view.waits}", say("Use a different number"), "link"))
    return parts
