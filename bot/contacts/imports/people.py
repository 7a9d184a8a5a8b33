"""The contacts that the rows of a batch are about: by user ID, then email address, then number. Pure."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from bot.contacts.imports.rows import WantedRow
from bot.model.contact import Contact


def contact_of(job: str, line: int) -> str:
    """The id of the contact that this row creates: the same one when the batch is repeated. The job's id is random, so
    nobody can guess it."""
    return hashlib.sha256(f"{job}:{line}".encode()).hexdigest()[:24]


class KnownPeople:
    """The contacts that a batch may be about. Rows that come later find those that earlier ones create."""

    def __init__(self, contacts: Iterable[Contact]) -> None:
        self.by_id: dict[str, Contact] = {}
        self.gone: set[str] = set()
        """Those who were erased or merged since an earlier run of the batch created them."""
        self._by_external: dict[str, str] = {}
        self._by_email: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._by_number: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for contact in contacts:
            self.add(contact, contact.email, contact.phone)

    def add(self, contact: Contact, email: str | None, number: str | None) -> None:
        self.by_id[contact.id] = contact
        if contact.external_id:
            self._by_external[contact.external_id] = contact.id
        if email and not contact.is_unverified("email"):  # anybody could have typed it
            self._by_email[email.casefold()][contact.id] = None
        if number:
            self._by_number[number][contact.id] = None

    def of(self, row: WantedRow) -> list[Contact]:
        """One contact; none if nobody matches; several if the match is ambiguous."""
        if row.external_id and (known := self._by_external.get(row.external_id)):
            return [self.by_id[known]]
        for found in (self._by_email.get(row.email.casefold()), self._by_number.get(row.number)):
            people = [self.by_id[id] for id in found or ()]
            if row.external_id:  # a user with another ID is somebody else
                people = [contact for contact in people if not contact.external_id]
            if people:
                return people
        return []

    def with_address(self, *, email: str = "", number: str = "") -> list[Contact]:
        """Everyone who has this email address or this number."""
        found = {**self._by_email.get(email.casefold(), {}), **self._by_number.get(number, {})}
        return [self.by_id[id] for id in found]
