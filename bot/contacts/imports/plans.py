"""What a row changes: pure, so that the dry run and the import agree.

A "no" in the file is always taken, for everyone who has the number or address in its row (`claims.py` plans consents).
Phone, email and user ID of an existing contact are filled, never replaced. They are not even filled if a stranger may
be behind the contact: somebody who opened the chat without the site's signature would see a saved number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from bot.consent.changes import ConsentChange, address_change
from bot.contacts.imports.claims import ClaimPlanner
from bot.contacts.imports.people import KnownPeople, contact_of
from bot.contacts.imports.row_changes import ImportTerms, RowAddresses, RowChanges, row_key
from bot.contacts.imports.rows import Fault, WantedRow
from bot.errors import marked as _
from bot.model.contact import Contact, Role
from bot.model.contact_import import TEXTS, Existing, ImportChange
from bot.model.event import Action, Source

SEVERAL = _("%(count)s contacts have this email address or phone number. Add the user ID, or merge them first.")


class RowPlanner:
    """Plans the rows of one batch, in order: a row finds the contacts that earlier ones create."""

    def __init__(self, terms: ImportTerms, people: KnownPeople, earlier: Iterable[ImportChange] = ()) -> None:
        """`earlier`: what an interrupted run of this batch stored."""
        self._terms, self._people = terms, people
        self._earlier = {change.line: change for change in earlier}
        self._claims = ClaimPlanner(terms, people)
        self._addresses: dict[str, RowAddresses] = {}
        """Of contacts of earlier rows, after them."""

    def plan(self, row: WantedRow) -> RowChanges:
        done = RowChanges(row, faults=[*row.faults])
        own, found = contact_of(self._terms.job, row.line), self._found(row)
        if row.number and any(claim.subscription == TEXTS for claim in row.claims):
            done.stops = row.number
        if len(found) > 1 and not self._only_stops(row):
            done.faults.append(Fault(SEVERAL, {"count": str(len(found))}))
        if not done.faults and len(found) == 1:
            done.is_new = found[0].id == own
            self._change(done, found[0])
        elif not done.faults and not found and self._terms.plan.creates and not self._only_stops(row):
            self._create(done)
        self._take_no(done, [*found, *self._people.with_address(email=row.email, number=row.number)])
        return done

    def _found(self, row: WantedRow) -> list[Contact]:
        """The contacts that the row is about. What an interrupted run stored stays, even if the address moved since."""
        earlier = self._earlier.get(row.line)
        id = earlier.contact if earlier else contact_of(self._terms.job, row.line)
        if known := self._people.by_id.get(id):
            return [known]
        is_made_again = earlier is not None and earlier.created and id not in self._people.gone
        return self._people.of(row) if row.is_known and not is_made_again else []

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
            is_stored=False,
            **values,
        )
        done.contact = contact
        self._consent(done, contact, contact, RowAddresses(row.email or None, row.number or None))

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
        has = self._addresses_of(contact)
        if is_known_person(contact) and plan.existing is not Existing.SKIP:
            has = RowAddresses(has.email or row.email or None, has.number or row.number or None)
        self._consent(done, contact, _changed(contact, done), has)

    def _addresses_of(self, contact: Contact) -> RowAddresses:
        return self._addresses.get(contact.id) or RowAddresses(contact.email, contact.phone)

    def _consent(self, done: RowChanges, contact: Contact, after: Contact, has: RowAddresses) -> None:
        """`after` and `has`: the contact after this row, and their addresses."""
        known = self._addresses_of(contact)
        done.addresses = {
            **({"email": has.email} if has.email and not known.email else {}),
            **({"phone": has.number} if has.number and not known.number else {}),
        }
        self._addresses[contact.id] = has
        self._people.add(after, *has)
        for claim in done.row.claims:
            self._claims.plan(done, contact, claim, has)
        self._address(done, contact)

    def _address(self, done: RowChanges, contact: Contact) -> None:
        """A consent brings the number or address that it is for: it needs no event of its own then."""
        brought = {address for c in done.changes if c.action is Action.OPT_IN for address in (c.number, c.email)}
        missing = {name: value for name, value in done.addresses.items() if value not in brought}
        if missing:
            done.changes.insert(0, self._address_change(done, contact, missing))
        if spare := {name: value for name, value in done.addresses.items() if name not in missing}:
            done.spare = partial(self._address_change, done, contact, spare)

    def _address_change(self, done: RowChanges, contact: Contact, addresses: Mapping[str, str]) -> ConsentChange:
        key = row_key(self._terms.job, done.row.line, "+".join(sorted(addresses)))
        return address_change(
            contact.id,
            source=Source.IMPORT,
            actor=self._terms.actor,
            key=key,
            phone=addresses.get("phone"),
            email=addresses.get("email"),
        )

    def _take_no(self, done: RowChanges, found: Sequence[Contact]) -> None:
        """Opts out everyone else that a "no" may be about."""
        own = done.contact.id if done.contact else ""
        for contact in {contact.id: contact for contact in found if contact.id != own}.values():
            for claim in done.row.claims:
                if not claim.is_yes:
                    self._claims.plan(done, contact, claim, self._addresses_of(contact))

    def _tags(self, row: WantedRow) -> tuple[str, ...]:
        found = (self._terms.tags.get(tag.casefold()) for tag in row.tags)
        return tuple(dict.fromkeys(tag for tag in found if tag))


def is_known_person(contact: Contact) -> bool:
    """Whether no stranger can be behind the contact: it is a user of the site, or never opened the chat."""
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
