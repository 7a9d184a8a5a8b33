"""A contact's consent to each live subscription, as teammates see it: pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bot.consent.choices import reached_at, state_on
from bot.consent.permission import is_weak
from bot.consent.projection import BY_EVIDENCE
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.event import How
from bot.model.subscription import ConsentType, Subscription


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    """One live subscription and the contact's state.

    `state`: as in `Choice`, with `on` for `weak`; or `unreachable` without a valid number or email address.
    """

    subscription: Subscription
    state: str
    consent: Consent | None
    """Since when, from which source, for which address; None: never asked."""
    is_default: bool
    address: str | None
    """The address that its messages go to."""

    @property
    def on(self) -> bool:
        return self.state == "on"

    def is_enough(self, how: How) -> bool:
        """Whether consent that was given so is enough to send."""
        is_opt_in = self.subscription.consent_type is ConsentType.OPT_IN
        return not is_opt_in or BY_EVIDENCE[how] in self.subscription.sends_on

    @property
    def is_weak(self) -> bool:
        """On, by evidence that this subscription is not sent on."""
        return self.on and self.consent is not None and is_weak(self.subscription, self.consent)


def statuses(contact: Contact, live: Iterable[Subscription], *, stopped: Collection[str] = ()) -> list[ConsentStatus]:
    """`stopped`: numbers."""
    return [consent_status(contact, subscription, stopped) for subscription in live]


def consent_status(contact: Contact, subscription: Subscription, stopped: Collection[str] = ()) -> ConsentStatus:
    address, consent = reached_at(contact, subscription), contact.consent(subscription.id)
    state = state_on(contact, subscription, stopped=stopped) if address else "unreachable"
    return ConsentStatus(
        subscription,
        "on" if state == "weak" else state,
        consent,
        consent is None or consent.state is ConsentState.NONE,
        address,
    )
