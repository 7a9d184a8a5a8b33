"""What the consents of a row record: pure.

A "no" is always taken. A "yes" is for the number or address in its row, and the table of overrides
(`bot.consent.overrides`) decides whether it beats an earlier opt-out, also one of another contact with the same number
or address.
"""

from __future__ import annotations

from bot.consent.changes import ConsentChange, consent_change
from bot.consent.overrides import MESSAGES, Obstacle
from bot.consent.overrides import obstacle as obstacle_to
from bot.consent.permission import yes_action
from bot.contacts.imports.people import KnownPeople
from bot.contacts.imports.row_changes import ImportTerms, RowAddresses, RowChanges, row_key
from bot.contacts.imports.rows import ConsentClaim, Fault
from bot.errors import marked as _
from bot.model.contact import ConsentState, Contact
from bot.model.contact_import import TEXTS
from bot.model.event import Action, Source
from bot.model.subscription import MessageType, Subscription

OTHER_NUMBER = _("This contact has another phone number. The consent was not imported.")
OTHER_EMAIL = _("This contact has another email address. The consent was not imported.")
NO_NUMBER = _("There's no phone number to text. The consent was not imported.")
NO_EMAIL = _("There's no email address. The consent was not imported.")


class ClaimPlanner:
    """Plans the consents of one batch, in the order of its rows: a later row knows what an earlier one said."""

    def __init__(self, terms: ImportTerms, people: KnownPeople) -> None:
        self._terms, self._people = terms, people
        self._said: dict[tuple[str, str], bool] = {}

    def plan(self, done: RowChanges, contact: Contact, claim: ConsentClaim, has: RowAddresses) -> None:
        """`has`: the contact's email address and number after this row."""
        if claim.is_yes:
            self._yes(done, contact, claim, has)
        else:
            self._no(done, contact, claim, has)

    def _no(self, done: RowChanges, contact: Contact, claim: ConsentClaim, has: RowAddresses) -> None:
        only = self._terms.subscriptions.get(claim.subscription)
        for subscription in self._terms.texts if claim.subscription == TEXTS else [only] if only else []:
            change = self._change(done, contact, subscription, claim, has.reached_by(subscription))
            if self._is(contact, subscription, ConsentState.OPTED_OUT, None):
                done.already.append((contact, change.key, change.action))
            else:
                self._record(done, contact, subscription, change)

    def _yes(self, done: RowChanges, contact: Contact, claim: ConsentClaim, has: RowAddresses) -> None:
        subscription = self._terms.subscriptions[claim.subscription]
        is_text = subscription.message_type is MessageType.SMS
        given, own = done.row.number if is_text else done.row.email, has.reached_by(subscription)
        if not given or not own:
            done.left.append(Fault(NO_NUMBER if is_text else NO_EMAIL))
            return
        if given.casefold() != own.casefold():
            done.left.append(Fault(OTHER_NUMBER if is_text else OTHER_EMAIL))
            return
        change = self._change(done, contact, subscription, claim, own)
        if self._is(contact, subscription, ConsentState.OPTED_IN, own) or self._is_pending(contact, subscription):
            done.already.append((contact, change.key, change.action))
        elif obstacle := self._others_no(contact, subscription, change):
            done.left.append(Fault(MESSAGES[obstacle]))
        else:
            self._record(done, contact, subscription, change)

    def _others_no(self, contact: Contact, subscription: Subscription, change: ConsentChange) -> Obstacle | None:
        """Why an opt-out of another contact with this number or address holds: it is most likely the same person's."""
        people = self._people.with_address(email=change.email or "", number=change.number or "")
        others = [other for other in people if other.id != contact.id]
        if not others:
            return None
        if any(self._said.get((other.id, subscription.id)) is False for other in others):
            return Obstacle.NOT_NEWER  # in this file
        found = (other.consent(subscription.id) for other in others)
        newest = max((consent for consent in found if consent and consent.is_no), key=lambda c: c.at, default=None)
        grant = change.grant(newest)
        return obstacle_to(grant, newest, stopped=False, at=self._terms.at) if grant else None

    def _is(self, contact: Contact, subscription: Subscription, state: ConsentState, address: str | None) -> bool:
        """Whether nothing has to be recorded: an earlier row of this batch, or an event, said so."""
        is_yes = state is ConsentState.OPTED_IN
        if (said := self._said.get((contact.id, subscription.id))) is not None:
            return said is is_yes
        consent = contact.consent(subscription.id)
        if consent is None or consent.state is not state:
            return False
        return not is_yes or address in {consent.number, consent.email}

    def _is_pending(self, contact: Contact, subscription: Subscription) -> bool:
        consent = contact.consent(subscription.id)
        return consent is not None and consent.state is ConsentState.PENDING

    def _record(self, done: RowChanges, contact: Contact, subscription: Subscription, change: ConsentChange) -> None:
        self._said[contact.id, subscription.id] = change.is_grant
        done.changes.append(change)

    def _change(
        self, done: RowChanges, contact: Contact, subscription: Subscription, claim: ConsentClaim, address: str | None
    ) -> ConsentChange:
        plan, action = self._terms.plan, Action.OPT_IN if claim.is_yes else Action.OPT_OUT
        if claim.is_yes and plan.asks:
            action = yes_action(subscription, contact.consent(subscription.id), address)
        return consent_change(
            contact,
            subscription,
            action,
            address,
            source=Source.IMPORT,
            words=None,
            key=row_key(self._terms.job, done.row.line, subscription.id),
            actor=self._terms.actor,
            evidence=claim.evidence(plan.how),
            follow_ups=plan.follow_ups(is_yes=claim.is_yes),
            is_judged=False,
        )
