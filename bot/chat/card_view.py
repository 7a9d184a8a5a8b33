"""The view model of a card for one person: pure.

Every face renders it and nothing else (`templates/cards/card.html`, Canvas Kit).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from bot.chat.card_state import (
    OFFERED,
    CardViewState,
    again_after,
    is_over,
    notice_of,
    start_words,
    state_and_reason,
)
from bot.chat.card_words import card_words, say_of
from bot.chat.linked_text import LinkedText, segments
from bot.consent.choices import given_for
from bot.consent.country import example_mask
from bot.consent.numbers import address_of, calling_code, national
from bot.i18n import Translator, text_direction, translator
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.conversation import Card
from bot.model.event import Source
from bot.model.form_limits import Limit
from bot.model.subscription import MessageType, Subscription
from bot.model.workspace import Workspace


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
    state, reason = state_and_reason(card, part, contact, subscription, workspace, stopped, say)
    again = again_after(card, contact, subscription) if state in OFFERED and not reason else ""
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
        notice=notice or (notice_of(state, consent, subscription, say) if again else None),
        withdrawn=consent is not None
        and consent.state is ConsentState.OPTED_OUT
        and consent.source is not Source.SYSTEM,
        again=again,
        **(_waiting(consent, channel, saved, workspace) if consent and state is CardViewState.PENDING else {}),
    )


def _waiting(consent: Consent, channel: MessageType, saved: str | None, workspace: Workspace) -> dict[str, Any]:
    """Fields of `CardView` that say what a person can do while their sign-up is pending."""
    if consent.state is not ConsentState.PENDING:
        return {}
    is_withheld, is_sms = consent.withheld is not None, channel is MessageType.SMS
    return {
        "waits": consent.event if is_sms else "",
        "can_resend": is_sms and consent.withheld is not Limit.PROOF,
        "withheld": is_withheld,
        "text_to": workspace.texts_from if is_withheld else "",
        "text_href": text_href(workspace.texts_from, "YES") if is_withheld else "",
        "can_change": saved is None,
    }


def text_href(number: str, text: str) -> str:
    """Opens this text to the number, as people read it. `?&` is what both iOS and Android read."""
    digits = "".join(c for c in number if c in "+0123456789")
    return f"sms:{digits}?&body={quote(text)}" if digits else ""


def _done_number(card: Card, consent: Consent | None, subscription: Subscription | None) -> str | None:
    """The address of the current consent; after it ended, the address that the card was completed with."""
    is_current = consent is not None and subscription is not None and not is_over(consent)
    return (given_for(consent, subscription) if is_current else None) or card.number  # type: ignore[arg-type]


@lru_cache(maxsize=256)
def _regions(codes: tuple[str, ...], locale: str) -> tuple[Region, ...]:
    say = translator(locale)
    return tuple(Region(code, say.country(code), calling_code(code), *example_mask(code)) for code in codes)


def _shown(address: str | None) -> str | None:
    return national(address) if address and address.startswith("+") else address
