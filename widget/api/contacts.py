"""Contacts: create, find, change, list, archive, delete."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field, model_validator

from bot.consent.assertions import Assertion
from bot.contacts.finder import NEWEST
from bot.contacts.program_edits import ProgramEdit
from bot.model.audit import AuditAction
from bot.model.contact import Contact, Role
from bot.model.event import Source
from bot.model.filter import Filter
from bot.shapes.base import ApiAnswer, Id, UnixTime
from bot.shapes.contact import ContactAnswer, CustomValue
from bot.workspace.access import Scope
from widget.api.contact_lookup import CONTACT_FAULTS, found_contact
from widget.api.faults import CONFLICT, NO_CONTACT, REFUSED, ApiRefusal
from widget.api.models import ApiBody
from widget.api.paging import NO_CURSOR, PagePlace, PageQuery, PagesAnswer
from widget.api.route import Call, Resource

PATH = "/contacts/{contact_id}"
NOT_STORED = "Accepted, but not stored."

contacts = Resource("Contacts", "People: users of your product or shop, and leads.")


class ContactBody(ApiBody):
    """Fields that are left out stay as they are; null removes."""

    role: Role | None = Field(None, strict=False, examples=["user"])
    external_id: str | None = Field(None, max_length=320, examples=["customer-4711"])
    email: str | None = Field(None, max_length=254, examples=["maya@example.com"])
    email_verified: bool | None = Field(None, description=NOT_STORED)
    phone: str | None = Field(None, max_length=50, examples=["+12015550123"])
    name: str | None = Field(None, max_length=120, examples=["Maya Okafor"])
    avatar: str | dict[str, Any] | None = Field(None, description=NOT_STORED)
    signed_up_at: UnixTime | None = Field(None, description=NOT_STORED, examples=[None])
    last_seen_at: UnixTime | None = Field(None, examples=[None])
    owner_id: str | int | None = Field(None, description=NOT_STORED)
    unsubscribed_from_emails: bool | None = Field(
        None, description="True opts the contact out of all email subscriptions. False never undoes an opt-out."
    )
    custom_attributes: dict[str, CustomValue] | None = Field(None, examples=[{"city": "Portland"}])

    @model_validator(mode="after")
    def _email_is_there(self) -> ContactBody:
        if self.email_verified is not None and not self.email:
            raise ValueError("email_verified needs an email in the same request")
        return self


class NewContact(ContactBody):
    """One of `email`, `external_id` and `role` is required."""

    @model_validator(mode="after")
    def _says_who(self) -> NewContact:
        if not (self.email or self.external_id or self.role):
            raise ValueError("One of email, external_id and role is required")
        return self


class ContactList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[ContactAnswer]
    total_count: int = Field(examples=[1], description="Exact up to 5,000, then rounded.")
    pages: PagesAnswer


class ContactReference(ApiAnswer):
    type: Literal["contact"] = "contact"
    id: Id
    external_id: str | None = Field(examples=["customer-4711"])


class ContactDeleted(ContactReference):
    deleted: Literal[True] = True


class ContactArchived(ContactReference):
    archived: bool = Field(examples=[True])


@contacts.get("/contacts", scope=Scope.READ_CONTACTS, errors=(NO_CURSOR,))
async def list_contacts(call: Call, query: PageQuery) -> ContactList:
    """List contacts.

    The newest first. Archived contacts are left out.
    """
    place = PagePlace(query)
    cursor = place.cursor(*NEWEST.kinds)
    page = await call.bot.finder.page(Filter(), NEWEST, cursor, place.per_page)
    total = (await call.bot.finder.count(Filter())).number
    return await listed(call, page.items, total, place.pages(page.next, total))


@contacts.post("/contacts", scope=Scope.WRITE_CONTACTS, errors=(CONFLICT, REFUSED))
async def create_contact(call: Call, body: NewContact) -> ContactAnswer:
    """Create a contact.

    A user if there is an `email` or `external_id` and no `role`. A lead with just a number is
    `{"role": "lead", "phone": "+12015550123"}`. The number or address isn't opted in to anything. If a user with
    this `external_id` or `email` exists, the answer is 409 `conflict` with their id.
    """
    made = await call.bot.program_edits.create(_edit(call, body), await call.bot.workspace())
    return await answered(call, await _out_of_emails(call, made, body))


@contacts.get(PATH, scope=Scope.READ_CONTACTS, errors=CONTACT_FAULTS)
async def show_contact(call: Call) -> ContactAnswer:
    """Find a contact.

    Archived contacts are found, too. A contact that was merged into another answers 410 with the header `Link`.
    """
    return await call.bot.contact_shapes.of(await found_contact(call))


@contacts.get("/contacts/find_by_external_id/{external_id}", scope=Scope.READ_CONTACTS, errors=(NO_CONTACT,))
async def show_contact_by_external_id(call: Call) -> ContactAnswer:
    """Find a contact by external id."""
    found = await call.bot.store.contacts.by_external_id(call.variable("external_id"))
    if found is None or found.is_gone:
        raise ApiRefusal(NO_CONTACT)
    return await call.bot.contact_shapes.of(await found_contact(call, found.id))


@contacts.put(PATH, scope=Scope.WRITE_CONTACTS, errors=(*CONTACT_FAULTS, CONFLICT, REFUSED))
async def update_contact(call: Call, body: ContactBody) -> ContactAnswer:
    """Update a contact.

    Another number or email address isn't opted in to anything: permission belongs to the one it was given for.
    """
    contact, workspace = await found_contact(call), await call.bot.workspace()
    after = await call.bot.program_edits.update(contact, _edit(call, body), call.by, workspace)
    return await answered(call, await _out_of_emails(call, after, body))


@contacts.delete(PATH, scope=Scope.BULK_CONTACTS, errors=CONTACT_FAULTS)
async def delete_contact(call: Call) -> ContactDeleted:
    """Delete a contact.

    Erases all of their personal data for good. What stays proves that the ledger is complete, and a STOP of their
    number stays in force.
    """
    contact = await found_contact(call)
    await call.bot.audit.record(call.by, AuditAction.CONTACT_ERASED, contact.id, key=contact.id)
    await call.bot.eraser.erase(contact.id, call.actor, Source.API)
    call.answers_about.append(contact.id)
    return ContactDeleted(id=contact.id, external_id=contact.external_id)


@contacts.post(f"{PATH}/archive", scope=Scope.WRITE_CONTACTS, errors=CONTACT_FAULTS)
async def archive_contact(call: Call) -> ContactArchived:
    """Archive a contact.

    Removes them from all lists, segments and audiences. Their consents don't change. They are unarchived when they come
    back to the chat.
    """
    return await _archived(call, is_archived=True)


@contacts.post(f"{PATH}/unarchive", scope=Scope.WRITE_CONTACTS, errors=CONTACT_FAULTS)
async def unarchive_contact(call: Call) -> ContactArchived:
    """Unarchive a contact."""
    return await _archived(call, is_archived=False)


async def listed(call: Call, found: Sequence[Contact], total: int, pages: PagesAnswer) -> ContactList:
    return ContactList(
        data=await call.bot.contact_shapes.of_many(found), total_count=max(total, len(found)), pages=pages
    )


async def answered(call: Call, contact: Contact) -> ContactAnswer:
    """The answer to a change."""
    call.answers_about.append(contact.id)
    return await call.bot.contact_shapes.of(contact)


async def _archived(call: Call, *, is_archived: bool) -> ContactArchived:
    contact = await call.bot.editor.archive(await found_contact(call), call.by, is_archived=is_archived)
    call.answers_about.append(contact.id)
    return ContactArchived(id=contact.id, external_id=contact.external_id, archived=is_archived)


async def _out_of_emails(call: Call, contact: Contact, body: ContactBody) -> Contact:
    if not body.unsubscribed_from_emails:
        return contact
    return await call.bot.assertions.opt_out_of_emails(contact, Assertion(actor=call.actor, key=call.key))


def values_of(body: ContactBody) -> dict[str, Any]:
    """What it sets; None removes."""
    given = body.model_dump(include={"role", "external_id", "email", "phone", "name"}, exclude_unset=True)
    return {name: value or None for name, value in given.items() if not (name == "role" and value is None)}


def _edit(call: Call, body: ContactBody) -> ProgramEdit:
    seen = datetime.fromtimestamp(body.last_seen_at, UTC) if body.last_seen_at is not None else None
    attributes = body.custom_attributes or {}
    return ProgramEdit(key=call.key, actor=call.actor, values=values_of(body), attributes=attributes, last_seen_at=seen)
