"""Creating and changing contacts through the API. Phone and email change through the ledger (law 14); permission stays
with the number or address that it was given for."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from bot.consent.changes import address_change
from bot.consent.ledger import Ledger
from bot.consent.numbers import read_email, read_number
from bot.contacts.attributes import Attributes
from bot.contacts.service import ContactService, ContactValues
from bot.errors import ContactExists, NotFound
from bot.errors import marked as _
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.contact import Contact, Role
from bot.model.event import Actor, Source
from bot.model.teammate import By
from bot.model.workspace import Workspace
from bot.store import Duplicate, Store
from bot.workspace.audit import AuditLog

FIELDS = ("role", "external_id", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramEdit:
    """What a program sets: only the fields that it names. None removes. The same `key` again changes nothing."""

    key: str
    actor: Actor
    values: Mapping[str, Any] = field(default_factory=dict)
    """`role`, `external_id`, `name`, `phone`, `email`."""
    attributes: Mapping[str, str | float | bool | None] = field(default_factory=dict)
    last_seen_at: datetime | None = None

    @property
    def id(self) -> str:
        """Of the contact that it creates: a retry creates no second one."""
        return hashlib.sha256(f"contact:{self.key}".encode()).hexdigest()[:24]


class ProgramEdits:
    def __init__(self, store: Store, ledger: Ledger, contacts: ContactService, attributes: Attributes) -> None:
        self._store = store
        self._ledger = ledger
        self._contacts = contacts
        self._attributes = attributes
        self._audit = AuditLog(store)

    async def create(self, edit: ProgramEdit, workspace: Workspace) -> Contact:
        """A user if it has an external id or an email address and says no role. Raises ContactExists, NumberRefused,
        EmailRefused and FormWrong (an attribute): nothing was saved."""
        edit = _checked(edit, None, workspace)
        attributes = await self._attributes.read_values(edit.attributes)
        is_user = bool(edit.values.get("external_id") or edit.values.get("email"))
        role = edit.values.get("role") or (Role.USER if is_user else Role.LEAD)
        await self._refuse_twin(edit, role)
        time = now()
        contact = Contact(
            id=edit.id,
            role=role,
            external_id=edit.values.get("external_id"),
            name=edit.values.get("name"),
            attributes={key: value for key, value in attributes.items() if value is not None},
            last_seen_at=edit.last_seen_at,
            created_at=time,
            updated_at=time,
        )
        try:
            await self._contacts.create(contact)
        except Duplicate:
            raise await self._exists(edit.values["external_id"]) from None
        return await self._readdress(contact, edit)

    async def update(self, contact: Contact, edit: ProgramEdit, by: By, workspace: Workspace) -> Contact:
        """Raises ContactExists (of the external id), NumberRefused, EmailRefused and FormWrong: nothing was saved."""
        edit = _checked(edit, contact, workspace)
        attributes = await self._attributes.read_values(edit.attributes)
        values = _changed(contact, edit)
        new = {key: value for key, value in attributes.items() if value != contact.attributes.get(key)}
        try:
            if values or new:
                contact = await self._contacts.set_values(contact, values, new)
        except Duplicate:
            raise await self._exists(edit.values["external_id"]) from None
        after = await self._readdress(contact, edit)
        names = [*values, *(n for n in ("phone", "email") if getattr(after, n) != getattr(contact, n))]
        if changed := [*names, *(["attributes"] if new else [])]:
            await self._audit.record(by, AuditAction.CONTACT_EDITED, contact.id, detail=", ".join(changed))
        return after

    async def _readdress(self, contact: Contact, edit: ProgramEdit) -> Contact:
        """Records the addresses that change, in one event."""
        wanted = {name: edit.values[name] for name in ("phone", "email") if name in edit.values}
        changed = {name: value for name, value in wanted.items() if value != getattr(contact, name)}
        if changed:
            clears = [name for name, value in changed.items() if value is None]
            change = address_change(
                contact.id, source=Source.API, actor=edit.actor, key=f"api:{edit.key}:address",
                clears=clears or None, **{name: value for name, value in changed.items() if value},
            )  # fmt: skip
            await self._ledger.record(change)
        found = await self._ledger.contact(contact.id)
        if found is None:
            raise NotFound(_("Contact not found."))
        return found

    async def _refuse_twin(self, edit: ProgramEdit, role: Role) -> None:
        """Two users of one email address are one person, unless their external ids say otherwise."""
        external_id, email = edit.values.get("external_id"), edit.values.get("email")
        if external_id and (found := await self._store.contacts.by_external_id(external_id)) and found.id != edit.id:
            raise ContactExists(found.id, is_archived=found.archived_at is not None)
        if not email or external_id or role is Role.LEAD:
            return
        ids = await self._store.contacts.ids_with("email", [email])
        twins = (await self._store.contacts.get_many(ids - {edit.id})).values()
        for twin in sorted(twins, key=lambda twin: twin.created_at):
            if twin.role is Role.USER and not twin.is_gone:
                raise ContactExists(twin.id, is_archived=twin.archived_at is not None)

    async def _exists(self, external_id: str) -> ContactExists:
        found = await self._store.contacts.by_external_id(external_id)
        return ContactExists(found.id if found else "?", is_archived=bool(found and found.archived_at))


def _checked(edit: ProgramEdit, contact: Contact | None, workspace: Workspace) -> ProgramEdit:
    """With the addresses as they are stored. One that the contact has already may stay as it is."""
    values = dict(edit.values)
    if (phone := values.get("phone")) and not (contact and phone == contact.phone):
        values["phone"] = read_number(phone, workspace.default_region, workspace.texted).e164
    if (email := values.get("email")) and not (contact and email == contact.email):
        values["email"] = read_email(email)
    return replace(edit, values=values)


def _changed(contact: Contact, edit: ProgramEdit) -> ContactValues:
    values: ContactValues = {}
    for name in FIELDS:
        if name in edit.values and edit.values[name] != getattr(contact, name):
            values[name] = edit.values[name]  # type: ignore[literal-required]
    if edit.last_seen_at and edit.last_seen_at != contact.last_seen_at:
        values["last_seen_at"] = edit.last_seen_at
    return values
