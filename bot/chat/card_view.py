"""The view model of a card for one person: pure.

Every face renders it and nothing else (`templates/cards/card.html`, Canvas Kit).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from bot.chat.links import Segment, segments
from bot.consent.numbers import address_of, calling_code, national, saved_number
from bot.i18n import Translator, translator
from bot.model.contact import ConsentState, Contact
from bot.model.conversation import Card, CardState
from bot.model.event import Source, Words
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
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Region:
    code: str
    name: str
    calling_code: str


@dataclass(frozen=True, slots=True)
class CardView:
    """`version` names the wording shown; a submission with another version gets the card again."""

    state: CardViewState
    channel: str
    subscription: str
    title: str
    button: str
    legal: tuple[Segment, ...]
    version: str
    regions: tuple[Region, ...]
    region: str
    saved: str | None = None
    done_number: str | None = None
    withdrawn: bool = False
    """A completed card whose consent was withdrawn since."""
    value: str = ""
    error: str | None = None
    notice: str | None = None
    """Shown above the button; in a closed card, why it is closed."""
    seq: int = 0
    dom_id: str = ""
    action: str | None = None


def card_words(card: Card, subscription: Subscription | None, say: Translator) -> Words:
    """The exact wording, for the person to see and for the ledger to keep (law 6)."""
    named = subscription.words(say.locale) if subscription else None
    button = card.button or say("Sign Up Now")
    return Words(
        title=card.title,
        button=button,
        legal_text=card.legal_text,
        subscription_name=named.name if named else "",
        subscription_description=named.description if named else "",
        locale=say.locale,
        act=f'pressed "{button}"',
        subscription_version=subscription.version if subscription else None,
    )


def card_view(
    card: Card,
    part: str,
    contact: Contact,
    subscription: Subscription | None,
    workspace: Workspace,
    say: Translator,
) -> CardView:
    """`part` is the id of the card's part; `subscription` None: it does not exist."""
    channel = subscription.message_type if subscription else MessageType.SMS
    words = card_words(card, subscription, say)
    saved = address_of(contact, channel)
    state = _state(card, part, contact, subscription, saved)
    consent = contact.consent(card.subscription)
    notice = None
    if state is CardViewState.SAVED and (number := saved_number(saved)) and number.region not in workspace.texted:
        # The locked number can't be texted: a button would only lead to an error that the person can't fix.
        state, notice = (
            CardViewState.CLOSED,
            say("We don't text numbers in %(country)s yet.", country=say.country_in_sentence(number.region)),
        )
    return CardView(
        state=state,
        channel=channel.value,
        subscription=words.subscription_name,
        title=words.title,
        button=words.button,
        legal=segments(words.legal_text),
        version=words.version,
        regions=_regions(workspace.texted, say.locale),
        region=workspace.default_region,
        saved=_shown(saved),
        done_number=_shown(card.number or saved),
        notice=notice,
        withdrawn=consent is not None
        and consent.state is ConsentState.OPTED_OUT
        and consent.source is not Source.SYSTEM,
    )


def _state(
    card: Card, part: str, contact: Contact, subscription: Subscription | None, saved: str | None
) -> CardViewState:
    consent = contact.consent(card.subscription)
    state = consent.state if consent else None
    if card.state is CardState.COMPLETED:
        return _answered(state) if card.asked else CardViewState.COMPLETED
    if consent and consent.part == part and state in {ConsentState.OPTED_IN, ConsentState.PENDING}:
        return _answered(state)  # the answer is recorded, the card does not know it yet
    if card.state is CardState.CLOSED or subscription is None or not subscription.is_live:
        return CardViewState.CLOSED
    if consent and saved and saved in {consent.number, consent.email}:
        if consent.state is ConsentState.OPTED_IN:
            return CardViewState.ALREADY
        if consent.state is ConsentState.PENDING:
            return CardViewState.PENDING
    return CardViewState.SAVED if saved else CardViewState.OPEN


def _answered(state: ConsentState | None) -> CardViewState:
    """A card whose number was asked to confirm. None: the contact was read before the answer."""
    if state is ConsentState.OPTED_IN:
        return CardViewState.COMPLETED
    return CardViewState.PENDING if state in {None, ConsentState.PENDING} else CardViewState.LAPSED


@lru_cache(maxsize=256)
def _regions(codes: tuple[str, ...], locale: str) -> tuple[Region, ...]:
    say = translator(locale)
    return tuple(Region(code, say.country(code), calling_code(code)) for code in codes)


def _shown(address: str | None) -> str | None:
    return national(address) if address and address.startswith("+") else address
