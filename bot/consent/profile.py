"""What teammates see of a contact's consents, and how they write down what the person told them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.consent.choices import numbers_of, plain_words, reached_at, state_on
from bot.consent.ledger import ConsentChange, Ledger, Recorded
from bot.consent.numbers import address_of, read_email, read_number
from bot.consent.permission import stands_to_get, yes_action
from bot.consent.recorder import ChangeRecorder, stands_on
from bot.consent.stop_list import StopList
from bot.errors import Conflict, FormWrong, Invalid, NotFound, NumberStopped, SavedNumberLocked
from bot.errors import marked as _
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.event import NOWHERE, Action, Actor, ConsentEvent, Context, Evidence, How, Source
from bot.model.paging import Cursor, Page, sequence_of
from bot.model.subscription import MessageType, Subscription
from bot.model.teammate import By
from bot.model.workspace import Workspace
from bot.store import Store

ACTS = {
    How.SPOKEN: "{name} recorded a spoken yes",
    How.PAPER: "{name} recorded a yes on paper",
    How.OTHER: "{name} recorded a yes",
}
LOCKED = _("This contact has a saved number or address already, so no other one can be taken here.")


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    """One live subscription as the contact stands on it.

    `state`: as in `Choice`, or `unreachable`: there is no valid number or email address yet.
    """

    subscription: Subscription
    state: str
    consent: Consent | None
    """Since when, by what source, and for which number or address; None: never asked."""
    is_default: bool
    address: str | None
    """Where its messages reach the contact."""
    version: str
    """Names the words that the panel shows of it."""

    @property
    def on(self) -> bool:
        return self.state == "on"


@dataclass(frozen=True, slots=True)
class Profile:
    contact: Contact
    statuses: list[ConsentStatus]
    stopped: bool
    """Whether the contact's number asked for no texts at all."""

    def status(self, subscription: str) -> ConsentStatus | None:
        return next((s for s in self.statuses if s.subscription.id == subscription), None)


@dataclass(frozen=True, slots=True)
class ConsentHistory:
    """Consent events, the newest first, and the names of what they mention."""

    events: Sequence[ConsentEvent]
    teammates: Mapping[str, str]
    """By id; those who were removed keep their names."""
    subscriptions: Mapping[str, Subscription]
    next: Cursor | None


@dataclass(frozen=True, slots=True)
class ProfileResult:
    """What became of it: the contact, and the `state` of the one subscription."""

    contact: Contact
    subscription: Subscription
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """What a teammate writes down. `version` names the words that they saw; the same `key` again changes no more."""

    by: By
    key: str
    version: str = ""
    evidence: Evidence | None = None
    address: str | None = None
    """The number or address that they typed, where the contact has none."""
    context: Context = field(default=NOWHERE)
    seen: str | None = None
    """The event on which the contact stood when the teammate was asked; empty: on none. None: it was not told."""


def statuses(contact: Contact, live: Iterable[Subscription], *, stopped: Collection[str] = ()) -> list[ConsentStatus]:
    """Pure. `stopped`: numbers."""
    return [_status(contact, subscription, stopped) for subscription in live]


def _status(contact: Contact, subscription: Subscription, stopped: Collection[str]) -> ConsentStatus:
    address, consent = reached_at(contact, subscription), contact.consent(subscription.id)
    return ConsentStatus(
        subscription,
        state_on(contact, subscription, stopped=stopped) if address else "unreachable",
        consent,
        consent is None or consent.state is ConsentState.NONE,
        address,
        plain_words(subscription, contact.locale).version,
    )


class Profiles:
    def __init__(self, store: Store, ledger: Ledger, stops: StopList) -> None:
        self._store = store
        self._ledger = ledger
        self._stops = stops
        self._recorder = ChangeRecorder(store, ledger)

    def then(self, after: Callable[[ConsentEvent], Awaitable[None]]) -> None:
        """`after` is called with each event that was recorded: it queues the text that the event asks for."""
        self._recorder.after = after

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
        """Records the yes that the contact gave to a teammate; with double opt-in their number is asked to confirm it.

        Raises FormWrong (how it was given is not told well enough, or no number), NumberRefused, EmailRefused,
        SavedNumberLocked (law 5), NumberStopped, Invalid (nothing live of this name), NotFound, and Conflict for a late
        retry: nothing was recorded.
        """
        evidence = _proven(attestation.evidence)
        contact, found = await self._open(contact_id, subscription)
        shown = await self._as_shown(contact, found, attestation)
        act = ACTS[evidence.how].format(name=attestation.by.name)

        async def decide(judged: Contact) -> ConsentChange | None:
            state = _status(judged, found, ()).state
            if _says_no_since(contact, judged, found, attestation.seen):
                raise Conflict  # nobody says yes for them over a no that they did not know of
            if state == "pending":
                return None
            address = _address(judged, found, attestation.address, workspace)
            if found.message_type is MessageType.SMS and await self._stops.is_stopped(address):
                raise NumberStopped
            return None if state == "on" else _change(judged, shown, yes_action(found), address, act, attestation)

        return self._changed(found, *await self._recorder.record_decision(contact, decide))

    async def opt_out(self, contact_id: str, subscription: str, attestation: Attestation) -> ProfileResult:
        """Records a no, also to a question that waits. Raises Invalid, NotFound, and Conflict for a late retry."""
        contact, found = await self._open(contact_id, subscription)
        shown = await self._as_shown(contact, found, attestation)

        async def decide(judged: Contact) -> ConsentChange | None:
            if not stands_to_get(found, judged.consent(found.id)):
                return None
            act = f'{attestation.by.name} turned "{shown.words(judged.locale).name}" off'
            return _change(judged, shown, Action.OPT_OUT, reached_at(judged, found), act, attestation)

        return self._changed(found, *await self._recorder.record_decision(contact, decide))

    async def _contact(self, id: str) -> Contact:
        contact = await self._ledger.contact(id)
        if contact is None:
            raise NotFound(_("We can't find this contact."))
        return contact

    async def _open(self, contact_id: str, subscription: str) -> tuple[Contact, Subscription]:
        contact, found = await asyncio.gather(self._contact(contact_id), self._store.subscriptions.get(subscription))
        if found is None or not found.is_live:
            raise Invalid(_("This subscription is no longer offered. Nothing was changed."))
        return contact, found

    async def _as_shown(self, contact: Contact, subscription: Subscription, attestation: Attestation) -> Subscription:
        return await self._recorder.as_shown(
            subscription, attestation.version, lambda shown: plain_words(shown, contact.locale)
        )

    @staticmethod
    def _profile(contact: Contact, live: Iterable[Subscription], stopped: Collection[str]) -> Profile:
        saved = address_of(contact, MessageType.SMS)
        return Profile(contact, statuses(contact, live, stopped=stopped), saved in stopped)

    @staticmethod
    def _changed(subscription: Subscription, contact: Contact, recorded: Recorded | None) -> ProfileResult:
        if recorded and not stands_on(contact, recorded.event):
            raise Conflict  # the same key again, after the person said something else
        return ProfileResult(contact, subscription, _status(contact, subscription, ()).state)


def _proven(evidence: Evidence | None) -> Evidence:
    if evidence is None:
        raise FormWrong({"how": _("Choose how they said yes.")})
    if evidence.how is How.OTHER and not evidence.note.strip():
        raise FormWrong({"note": _("Write down how they said yes.")})
    return evidence


def _says_no_since(asked: Contact, judged: Contact, subscription: Subscription, seen: str | None) -> bool:
    """Whether there is a no that the teammate did not see."""
    before, consent = asked.consent(subscription.id), judged.consent(subscription.id)
    if consent is None or consent.state is not ConsentState.OPTED_OUT:
        return False
    return consent != before if seen is None else consent.event != seen


def _address(contact: Contact, subscription: Subscription, typed: str | None, workspace: Workspace) -> str:
    """The number or address to record: the saved one, and a request that names another is refused (law 5)."""
    saved = address_of(contact, subscription.message_type)
    if not saved and not typed:
        texts = subscription.message_type is MessageType.SMS
        raise FormWrong({"number": _("A number is needed.") if texts else _("An email address is needed.")})
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
    act: str,
    attestation: Attestation,
) -> ConsentChange:
    is_text = subscription.message_type is MessageType.SMS
    return ConsentChange(
        contact=contact.id,
        subscription=subscription.id,
        action=action,
        source=Source.PROFILE,
        actor=Actor(kind="teammate", id=attestation.by.id),
        number=address if is_text else None,
        email=None if is_text else address,
        words=plain_words(subscription, contact.locale, act),
        context=attestation.context,
        evidence=attestation.evidence,
        key=f"{attestation.key}:{'no' if action is Action.OPT_OUT else 'yes'}:{subscription.id}",
        judged=contact,
    )
