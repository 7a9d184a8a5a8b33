"""Editing a contact in their profile. Phone and email change through the ledger (law 14). A new number or address isn't
opted in: permission belongs to the one it was given for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from bot.consent.changes import ConsentChange, address_change
from bot.consent.ledger import Ledger
from bot.consent.numbers import read_email, read_number
from bot.contacts.attributes import Attributes
from bot.contacts.service import ContactService, ContactValues
from bot.errors import FormWrong, NotFound
from bot.errors import marked as _
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.contact import ConsentState, Contact
from bot.model.event import NOWHERE, Actor, Context, Source
from bot.model.teammate import By
from bot.model.workspace import Workspace
from bot.store import Duplicate, Store
from bot.workspace.audit import AuditLog

CHANGES_NUMBER = _("The new number isn't opted in to anything. Confirm the change.")
CHANGES_EMAIL = _("The new email address isn't opted in to anything. Confirm the change.")
TAKEN = _("Another contact has this user ID. Merge the two instead.")
FIELDS = ("name", "external_id", "locale", "time_zone")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactEdit:
    """What a teammate typed; empty values remove. The same `key` again changes nothing."""

    key: str
    name: str = ""
    external_id: str = ""
    phone: str = ""
    email: str = ""
    locale: str = "en"
    time_zone: str = ""
    tags: Sequence[str] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    confirmed: bool = False
    """They know that the new number or address is not opted in."""
    context: Context = NOWHERE


class ContactEditor:
    def __init__(self, store: Store, ledger: Ledger, contacts: ContactService, attributes: Attributes) -> None:
        self._store = store
        self._ledger = ledger
        self._contacts = contacts
        self._attributes = attributes
        self._audit = AuditLog(store)

    async def edit(self, id: str, edit: ContactEdit, by: By, workspace: Workspace) -> Contact:
        """Raises FormWrong, NumberRefused or EmailRefused (nothing was saved), NotFound, and Conflict."""
        contact = await self._ledger.contact(id)
        if contact is None or contact.is_gone:
            raise NotFound(_("Contact not found."))
        phone, email = _addresses(contact, edit, workspace)
        attributes = await self._attributes.read(edit.attributes)
        values = _values(contact, edit)
        new = {key: value for key, value in attributes.items() if value != contact.attributes.get(key)}
        try:
            await self._contacts.set_values(contact, values, new)
        except Duplicate:
            raise FormWrong({"external_id": TAKEN}) from None
        for name, address in (("phone", phone), ("email", email)):
            if address != getattr(contact, name):
                await self._ledger.decide(contact, partial(_readdressed, name, address, edit, by))
        tags = await self._tag(contact, edit.tags)
        moved = [name for name, value in (("phone", phone), ("email", email)) if value != getattr(contact, name)]
        if changed := [*values, *moved, *(["attributes"] if new else []), *tags]:
            await self._audit.record(by, AuditAction.CONTACT_EDITED, id, detail=", ".join(changed))
        return await self._ledger.contact(id) or contact

    async def archive(self, contact: Contact, by: By, *, is_archived: bool) -> Contact:
        """Takes them off all lists and audiences, or puts them back."""
        if is_archived == (contact.archived_at is not None):
            return contact
        changed = await self._contacts.set_values(contact, {"archived_at": now() if is_archived else None})
        action = AuditAction.CONTACT_ARCHIVED if is_archived else AuditAction.CONTACT_UNARCHIVED
        await self._audit.record(by, action, contact.id)
        return changed

    async def _tag(self, contact: Contact, tags: Sequence[str]) -> list[str]:
        known = {tag.id for tag in await self._store.tags.in_use()}
        wanted, had = known & {*tags}, known & {*contact.tags}
        if wanted - had:
            await self._contacts.add_tags([contact.id], sorted(wanted - had))
        if had - wanted:
            await self._contacts.remove_tags([contact.id], sorted(had - wanted))
        return ["tags"] if wanted != had else []


def loses_consent(contact: Contact, name: str) -> bool:
    """Whether there is a yes, or a question, that another `phone` or `email` ends."""
    answers = {ConsentState.OPTED_IN, ConsentState.PENDING}
    address = getattr(contact, name)
    return any(c.state in answers and address and address in {c.number, c.email} for c in contact.consents)


def _addresses(contact: Contact, edit: ContactEdit, workspace: Workspace) -> tuple[str | None, str | None]:
    """The new number and email address."""
    phone, email = _phone(contact, edit, workspace), _email(contact, edit)
    if not edit.confirmed:
        if phone != contact.phone and loses_consent(contact, "phone"):
            raise FormWrong({"confirmed": CHANGES_NUMBER})
        if email != contact.email and loses_consent(contact, "email"):
            raise FormWrong({"confirmed": CHANGES_EMAIL})
    return phone, email


def _phone(contact: Contact, edit: ContactEdit, workspace: Workspace) -> str | None:
    """An invalid number that was there before may stay."""
    if not edit.phone or edit.phone == contact.phone:
        return edit.phone or None
    return read_number(edit.phone, workspace.default_region, workspace.texted).e164


def _email(contact: Contact, edit: ContactEdit) -> str | None:
    if not edit.email or edit.email == contact.email:
        return edit.email or None
    return read_email(edit.email)


def _values(contact: Contact, edit: ContactEdit) -> ContactValues:
    typed = {name: getattr(edit, name) or None for name in FIELDS}
    values: ContactValues = {}
    for name, value in typed.items():
        if value != getattr(contact, name) and not (name == "locale" and value is None):
            values[name] = value  # type: ignore[literal-required]
    return values


async def _readdressed(name: str, address: str | None, edit: ContactEdit, by: By, judged: Contact) -> ConsentChange:
    return address_change(
        judged.id,
        source=Source.PROFILE,
        actor=Actor(kind="teammate", id=by.id),
        phone=address if name == "phone" else None,
        email=address if name == "email" else None,
        clears=None if address else [name],
        context=edit.context,
        key=f"edit:{edit.key}:{name}",
    )
