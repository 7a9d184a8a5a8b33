"""The view model of a card for one person: pure.

Every face renders it and nothing else (`templates/cards/card.html`, Canvas Kit).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from urllib.parse import quote

from bot.chat.card_words import card_words, say_of
from bot.chat.linked_text import LinkedText, segments
from bot.consent.choices import can_answer_again, given_for
from bot.consent.country import example_mask
from bot.consent.numbers import address_of, calling_code, national, saved_number
from bot.consent.permission import is_weak
from bot.i18n import Translator, text_direction, translator
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.conversation import Card, CardState
from bot.model.event import Source
from bot.model.form_limits import Limit
from bot.model.subscription import MessageType, Subscription
from bot.model.workspace import Workspace


class CardViewState(StrEnum):
    OPEN = "open"
    SAVED = "saved"
    PENDING = "pending"
    COMPLETED = "completed"
    ALREADY = "already"
    LAPSED = "lapsed"
    """The number did not reply YES in time, or declined."""
    WITHDRAWN = "withdrawn"
    """The person signed up and is out now; or their number opted out of all texts."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Region:
    code: str
    name: str
    calling_code: str
    example: str
    """A mobile number as people there write it."""
    mask: str
    """The grouping of digits while a number is typed, with a `0` for each digit. Empty where lengths differ."""


@dataclass(frozen=True, slots=True)
class CardView:
    """`version` names the wording shown; a submission with another version gets the card again."""

    state: CardViewState
    channel: str
    subscription: str
    title: str
    button: str
    legal: tuple[LinkedText, ...]
    version: str
    regions: tuple[Region, ...]
    region: str
    locale: str
    """The language of everything around the words."""
    lang: str
    """The language of the words (BCP 47)."""
    direction: str
    """Where the words begin: `ltr` or `rtl`."""
    box: tuple[LinkedText, ...] = ()
    """The label of the required consent box; empty: no box."""
    saved: str | None = None
    done_number: str | None = None
    withdrawn: bool = False
    """A person ended the consent; False: it expired."""
    value: str = ""
    error: str | None = None
    box_error: str | None = None
    ticked: bool = False
    """The box was ticked in a submission that failed for another reason."""
    notice: str | None = None
    """Shown above the button; in a closed card, why it is closed."""
    said: str | None = None
    """The result of the last button press on the card."""
    again: str = ""
    """The consent event that a new sign-up on a completed card follows; empty: it can't be completed again."""
    waits: str = ""
    """The pending consent event."""
    can_resend: bool = False
    """Its question can be sent again."""
    withheld: bool = False
    """We couldn't text the number that has to confirm."""
    text_to: str = ""
    """Where it can text YES, as people read it; empty: not known."""
    text_href: str = ""
    """Opens a text with YES to it."""
    can_change: bool = False
    """Another number can be given while this one is pending."""
    proof: str = ""
    """The challenge that the browser solves before it submits the form once more."""
    seq: int = 0
    dom_id: str = ""
    action: str | None = None
    visit: str = ""
    """Of a public form: who submits it, signed. Empty elsewhere."""

    @property
    def offers(self) -> bool:
        """It can be submitted."""
        return self.state in {CardViewState.OPEN, CardViewState.SAVED} or bool(self.again)

    @property
    def asks(self) -> bool:
        """It has a field for a number or an address."""
        return self.offers and self.saved is None

    @property
    def can_disown(self) -> bool:
        """It shows a saved number that the person may not recognize."""
        shown = {CardViewState.SAVED, CardViewState.ALREADY, CardViewState.COMPLETED}
        return self.state in shown or (self.state is CardViewState.WITHDRAWN and self.saved is not None)

    @property
    def can_manage(self) -> bool:
        """The person has something to see in the preference center."""
        return self.state in {CardViewState.ALREADY, CardViewState.COMPLETED, CardViewState.WITHDRAWN}


def card_view(
    card: Card,
    part: str,
    contact: Contact,
    subscription: Subscription | None,
    workspace: Workspace,
    say: Translator,
    *,
    region: str = "",
    stopped: Collection[str] = (),
) -> CardView:
    """`part` is the id of the card's part; `subscription` None: it does not exist. `region`: the visitor's country, if
    we text it. `stopped`: those of the contact's numbers that opted out of all texts.
    """
    channel = subscription.message_type if subscription else MessageType.SMS
    words, say = card_words(card, subscription, say), say_of(card, say)
    legal, saved = segments(words.legal_text), address_of(contact, channel)
    consent = contact.consent(card.subscription)
    state, reason = _state_and_reason(card, part, contact, subscription, workspace, stopped, say)
    again = _again(card, contact, subscription) if state in OFFERED and not reason else ""
    is_waiting = consent is not None and (state, consent.state) == (CardViewState.PENDING, ConsentState.PENDING)
    is_withheld = is_waiting and consent is not None and consent.withheld is not None
    waits = consent.event if consent and is_waiting and channel is MessageType.SMS else ""
    tried = consent.number if consent and consent.stopped and state is CardViewState.OPEN else None
    notice = start_words(workspace, say) if tried in stopped else reason
    return CardView(
        state=state,
        channel=channel.value,
        subscription=words.subscription_name,
        title=words.title,
        button=words.button,
        legal=legal,
        version=words.version,
        regions=_regions(workspace.texted, say.locale),
        region=region or workspace.default_region,
        locale=say.locale,
        lang=words.locale.replace("_", "-"),
        direction=text_direction("".join([words.title, *(part.text for part in legal)]), words.locale),
        box=segments(words.box or ""),
        saved=_shown(saved),
        done_number=_shown(_done_number(card, consent, subscription) or saved),
        value=_shown(tried) or "",
        notice=notice or (_notice(state, consent, subscription, say) if again else None),
        withdrawn=consent is not None
        and consent.state is ConsentState.OPTED_OUT
        and consent.source is not Source.SYSTEM,
        again=again,
        waits=waits,
        can_resend=waits != "" and consent is not None and consent.withheld is not Limit.PROOF,
        withheld=is_withheld,
        text_to=workspace.texts_from if is_withheld else "",
        text_href=text_href(workspace.texts_from, "YES") if is_withheld else "",
        can_change=is_waiting and saved is None,
    )


OFFERED = {CardViewState.OPEN, CardViewState.SAVED, CardViewState.LAPSED, CardViewState.WITHDRAWN}
"""States in which a card can be submitted, unless `_why_not` gives a reason."""
AGREED = {CardViewState.PENDING, CardViewState.COMPLETED, CardViewState.ALREADY}
"""States of a card whose person agreed."""


def _state_and_reason(
    card: Card,
    part: str,
    contact: Contact,
    subscription: Subscription | None,
    workspace: Workspace,
    stopped: Collection[str],
    say: Translator,
) -> tuple[CardViewState, str]:
    """The state, and why the person can't sign up; empty: they can, or the state says why."""
    state, consent = _state(card, part, contact, subscription), contact.consent(card.subscription)
    if state in AGREED and consent and consent.number in stopped:
        return CardViewState.WITHDRAWN, start_words(workspace, say)
    channel = subscription.message_type if subscription else MessageType.SMS
    saved = address_of(contact, channel)
    reason = _why_not(saved, channel, workspace, stopped, say) if state in OFFERED and saved else ""
    if reason and state is CardViewState.SAVED:
        state = CardViewState.WITHDRAWN if saved in stopped else CardViewState.CLOSED
    return state, reason


def _again(card: Card, contact: Contact, subscription: Subscription | None) -> str:
    """See `CardView.again`."""
    consent = contact.consent(card.subscription)
    if card.state is not CardState.COMPLETED or consent is None or subscription is None or not subscription.is_live:
        return ""
    return consent.event if can_answer_again(consent, contact, subscription) else ""


def _state(card: Card, part: str, contact: Contact, subscription: Subscription | None) -> CardViewState:
    consent = contact.consent(card.subscription)
    state = consent.state if consent else None
    if card.state is CardState.COMPLETED:
        return _since(card, contact, subscription)
    if consent and consent.part == part and state in {ConsentState.OPTED_IN, ConsentState.PENDING}:
        return _since(card, contact, subscription)  # the answer is recorded, the card does not know it yet
    if card.state is CardState.CLOSED or subscription is None or not subscription.is_live:
        return CardViewState.CLOSED
    saved = address_of(contact, subscription.message_type)
    if consent and saved and not can_answer_again(consent, contact, subscription):
        return CardViewState.ALREADY if consent.state is ConsentState.OPTED_IN else CardViewState.PENDING
    return CardViewState.SAVED if saved else CardViewState.OPEN


def _since(card: Card, contact: Contact, subscription: Subscription | None) -> CardViewState:
    """The state of a card that was answered. Without a consent the contact was read before the answer."""
    consent = contact.consent(card.subscription)
    is_live = subscription is not None and subscription.is_live
    if consent is None and not card.stopped:
        return CardViewState.PENDING if card.asked else CardViewState.COMPLETED
    if consent is None:
        return CardViewState.OPEN if is_live else CardViewState.CLOSED
    if consent.state in {ConsentState.OPTED_IN, ConsentState.PENDING}:
        if subscription and is_live and can_answer_again(consent, contact, subscription):
            return CardViewState.SAVED if address_of(contact, subscription.message_type) else CardViewState.OPEN
        return CardViewState.COMPLETED if consent.state is ConsentState.OPTED_IN else CardViewState.PENDING
    if consent.source is Source.FORM:  # to give another number: they took a request back, or theirs is on the stop list
        return CardViewState.OPEN if is_live else CardViewState.CLOSED
    return CardViewState.LAPSED if card.asked else CardViewState.WITHDRAWN


def _is_over(consent: Consent) -> bool:
    return consent.state in {ConsentState.OPTED_OUT, ConsentState.NONE}


def _why_not(saved: str, channel: MessageType, workspace: Workspace, stopped: Collection[str], say: Translator) -> str:
    """Why a locked number can't sign up: a button would only lead to an error that the person can't fix."""
    number = saved_number(saved) if channel is MessageType.SMS else None
    if number is None:
        return ""
    if saved in stopped:
        return start_words(workspace, say)
    if number.region not in workspace.texted:
        return say("We don't text numbers in %(country)s yet.", country=say.country_in_sentence(number.region))
    return ""


def text_href(number: str, text: str) -> str:
    """Opens this text to the number, as people read it. `?&` is what both iOS and Android read."""
    digits = "".join(c for c in number if c in "+0123456789")
    return f"sms:{digits}?&body={quote(text)}" if digits else ""


def start_words(workspace: Workspace, say: Translator) -> str:
    """How to lift a STOP."""
    if workspace.texts_from:
        return say(
            "This number has opted out of all texts. To sign up again, text START from this number to %(number)s.",
            number=f"\u2066{workspace.texts_from}\u2069",  # keeps the order of digits in right-to-left text
        )
    return say("This number has opted out of all texts. To sign up again, reply START to any of our texts.")


def _notice(
    state: CardViewState, consent: Consent | None, subscription: Subscription | None, say: Translator
) -> str | None:
    if state is CardViewState.SAVED and consent and subscription and not _is_over(consent):
        if is_weak(subscription, consent):
            return say("We need your written consent before we send anything. Sign up here to give it.")
        return (
            say("Your saved number has changed since you signed up. Sign up again to get texts at this number.")
            if subscription.message_type is MessageType.SMS
            else say("Your saved address has changed since you signed up. Sign up again to get emails at this address.")
        )
    if state is CardViewState.WITHDRAWN:
        return say("You're unsubscribed. You can sign up again here.")
    if state is CardViewState.LAPSED:
        is_canceled = consent is not None and consent.source is not Source.SYSTEM
        return (
            say("This was canceled before you confirmed. You can sign up again here.")
            if is_canceled
            else say("Your number wasn't confirmed. You can try again here.")
        )
    return None


def _done_number(card: Card, consent: Consent | None, subscription: Subscription | None) -> str | None:
    """The address of the current consent; after it ended, the address that the card was completed with."""
    is_current = consent is not None and subscription is not None and not _is_over(consent)
    return (given_for(consent, subscription) if is_current else None) or card.number  # type: ignore[arg-type]


@lru_cache(maxsize=256)
def _regions(codes: tuple[str, ...], locale: str) -> tuple[Region, ...]:
    say = translator(locale)
    return tuple(Region(code, say.country(code), calling_code(code), *example_mask(code)) for code in codes)


def _shown(address: str | None) -> str | None:
    return national(address) if address and address.startswith("+") else address
