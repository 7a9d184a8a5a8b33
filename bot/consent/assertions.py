"""Records what a program says about a contact's consent. Nobody was shown any words, and without evidence a yes is only
asserted: it never overrides an opt-out (`bot.consent.overrides`)."""

from __future__ import annotations

from dataclasses import dataclass

from bot.consent.changes import ConsentChange, consent_change
from bot.consent.choices import reached_at, state_on
from bot.consent.ledger import Ledger
from bot.consent.ledger_round import Recorded
from bot.consent.numbers import address_of
from bot.consent.permission import records_no, yes_action
from bot.consent.projection import BY_EVIDENCE
from bot.errors import Invalid, Unreachable
from bot.errors import marked as _
from bot.model.contact import Contact
from bot.model.event import NOWHERE, Action, Actor, Context, Evidence, FollowUp, Source
from bot.model.subscription import ConsentType, MessageType, Subscription
from bot.store import Store

NOT_LIVE = _("This subscription is no longer available. No changes were made.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What a program records. The same `key` again changes nothing."""

    actor: Actor
    key: str
    evidence: Evidence | None = None
    follow_ups: tuple[FollowUp, ...] = ()
    asks: bool = True
    """Whether they are asked to confirm by text, where the subscription has double opt-in."""
    context: Context = NOWHERE


class Assertions:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    async def opt_in(
        self, contact: Contact, subscription: Subscription, assertion: Assertion
    ) -> tuple[Contact, Recorded | None]:
        """Records a yes for the contact's saved number or address, or better evidence of one that is not sent on.

        Returns the contact afterwards. None: nothing had to change. Raises Invalid (the subscription is not live),
        Unreachable, OwnOptOut, NumberStopped, NotFound and StoreUnavailable.
        """
        if not subscription.is_live:
            raise Invalid(NOT_LIVE)

        async def decide(judged: Contact) -> ConsentChange | None:
            address = address_of(judged, subscription.message_type)
            if address is None and subscription.consent_type is ConsentType.OPT_IN:
                raise Unreachable(subscription.message_type)
            if _is_settled(judged, subscription, assertion):
                return None
            consent = judged.consent(subscription.id)
            action = yes_action(subscription, consent, address) if assertion.asks else Action.OPT_IN
            return _change(judged, subscription, action, address, assertion)

        return await self._ledger.decide(contact, decide)

    async def opt_out(
        self, contact: Contact, subscription: Subscription, assertion: Assertion
    ) -> tuple[Contact, Recorded | None]:
        """Records an opt-out, also of a pending confirmation, whatever the subscription's state."""
        return await self._no(contact, subscription, assertion)

    async def opt_out_of_emails(self, contact: Contact, assertion: Assertion) -> Contact:
        """Opts out of every email subscription, whatever its state."""
        for subscription in await self._store.subscriptions.all():
            if subscription.message_type is MessageType.EMAIL:
                contact, _recorded = await self._no(contact, subscription, assertion, of_all=True)
        return contact

    async def _no(
        self, contact: Contact, subscription: Subscription, assertion: Assertion, *, of_all: bool = False
    ) -> tuple[Contact, Recorded | None]:
        async def decide(judged: Contact) -> ConsentChange | None:
            if not records_no(subscription, judged.consent(subscription.id), of_all=of_all):
                return None
            return _change(judged, subscription, Action.OPT_OUT, reached_at(judged, subscription), assertion)

        return await self._ledger.decide(contact, decide)


def _is_settled(contact: Contact, subscription: Subscription, assertion: Assertion) -> bool:
    """Whether there is nothing to record: opted in on evidence that is sent on, or no better evidence is at hand."""
    state = state_on(contact, subscription)
    if state == "weak":
        return assertion.evidence is None or BY_EVIDENCE[assertion.evidence.how] not in subscription.sends_on
    return state == "on" or (state == "pending" and assertion.asks)


def _change(
    contact: Contact, subscription: Subscription, action: Action, address: str | None, assertion: Assertion
) -> ConsentChange:
    question = (FollowUp.QUESTION,) if action is Action.REQUEST_CONFIRMATION else ()
    return consent_change(
        contact,
        subscription,
        action,
        address,
        source=Source.API,
        actor=assertion.actor,
        words=None,
        context=assertion.context,
        evidence=assertion.evidence,
        follow_ups=[*assertion.follow_ups, *question] or None,
        key=f"api:{assertion.key}:{'no' if action is Action.OPT_OUT else 'yes'}:{subscription.id}",
    )
