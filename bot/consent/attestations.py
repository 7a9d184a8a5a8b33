"""Records what a contact told a teammate about a subscription."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bot.consent.changes import ConsentChange, consent_change
from bot.consent.choices import reached_at
from bot.consent.ledger import Ledger
from bot.consent.ledger_round import Recorded
from bot.consent.numbers import address_of
from bot.consent.overrides import AHEAD
from bot.consent.permission import records_no, yes_action
from bot.consent.reader import ConsentReader
from bot.consent.recorder import stands_on
from bot.consent.saved_address import address_to_record
from bot.consent.status import ConsentStatus, consent_status
from bot.consent.stop_list import StopList
from bot.errors import Conflict, FormWrong, Invalid, NumberStopped, SavedNumberLocked
from bot.errors import marked as _
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.event import NOWHERE, Action, Actor, Context, Evidence, How, Source
from bot.model.subscription import MessageType, Subscription
from bot.model.teammate import By
from bot.model.workspace import Workspace
from bot.store import Store

LOCKED = _("This contact already has a saved number or address. You can't enter a different one here.")


@dataclass(frozen=True, slots=True)
class AttestationResult:
    """The contact after the change, and the `state` of the subscription."""

    contact: Contact
    subscription: Subscription
    state: str
    is_weak: bool = False
    """Opted in, on evidence that this subscription is not sent on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """What a teammate records for a contact. Nobody was shown any words. The same `key` again changes nothing."""

    by: By
    key: str
    evidence: Evidence | None = None
    address: str | None = None
    """The number or address typed by the teammate, if the contact has none."""
    context: Context = field(default=NOWHERE)
    warned_of: str | None = None
    """The event of the opt-out that the teammate was warned of, and overrides."""


class Attestations:
    def __init__(self, store: Store, ledger: Ledger, stops: StopList, consents: ConsentReader) -> None:
        self._store = store
        self._ledger = ledger
        self._stops = stops
        self._consents = consents

    async def opt_in(
        self, contact_id: str, subscription: str, attestation: Attestation, workspace: Workspace
    ) -> AttestationResult:
        """Records the contact's yes, or better evidence of one that is not sent on; with double opt-in, a number that
        isn't opted in is asked to confirm.

        Raises FormWrong (evidence or address missing), NumberRefused, EmailRefused, SavedNumberLocked (law 5),
        NumberStopped, OwnOptOut, Invalid (no such live subscription), NotFound, and Conflict for a late retry: nothing
        was recorded.
        """
        check_evidence(attestation.evidence)
        contact, found = await self._open(contact_id, subscription)

        async def decide(judged: Contact) -> ConsentChange | None:
            status = consent_status(judged, found)
            if status.state == "pending":
                return None
            address = _address(judged, found, attestation.address, workspace)
            if found.message_type is MessageType.SMS and await self._stops.is_stopped(address):
                raise NumberStopped
            if status.on and not (status.is_weak and _is_enough(status, attestation.evidence)):
                return None
            action = yes_action(found, status.consent, address)
            return _change(judged, found, action, address, attestation)

        return self._changed(found, *await self._ledger.decide(contact, decide))

    async def opt_out(self, contact_id: str, subscription: str, attestation: Attestation) -> AttestationResult:
        """Records an opt-out, also of a pending confirmation. Raises Invalid, NotFound, and Conflict for a late
        retry."""
        contact, found = await self._open(contact_id, subscription)
        return self._changed(found, *await self._no(contact, found, attestation))

    async def opt_out_of_texts(self, contact_id: str, attestation: Attestation) -> Contact:
        """Opts out of every SMS subscription, whatever its state; the number is not put on the stop list. Raises
        NotFound, and Conflict for a late retry."""
        contact, texts = await asyncio.gather(self._consents.contact(contact_id), self._store.subscriptions.texts())
        for subscription in texts:
            contact, recorded = await self._no(contact, subscription, attestation, of_all=True)
            self._changed(subscription, contact, recorded)
        return contact

    async def _no(
        self, contact: Contact, subscription: Subscription, attestation: Attestation, *, of_all: bool = False
    ) -> tuple[Contact, Recorded | None]:
        async def decide(judged: Contact) -> ConsentChange | None:
            if not records_no(subscription, judged.consent(subscription.id), of_all=of_all):
                return None
            return _change(judged, subscription, Action.OPT_OUT, reached_at(judged, subscription), attestation)

        return await self._ledger.decide(contact, decide)

    async def _open(self, contact_id: str, subscription: str) -> tuple[Contact, Subscription]:
        contact, found = await asyncio.gather(
            self._consents.contact(contact_id), self._store.subscriptions.get(subscription)
        )
        if found is None or not found.is_live:
            raise Invalid(_("This subscription is no longer available. No changes were made."))
        return contact, found

    @staticmethod
    def _changed(subscription: Subscription, contact: Contact, recorded: Recorded | None) -> AttestationResult:
        if recorded and not stands_on(contact, recorded.event):
            raise Conflict  # the same key again, after the person changed it
        status = consent_status(contact, subscription)
        return AttestationResult(contact, subscription, status.state, status.is_weak)


def _is_enough(status: ConsentStatus, evidence: Evidence | None) -> bool:
    return evidence is not None and status.is_enough(evidence.how)


def check_evidence(evidence: Evidence | None) -> None:
    """Raises FormWrong."""
    faults = {}
    if evidence is None:
        faults["how"] = _("Choose how they consented.")
    elif evidence.given_at is None:
        faults["given_at"] = _("Enter when they consented.")
    elif evidence.given_at > now() + AHEAD:
        faults["given_at"] = _("Enter a time that isn't in the future.")
    if evidence and evidence.how is How.OTHER and not evidence.note.strip():
        faults["note"] = _("Describe how they consented.")
    if faults:
        raise FormWrong(faults)


def _address(contact: Contact, subscription: Subscription, typed: str | None, workspace: Workspace) -> str:
    if not typed and address_of(contact, subscription.message_type) is None:
        texts = subscription.message_type is MessageType.SMS
        raise FormWrong({"number": _("Phone number is required.") if texts else _("Email address is required.")})
    try:
        return address_to_record(contact, subscription, typed or None, workspace.default_region, workspace.texted)
    except SavedNumberLocked:
        raise SavedNumberLocked(LOCKED) from None


def _change(
    contact: Contact,
    subscription: Subscription,
    action: Action,
    address: str | None,
    attestation: Attestation,
) -> ConsentChange:
    return consent_change(
        contact,
        subscription,
        action,
        address,
        source=Source.PROFILE,
        actor=Actor(kind="teammate", id=attestation.by.id),
        words=None,
        context=attestation.context,
        evidence=attestation.evidence,
        warned_of=attestation.warned_of,
        key=f"{attestation.key}:{'no' if action is Action.OPT_OUT else 'yes'}:{subscription.id}",
    )
