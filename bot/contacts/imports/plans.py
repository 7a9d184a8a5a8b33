"""What a row changes: pure, so that the dry run and the import agree.

A "no" in the file is always taken, for everyone who has the number or address in its row. A "yes" is for the number or
address in its row, and the table of overrides (`bot.consent.overrides`) decides whether it beats an earlier opt-out,
also one of another contact who has the number or address. Phone, email and user ID of a contact who exists are filled,
never replaced, and not even filled where a stranger may be behind the contact: somebody who opened the chat without the
site's signature would see a saved number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.consent.changes import ConsentChange, address_change, consent_change
from bot.consent.overrides import MESSAGES, Obstacle
from bot.consent.overrides import obstacle as obstacle_to
from bot.contacts.imports.people import KnownPeople, contact_of
from bot.contacts.imports.rows import ConsentClaim, Fault, WantedRow
from bot.errors import marked as _
from bot.model.contact import ConsentState, Contact, Role
from bot.model.contact_import import TEXTS, Existing, ImportPlan
from bot.model.event import Action, Actor, Source
from bot.model.subscription import MessageType, Subscription

SEVERAL = _("%(count)s contacts have this email address or phone number. Add the user ID, or merge them first.")
OTHER_NUMBER = _("This contact has another phone number. The consent was not imported.")
OTHER_EMAIL = _("This contact has another email address. The consent was not imported.")
NO_NUMBER = _("There's no phone number to text. The consent was not imported.")
FIELDS = ("role", "external_id", "name", "locale", "time_zone")
"""What a row says of a contact, besides addresses, attributes and tags."""
NO_EMAIL = _("There's no email address. The consent was not imported.")


@dataclass(frozen=True, slots=True)
class ImportTerms:
    """What is the same for all rows of an import."""

    job: str
    plan: ImportPlan
    actor: Actor
    subscriptions: Mapping[str, Subscription]
    """The live ones."""
    texts: Sequence[Subscription]
    """Every SMS subscription: an opt-out of all texts is one of each."""
    tags: Mapping[str, str]
    """Ids by folded name."""
    at: datetime


@dataclass(slots=True)
class RowChanges:
    row: WantedRow
    contact: Contact | None = None
    """As they are before, or as they are created."""
    is_new: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    """Ids that the contact does not have yet."""
    changes: list[ConsentChange] = field(default_factory=list)
    already: list[tuple[Contact, str, Action]] = field(default_factory=list)
    """Consents that are as the file says, and the key under which this row may have recorded them before a crash."""
    faults: list[Fault] = field(default_factory=list)
    """Why the row isn't imported."""
    left: list[Fault] = field(default_factory=list)
    """What of it isn't, though the rest is."""
    recorded: int = 0
    """Events that the ledger took."""
    stops: str = ""
    """The number to put on the stop list."""

    addresses: dict[str, str] = field(default_factory=dict)
    """The `phone` and `email` that the contact did not have."""
    spare: ConsentChange | None = None
    """Keeps the number if the consent that would have brought it is refused."""

    @property
    def before(self) -> dict[str, Any]:
        """The fields that it changes, as they are."""
        if self.is_new or self.contact is None:
            return {"role": Role.LEAD, "locale": "en"}
        fields = {name: getattr(self.contact, name) for name in self.values}
        return fields | {f"attributes/{key}": self.contact.attributes.get(key) for key in self.attributes}

    @property
    def after(self) -> dict[str, Any]:
        values, attributes = self.values, self.attributes
        if self.is_new and self.contact:
            values = {name: value for name in FIELDS if (value := getattr(self.contact, name)) is not None}
            attributes = self.contact.attributes
        return {**values, **{f"attributes/{key}": value for key, value in attributes.items()}, **self.addresses}

    @property
    def changes_something(self) -> bool:
        is_other = self.values or self.attributes or self.tags or self.changes
        return self.contact is not None and bool(self.is_new or is_other)


class RowPlanner:
    """Plans the rows of one batch, in their order: a row finds whom an earlier one creates."""

    def __init__(self, terms: ImportTerms, people: KnownPeople) -> None:
        self._terms, self._people = terms, people
        self._said: dict[tuple[str, str], bool] = {}
        self._addresses: dict[str, tuple[str | None, str | None]] = {}

    def plan(self, row: WantedRow) -> RowChanges:
        done = RowChanges(row, faults=[*row.faults])
        own = self._people.by_id.get(contact_of(self._terms.job, row.line))
        found = [own] if own else self._people.of(row) if row.is_known else []
        if row.number and any(claim.subscription == TEXTS for claim in row.claims):
            done.stops = row.number
        if len(found) > 1 and not self._only_stops(row):
            done.faults.append(Fault(SEVERAL, {"count": str(len(found))}))
        if not done.faults and len(found) == 1:
            done.is_new = own is not None
            self._change(done, found[0])
        elif not done.faults and not found and self._terms.plan.creates and not self._only_stops(row):
            self._create(done)
        self._take_no(done, [*found, *self._people.with_address(email=row.email, number=row.number)])
        return done

    def _only_stops(self, row: WantedRow) -> bool:
        """A list of numbers that opted out of all texts makes no contacts."""
        is_bare = not (row.external_id or row.email or row.fields or row.tags)
        return (
            is_bare
            and bool(row.number)
            and all(claim.subscription == TEXTS for claim in row.claims)
            and bool(row.claims)
        )

    def _create(self, done: RowChanges) -> None:
        row, time = done.row, self._terms.at
        done.is_new = True
        values, attributes = _split(row.fields)
        contact = Contact(
            id=contact_of(self._terms.job, row.line),
            role=Role.USER if row.external_id else Role.LEAD,
            external_id=row.external_id or None,
            attributes=attributes,
            tags=self._tags(row),
            created_at=time,
            updated_at=time,
            **values,
        )
        done.contact = contact
        self._people.add(contact, row.email or None, row.number or None)
        self._consent(done, contact, row.email or None, row.number or None)

    def _change(self, done: RowChanges, contact: Contact) -> None:
        done.contact = contact
        row, plan = done.row, self._terms.plan
        if plan.existing is not Existing.SKIP:
            done.tags = tuple(tag for tag in self._tags(row) if tag not in contact.tags)
            values, attributes = _split(row.fields)
            if not is_known_person(contact):
                values = {}
            is_fill = plan.existing is Existing.FILL
            done.values = {
                k: v for k, v in values.items() if _differs(getattr(contact, k), v, is_fill and k != "locale")
            }
            done.attributes = {k: v for k, v in attributes.items() if _differs(contact.attributes.get(k), v, is_fill)}
            if row.external_id and not contact.external_id and is_known_person(contact):
                done.values |= {"external_id": row.external_id, "role": Role.USER}
        email, number = self._addresses.get(contact.id, (contact.email, contact.phone))
        if is_known_person(contact) and plan.existing is not Existing.SKIP:
            email, number = email or row.email or None, number or row.number or None
        self._people.add(_changed(contact, done), email, number)
        self._consent(done, contact, email, number)

    def _consent(self, done: RowChanges, contact: Contact, email: str | None, number: str | None) -> None:
        """`email`, `number`: what the contact has from then on."""
        known_email, known_number = self._addresses.get(contact.id, (contact.email, contact.phone))
        done.addresses = {
            **({"email": email} if email and not known_email else {}),
            **({"phone": number} if number and not known_number else {}),
        }
        self._addresses[contact.id] = (email, number)
        for claim in done.row.claims:
            if claim.is_yes:
                self._yes(done, contact, claim, email, number)
            else:
                self._no(done, contact, claim, email, number)
        self._address(done, contact)

    def _address(self, done: RowChanges, contact: Contact) -> None:
        """A consent brings the number or address that it is for: it needs no event of its own then."""
        brought = {address for c in done.changes if c.action is Action.OPT_IN for address in (c.number, c.email)}
        missing = {name: value for name, value in done.addresses.items() if value not in brought}
        if missing:
            done.changes.insert(0, self._address_change(done, contact, missing))
        if spare := {name: value for name, value in done.addresses.items() if name not in missing}:
            done.spare = self._address_change(done, contact, spare)

    def _address_change(self, done: RowChanges, contact: Contact, addresses: Mapping[str, str]) -> ConsentChange:
        key = self._key(done.row, "+".join(sorted(addresses)))
        return address_change(
            contact.id,
            source=Source.IMPORT,
            actor=self._terms.actor,
            key=key,
            phone=addresses.get("phone"),
            email=addresses.get("email"),
        )

    def _take_no(self, done: RowChanges, found: Sequence[Contact]) -> None:
        """Whoever else a "no" may be about opted out, too."""
        own = done.contact.id if done.contact else ""
        for id, contact in {contact.id: contact for contact in found if contact.id != own}.items():
            email, number = self._addresses.get(id, (contact.email, contact.phone))
            for claim in done.row.claims:
                if not claim.is_yes:
                    self._no(done, contact, claim, email, number)

    def _no(
        self, done: RowChanges, contact: Contact, claim: ConsentClaim, email: str | None, number: str | None
    ) -> None:
        only = self._terms.subscriptions.get(claim.subscription)
        for subscription in self._terms.texts if claim.subscription == TEXTS else [only] if only else []:
            if self._is(contact, subscription, ConsentState.OPTED_OUT, None):
                done.already.append((contact, self._key(done.row, subscription.id), Action.OPT_OUT))
            else:
                address = number if subscription.message_type is MessageType.SMS else email
                self._record(done, contact, subscription, Action.OPT_OUT, address, claim)

    def _yes(
        self, done: RowChanges, contact: Contact, claim: ConsentClaim, email: str | None, number: str | None
    ) -> None:
        subscription = self._terms.subscriptions[claim.subscription]
        is_text = subscription.message_type is MessageType.SMS
        given, own = (done.row.number, number) if is_text else (done.row.email, email)
        if not given or not own:
            done.left.append(Fault(NO_NUMBER if is_text else NO_EMAIL))
        elif given.casefold() != own.casefold():
            done.left.append(Fault(OTHER_NUMBER if is_text else OTHER_EMAIL))
        elif self._is(contact, subscription, ConsentState.OPTED_IN, own) or self._is_pending(contact, subscription):
            done.already.append((contact, self._key(done.row, subscription.id), Action.OPT_IN))
        elif obstacle := self._others_no(done, contact, claim, subscription, own):
            done.left.append(Fault(MESSAGES[obstacle]))
        else:
            self._record(done, contact, subscription, Action.OPT_IN, own, claim)

    def _others_no(
        self, done: RowChanges, contact: Contact, claim: ConsentClaim, subscription: Subscription, address: str
    ) -> Obstacle | None:
        """Why an opt-out of another contact with this number or address holds: it is most likely the same person's."""
        is_text = subscription.message_type is MessageType.SMS
        people = self._people.with_address(**{"number" if is_text else "email": address})
        others = [other for other in people if other.id != contact.id]
        if any(self._said.get((other.id, subscription.id)) is False for other in others):
            return Obstacle.NOT_NEWER  # in this file
        found = (other.consent(subscription.id) for other in others)
        newest = max((consent for consent in found if consent and consent.is_no), key=lambda c: c.at, default=None)
        grant = self._consent_change(done, contact, subscription, Action.OPT_IN, address, claim).grant(newest)
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

    def _record(
        self,
        done: RowChanges,
        contact: Contact,
        subscription: Subscription,
        action: Action,
        address: str | None,
        claim: ConsentClaim,
    ) -> None:
        self._said[contact.id, subscription.id] = action is Action.OPT_IN
        done.changes.append(self._consent_change(done, contact, subscription, action, address, claim))

    def _consent_change(
        self,
        done: RowChanges,
        contact: Contact,
        subscription: Subscription,
        action: Action,
        address: str | None,
        claim: ConsentClaim,
    ) -> ConsentChange:
        return consent_change(
            contact,
            subscription,
            action,
            address,
            source=Source.IMPORT,
            words=None,
            key=self._key(done.row, subscription.id),
            actor=self._terms.actor,
            evidence=claim.evidence(self._terms.plan.how),
            is_judged=False,
        )

    def _key(self, row: WantedRow, what: str) -> str:
        return row_key(self._terms.job, row.line, what)

    def _tags(self, row: WantedRow) -> tuple[str, ...]:
        found = (self._terms.tags.get(tag.casefold()) for tag in row.tags)
        return tuple(dict.fromkeys(tag for tag in found if tag))


def row_key(job: str, line: int, what: str) -> str:
    """The idempotency key of what a row records: by it the undo finds the event."""
    return f"import:{job}:{line}:{what}"


def is_known_person(contact: Contact) -> bool:
    """Whether nobody unknown can be behind it: a user of the site, or somebody who never opened the chat."""
    return contact.role is Role.USER or contact.last_seen_at is None


def _split(fields: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fields of the contact, and attributes by key."""
    prefix = "attributes."
    values = {name: value for name, value in fields.items() if not name.startswith(prefix)}
    return values, {n.removeprefix(prefix): value for n, value in fields.items() if n.startswith(prefix)}


def _changed(contact: Contact, done: RowChanges) -> Contact:
    attributes, tags = {**contact.attributes, **done.attributes}, (*contact.tags, *done.tags)
    return contact.model_copy(update={**done.values, "attributes": attributes, "tags": tags})


def _differs(old: object, new: object, only_empty: bool) -> bool:
    return old != new and (not only_empty or old in {None, ""})
