"""What a bulk subscribe or unsubscribe does to a contact: pure, so that its preview and its job agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.consent.changes import ConsentChange, consent_change
from bot.consent.choices import reached_at, state_on
from bot.consent.numbers import address_of
from bot.consent.permission import records_no, yes_action
from bot.consent.projection import BY_EVIDENCE
from bot.errors import NotFound, NumberStopped, OwnOptOut, SaysoError
from bot.model.contact import Contact
from bot.model.event import NOWHERE, Action, Actor, Context, Evidence, FollowUp, Source
from bot.model.stop import Stop
from bot.model.subscription import ConsentType, Subscription


class BulkOutcome(StrEnum):
    """The result for one contact. The values are public: the downloads name them."""

    CHANGED = "changed"
    """In a preview: it will change."""
    ASKED = "asked"
    """Asked to confirm by text."""
    ALREADY = "already"
    STOPPED = "stopped"
    UNREACHABLE = "unreachable"
    """No valid number or email address."""
    OPTED_OUT = "opted_out"
    """The person's own no, which this evidence can't override."""
    WEAK = "weak"
    """The subscription isn't sent on this evidence."""
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentOrder:
    """What is to be recorded for each contact. Without `evidence` it unsubscribes."""

    subscription: Subscription
    actor: Actor
    key: str
    evidence: Evidence | None = None
    of_all: bool = False
    """Part of an opt-out of all texts: recorded in any state."""
    asks: bool = False
    """Whether they are asked to confirm by text, where the subscription has double opt-in."""
    follow_ups: tuple[FollowUp, ...] = ()
    context: Context = field(default=NOWHERE)

    @property
    def is_enough(self) -> bool:
        """Whether messages are sent on this evidence. A confirmation by text is evidence of its own."""
        is_opt_in = self.subscription.consent_type is ConsentType.OPT_IN
        return not is_opt_in or (self.evidence and BY_EVIDENCE[self.evidence.how]) in self.subscription.sends_on


def proposed(contact: Contact, order: ConsentOrder) -> ConsentChange | BulkOutcome:
    """The change that the ledger is asked for, or why there is none. The ledger then asks the table of overrides."""
    return _yes(contact, order) if order.evidence else _no(contact, order)


def _no(contact: Contact, order: ConsentOrder) -> ConsentChange | BulkOutcome:
    if not records_no(order.subscription, contact.consent(order.subscription.id), of_all=order.of_all):
        return BulkOutcome.ALREADY
    return _change(contact, order, Action.OPT_OUT, reached_at(contact, order.subscription))


def _yes(contact: Contact, order: ConsentOrder) -> ConsentChange | BulkOutcome:
    address = address_of(contact, order.subscription.message_type)
    if address is None:
        return BulkOutcome.UNREACHABLE
    action = _yes_action(contact, order, address)
    if _is_on(contact, order, asks=action is Action.REQUEST_CONFIRMATION):
        return BulkOutcome.ALREADY
    return _change(contact, order, action, address)


def _yes_action(contact: Contact, order: ConsentOrder, address: str) -> Action:
    if not order.asks:
        return Action.OPT_IN
    return yes_action(order.subscription, contact.consent(order.subscription.id), address)


def _is_on(contact: Contact, order: ConsentOrder, *, asks: bool) -> bool:
    """Whether nothing has to change: opted in on sufficient evidence, or already pending."""
    state = state_on(contact, order.subscription)
    if state == "pending":
        return asks
    return state == "on" or (state == "weak" and not order.is_enough)


def _change(contact: Contact, order: ConsentOrder, action: Action, address: str | None) -> ConsentChange:
    return consent_change(
        contact,
        order.subscription,
        action,
        address,
        source=Source.BULK,
        actor=order.actor,
        words=None,
        context=order.context,
        evidence=order.evidence,
        follow_ups=[*order.follow_ups] or None,
        key=order.key,
    )


def judged(contact: Contact, order: ConsentOrder, stops: Mapping[str, Stop], at: datetime) -> BulkOutcome:
    """What would become of it now. `stops`: by number."""
    change = proposed(contact, order)
    if isinstance(change, BulkOutcome):
        return change
    refused = change.refusal(contact, stops.get(change.number or ""), at)
    if refused:
        return outcome_of(refused)
    return BulkOutcome.WEAK if is_too_weak(change, order) else done_by(change.action)


def done_by(action: Action) -> BulkOutcome:
    return BulkOutcome.ASKED if action is Action.REQUEST_CONFIRMATION else BulkOutcome.CHANGED


def is_too_weak(change: ConsentChange, order: ConsentOrder) -> bool:
    return change.action is Action.OPT_IN and not order.is_enough


REFUSED: Mapping[type[SaysoError], BulkOutcome] = {
    OwnOptOut: BulkOutcome.OPTED_OUT,
    NumberStopped: BulkOutcome.STOPPED,
    NotFound: BulkOutcome.GONE,
}


def outcome_of(refused: SaysoError) -> BulkOutcome:
    """Raises the error if it says nothing about the contact: the batch is repeated."""
    for kind, outcome in REFUSED.items():
        if isinstance(refused, kind):
            return outcome
    raise refused
