"""The subscriptions a person can choose from in the preference center, and their state: pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from bot.consent.numbers import address_of
from bot.consent.permission import is_weak
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.event import Source, Words
from bot.model.subscription import ConsentType, MessageType, Subscription

TITLES = {MessageType.SMS: _("Your text preferences"), MessageType.EMAIL: _("Your email preferences")}
"""The heading of each channel in the preference center."""
UNDO = timedelta(hours=1)
"""How long a change can be undone."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One live subscription and the person's state.

    `state`: `on`, `off`, `pending` (waits for their YES by text), `weak` (a yes, on evidence that the subscription is
    not sent on) or `stopped` (their number opted out of all texts).
    """

    subscription: Subscription
    state: str
    is_default: bool
    """The person never answered: it is on because of its consent type."""
    is_withheld: bool = False
    """Of a pending one: we couldn't text the number."""

    @property
    def on(self) -> bool:
        return self.state == "on"


def choices(contact: Contact, live: Iterable[Subscription], *, stopped: Collection[str] = ()) -> list[Choice]:
    """The live subscriptions that can reach the person. `stopped`: numbers."""
    return [
        Choice(
            s,
            _state(contact, s, address, stopped),
            _state_of(contact, s) is ConsentState.NONE,
            is_withheld(contact, s),
        )
        for s in live
        if (address := reached_at(contact, s))
    ]


def state_on(contact: Contact, subscription: Subscription, *, stopped: Collection[str] = ()) -> str:
    """The `state` of `Choice`."""
    return _state(contact, subscription, reached_at(contact, subscription), stopped)


def _state(contact: Contact, subscription: Subscription, address: str | None, stopped: Collection[str]) -> str:
    if subscription.message_type is MessageType.SMS and address in stopped:
        return "stopped"
    consent = contact.consent(subscription.id)
    is_for_it = consent is not None and given_for(consent, subscription) == address
    if consent and is_for_it and consent.state is ConsentState.PENDING:
        return "pending"
    if subscription.consent_type is ConsentType.OPT_OUT:
        return "off" if consent and consent.state is ConsentState.OPTED_OUT else "on"
    if consent is None or not is_for_it or consent.state is not ConsentState.OPTED_IN:
        return "off"  # a yes for another number does not count for this one
    return "weak" if is_weak(subscription, consent) else "on"


def is_withheld(contact: Contact, subscription: Subscription) -> bool:
    """Whether a limit kept us from asking the number to confirm."""
    consent = contact.consent(subscription.id)
    return consent is not None and consent.withheld is not None


def _state_of(contact: Contact, subscription: Subscription) -> ConsentState:
    consent = contact.consent(subscription.id)
    return consent.state if consent else ConsentState.NONE


def given_for(consent: Consent, subscription: Subscription) -> str | None:
    return consent.number if subscription.message_type is MessageType.SMS else consent.email


def reached_at(contact: Contact, subscription: Subscription) -> str | None:
    """The address that this subscription's messages go to; without one, the number that was asked to confirm."""
    consent = contact.consent(subscription.id)
    asked = given_for(consent, subscription) if consent and consent.state is ConsentState.PENDING else None
    return address_of(contact, subscription.message_type) or asked


def numbers_of(contact: Contact) -> set[str]:
    """The numbers to check against the stop list."""
    asked = {c.number for c in contact.consents if c.number and (c.stopped or c.state is ConsentState.PENDING)}
    saved = address_of(contact, MessageType.SMS)
    return {*asked, saved} if saved else asked


def can_answer_again(consent: Consent, contact: Contact, subscription: Subscription) -> bool:
    """Whether a form that this consent was given on can be submitted once more: the person is out, or their yes is for
    another number than the saved one, or on evidence that the subscription is not sent on."""
    saved = address_of(contact, subscription.message_type)
    if consent.state is ConsentState.PENDING:
        return saved is not None and given_for(consent, subscription) != saved
    is_for_it = consent.state is ConsentState.OPTED_IN and given_for(consent, subscription) == saved
    return not is_for_it or is_weak(subscription, consent)


def can_take_back(consent: Consent, contact: Contact, subscription: Subscription, time: datetime) -> bool:
    """Whether "Undo" may take back what the person just did here. A confirmation that was pending can't come back: its
    text may not have been sent. The consent before it needs no new confirmation."""
    is_fresh = consent.source is Source.PREFERENCE_CENTER and consent.at >= time - UNDO
    if consent.state is not ConsentState.OPTED_OUT:
        return is_fresh and consent.state is not ConsentState.NONE
    had = consent.was in {ConsentState.OPTED_IN, ConsentState.NONE}
    return is_fresh and had and given_for(consent, subscription) == reached_at(contact, subscription)


def preference_words(subscription: Subscription, say: Translator) -> Words:
    """The wording that the preference center shows; `act` is added when the person acts. It is in the language of the
    subscription's wording, which can differ from the page's."""
    shown, title = subscription.words(say.locale), say(TITLES[subscription.message_type])
    language = subscription.language_of(say.locale)
    return _preference_words(title, shown.name, shown.description, language, subscription.version)


@lru_cache(maxsize=1024)
def _preference_words(title: str, name: str, description: str, locale: str, version: int) -> Words:
    return Words(
        title=title,
        subscription_name=name,
        subscription_description=description,
        locale=locale,
        act="",
        subscription_version=version,
    )
