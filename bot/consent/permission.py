"""Decides at the moment of sending whether a message may be sent (law 7), and what a yes records. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.model.contact import Consent, ConsentState
from bot.model.event import Action
from bot.model.subscription import ConsentType, MessageType, Subscription, SubscriptionState


@dataclass(frozen=True, slots=True)
class Permission:
    allowed: bool
    reason: str
    """Stable, for logs, reports and the API: `opted_in`, `not_opted_out`, or why not."""


def permission(
    subscription: Subscription,
    consent: Consent | None,
    address: str | None,
    *,
    stopped: bool,
    revoked_until: datetime | None = None,
) -> Permission:
    """`address` is the contact's current valid number (SMS) or email address; `stopped`: it is on the stop list;
    `revoked_until`: when its last STOP was lifted (`Stop.revoked_until`).

    STOP overrides everything. A yes applies to the number it was given for: another number was never asked (47 CFR
    64.1200(f)(9)(i) names "the telephone number to which the signatory authorizes" messages).
    """
    if subscription.state is not SubscriptionState.LIVE:
        return Permission(False, "subscription_not_live")
    if not address:
        return Permission(
            False, "no_valid_number" if subscription.message_type is MessageType.SMS else "no_valid_email"
        )
    if stopped:
        return Permission(False, "stopped")
    state = consent.state if consent else ConsentState.NONE
    if state is ConsentState.OPTED_OUT or _is_revoked(consent, revoked_until):
        return Permission(False, "opted_out")
    if subscription.consent_type is ConsentType.OPT_OUT:
        return Permission(True, "not_opted_out")
    if state is not ConsentState.OPTED_IN or consent is None:
        return Permission(False, "pending" if state is ConsentState.PENDING else "not_opted_in")
    given_for = consent.number if subscription.message_type is MessageType.SMS else consent.email
    if given_for != address:
        return Permission(False, "number_changed")
    if is_weak(subscription, consent):
        return Permission(False, "weak_evidence")
    return Permission(True, "opted_in")


def _is_revoked(consent: Consent | None, until: datetime | None) -> bool:
    """A STOP ends every consent for the number, including those of people who got the number later. START allows texts
    again, but each subscription needs a new consent."""
    is_yes = consent is not None and consent.state in {ConsentState.OPTED_IN, ConsentState.PENDING}
    return is_yes and until is not None and consent is not None and consent.at < until


def is_weak(subscription: Subscription, consent: Consent) -> bool:
    """Whether it is a yes on evidence that this subscription is not sent on."""
    is_yes = consent.state is ConsentState.OPTED_IN and subscription.consent_type is ConsentType.OPT_IN
    return is_yes and consent.evidence not in subscription.sends_on


def stands_to_get(subscription: Subscription, consent: Consent | None) -> bool:
    """Whether there is something to opt out of: a yes, a pending confirmation, or a default."""
    state = consent.state if consent else ConsentState.NONE
    if state is ConsentState.NONE:
        return subscription.consent_type is ConsentType.OPT_OUT
    return state is not ConsentState.OPTED_OUT


def records_no(subscription: Subscription, consent: Consent | None, *, of_all: bool) -> bool:
    """Whether to record an opt-out. `of_all`: an opt-out of all texts is also recorded where the person never answered,
    so that a consent asserted later has to override it."""
    is_out = consent is not None and consent.state is ConsentState.OPTED_OUT
    return not is_out if of_all else stands_to_get(subscription, consent)


def yes_action(subscription: Subscription, consent: Consent | None = None, address: str | None = None) -> Action:
    """The action that a yes for `address` records. With double opt-in it counts only after the number confirmed by
    text, which applies neither to email nor to opt-out subscriptions. `consent`: the contact's own. A number that is
    opted in is not asked again: that would suspend its yes."""
    asks = subscription.message_type is MessageType.SMS and subscription.consent_type is ConsentType.OPT_IN
    is_in = consent is not None and consent.state is ConsentState.OPTED_IN and consent.number == address
    return Action.REQUEST_CONFIRMATION if subscription.double_opt_in and asks and not is_in else Action.OPT_IN
