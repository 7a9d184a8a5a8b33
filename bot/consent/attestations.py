"""What teammates see of a contact's consents, and how they record what a contact told them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.consent.changes import ConsentChange, consent_change
from bot.consent.choices import numbers_of, reached_at, state_on
from bot.consent.ledger import Ledger, Recorded
from bot.consent.numbers import address_of, read_email, read_number
from bot.consent.overrides import AHEAD
from bot.consent.permission import is_weak, records_no, yes_action
from bot.consent.projection import BY_EVIDENCE
from bot.consent.recorder import stands_on
from bot.consent.stop_list import StopList
from bot.errors import Conflict, FormWrong, Invalid, NotFound, NumberStopped, SavedNumberLocked
from bot.errors import marked as _
from bot.model.base import now
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.event import NOWHERE, Action, Actor, ConsentEvent, Context, Evidence, How, Source
from bot.model.paging import Cursor, Page, sequence_of
from bot.model.subscription import ConsentType, MessageType, Subscription
from bot.model.teammate import By
from bot.model.workspace import Workspace
from bot.store import Store

LOCKED = _("This contact already has a saved number or address. You can't enter a different one here.")


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


@dataclass(frozen=True, slots=True)
class Profile:
    contact: Contact
    statuses: list[ConsentStatus]
    stopped: bool
    """Whether the contact's number opted out of all texts."""

    def status(self, subscription: str) -> ConsentStatus | None:
        return next((s for s in self.statuses if s.subscription.id == subscription), None)


@dataclass(frozen=True, slots=True)
class ConsentHistory:
    """Consent events, newest first, and the names they refer to."""

    events: Sequence[ConsentEvent]
    teammates: Mapping[str, str]
    """By id, including removed teammates."""
    subscriptions: Mapping[str, Subscription]
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class ProfileResult:
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


def statuses(contact: Contact, live: Iterable[Subscription], *, stopped: Collection[str] = ()) -> list[ConsentStatus]:
    """Pure. `stopped`: numbers."""
    return [_status(contact, subscription, stopped) for subscription in live]


def _status(contact: Contact, subscription: Subscription, stopped: Collection[str]) -> ConsentStatus:
    address, consent = reached_at(contact, subscription), contact.consent(subscription.id)
    state = state_on(contact, subscription, stopped=stopped) if address else "unreachable"
    return ConsentStatus(
        subscription,
        "on" if state == "weak" else state,
        consent,
        consent is None or consent.state is ConsentState.NONE,
        address,
    )


class Profiles:
    def __init__(self, store: Store, ledger: Ledger, stops: StopList) -> None:
        self._store = store
        self._ledger = ledger
        self._stops = stops

    async def look(self, contact_id: str) -> Profile:
        """In four queries. Raises NotFound."""
        contact, live = await asyncio.gather(self._contact(contact_id), self._store.subscriptions.live())
        return self._profile(contact, live, await self._stops.among(numbers_of(contact)))

    async def history(self, contact_id: str, *, before: Cursor | None = None, limit: int = 20) -> ConsentHistory:
        """In three queries."""
        found = await self._store.events.before(contact_id, sequence_of(before), limit=limit + 1)
        page = Page.cut(found[::-1], limit, lambda event: (event.seq,))
        events = page.items
        teammates, subscriptions = await asyncio.gather(
            self._store.teammates.get_many({e.actor.id for e in events if e.actor.kind == "teammate"}),
            self._store.subscriptions.get_many({e.subscription for e in events if e.subscription}),
        )
        names = {id: teammate.name for id, teammate in teammates.items()}
        return ConsentHistory(events, names, subscriptions, page.next)

    async def opt_in(
        self, contact_id: str, subscription: str, attestation: Attestation, workspace: Workspace
    ) -> ProfileResult:
        """Records the contact's yes, or better evidence of one that is not sent on; with double opt-in, a number that
        isn't opted in is asked to confirm.

        Raises FormWrong (evidence or address missing), NumberRefused, EmailRefused, SavedNumberLocked (law 5),
        NumberStopped, OwnOptOut, Invalid (no such live subscription), NotFound, and Conflict for a late retry: nothing
        was recorded.
        """
        check_evidence(attestation.evidence)
        contact, found = await self._open(contact_id, subscription)

        async def decide(judged: Contact) -> ConsentChange | None:
            status = _status(judged, found, ())
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

    async def opt_out(self, contact_id: str, subscription: str, attestation: Attestation) -> ProfileResult:
        """Records an opt-out, also of a pending confirmation. Raises Invalid, NotFound, and Conflict for a late
        retry."""
        contact, found = await self._open(contact_id, subscription)
        return self._changed(found, *await self._no(contact, found, attestation))

    async def opt_out_of_texts(self, contact_id: str, attestation: Attestation) -> Contact:
        """Opts out of every SMS subscription, whatever its state; the number is not put on the stop list. Raises
        NotFound, and Conflict for a late retry."""
        contact, texts = await asyncio.gather(self._contact(contact_id), self._store.subscriptions.texts())
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

    async def _contact(self, id: str) -> Contact:
        contact = await self._ledger.contact(id)
        if contact is None:
            raise NotFound(_("Contact not found."))
        return contact

    async def _open(self, contact_id: str, subscription: str) -> tuple[Contact, Subscription]:
        contact, found = await asyncio.gather(self._contact(contact_id), self._store.subscriptions.get(subscription))
        if found is None or not found.is_live:
            raise Invalid(_("This subscription is no longer available. No changes were made."))
        return contact, found

    @staticmethod
    def _profile(contact: Contact, live: Iterable[Subscription], stopped: Collection[str]) -> Profile:
        saved = address_of(contact, MessageType.SMS)
        return Profile(contact, statuses(contact, live, stopped=stopped), saved in stopped)

    @staticmethod
    def _changed(subscription: Subscription, contact: Contact, recorded: Recorded | None) -> ProfileResult:
        if recorded and not stands_on(contact, recorded.event):
            raise Conflict  # the same key again, after the person changed it
        status = _status(contact, subscription, ())
        return ProfileResult(contact, subscription, status.state, status.is_weak)


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
    """The address to record: the saved one if there is one; naming another is refused (law 5)."""
    saved = address_of(contact, subscription.message_type)
    if not saved and not typed:
        texts = subscription.message_type is MessageType.SMS
        raise FormWrong({"number": _("Phone number is required.") if texts else _("Email address is required.")})
    address = _read(subscription, typed or saved or "", workspace)
    if saved and address.casefold() != saved.casefold():
        raise SavedNumberLocked(LOCKED)
    return saved or address


def _read(subscription: Subscription, text: str, workspace: Workspace) -> str:
    if subscription.message_type is MessageType.SMS:
        return read_number(text, workspace.default_region, workspace.texted).e164
    return read_email(text)


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
