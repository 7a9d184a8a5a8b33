"""Creating, changing and deleting many contacts through the API: each one has a result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field, TypeAdapter

from bot.consent.assertions import Assertion, Assertions
from bot.consent.ledger import Ledger
from bot.contacts.erase import Eraser
from bot.contacts.program_edits import ProgramEdit, ProgramEdits
from bot.contacts.service import ContactService
from bot.errors import NotFound, SaysoError, StoreUnavailable
from bot.model.audit import AuditAction
from bot.model.base import Value
from bot.model.contact import Contact, Role
from bot.model.event import Actor, Source
from bot.model.teammate import By
from bot.model.workspace import Workspace
from bot.store import Store
from bot.workspace.audit import AuditLog

MOST = 100
"""Contacts of one request, as Intercom's."""


class BatchAction(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class BatchOutcome(StrEnum):
    """The values are public: the API names them."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    REJECTED = "rejected"


DONE = {
    BatchAction.CREATE: BatchOutcome.CREATED,
    BatchAction.UPDATE: BatchOutcome.UPDATED,
    BatchAction.DELETE: BatchOutcome.DELETED,
}


class BatchEdit(Value):
    """What a program wants of one contact, as a job keeps it. `id`: missing for a new one."""

    id: str = ""
    values: dict[str, str | None] = Field(default_factory=dict)
    """See `ProgramEdit.values`."""
    attributes: dict[str, bool | int | float | str | None] = Field(default_factory=dict)
    last_seen_at: datetime | None = None
    leaves_emails: bool = False
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()

    @property
    def program_values(self) -> dict[str, Any]:
        role = self.values.get("role")
        return {**self.values, **({"role": Role(role)} if role else {})}


EDITS = TypeAdapter(tuple[BatchEdit, ...])


@dataclass(frozen=True, slots=True)
class EditResult:
    outcome: BatchOutcome
    detail: str
    """The contact's id; of a rejected one, the code of the error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOrder:
    action: BatchAction
    actor: Actor
    by: By
    workspace: Workspace


class ProgramBatches:
    def __init__(self, store: Store, ledger: Ledger, contacts: ContactService, edits: ProgramEdits) -> None:
        self._store, self._ledger, self._contacts, self._edits = store, ledger, contacts, edits
        self._assertions, self._eraser = Assertions(store, ledger), Eraser(store, ledger)
        self._audit = AuditLog(store)

    async def carry_out(self, edit: BatchEdit, order: BatchOrder, key: str) -> EditResult:
        """Repeating it with the same `key` changes nothing. Raises StoreUnavailable."""
        try:
            return EditResult(DONE[order.action], await self._carry_out(edit, order, key))
        except StoreUnavailable:
            raise
        except SaysoError as error:
            return EditResult(BatchOutcome.REJECTED, error.code)

    async def _carry_out(self, edit: BatchEdit, order: BatchOrder, key: str) -> str:
        if order.action is BatchAction.DELETE:
            return await self._delete(edit.id, order)
        wanted = ProgramEdit(
            key=key,
            actor=order.actor,
            values=edit.program_values,
            attributes=edit.attributes,
            last_seen_at=edit.last_seen_at,
        )
        if order.action is BatchAction.CREATE:
            contact = await self._created(wanted, order)
        else:
            contact = await self._edits.update(await self._found(edit.id), wanted, order.by, order.workspace)
        await self._follow(contact, edit, order, key)
        return contact.id

    async def _created(self, wanted: ProgramEdit, order: BatchOrder) -> Contact:
        """An interrupted job may have created them already."""
        made = await self._ledger.contact(wanted.id)
        if made is None:
            return await self._edits.create(wanted, order.workspace)
        return await self._edits.update(made, wanted, order.by, order.workspace)

    async def _delete(self, id: str, order: BatchOrder) -> str:
        """One that is deleted already stays deleted: an interrupted job may have done it."""
        contact = await self._ledger.contact(id)
        if contact is None or contact.merged_into:
            raise NotFound
        if contact.erased_at is None:
            await self._audit.record(order.by, AuditAction.CONTACT_ERASED, id, key=id)
            await self._eraser.erase(id, order.actor, Source.API)
        return id

    async def _follow(self, contact: Contact, edit: BatchEdit, order: BatchOrder, key: str) -> None:
        if edit.leaves_emails:
            await self._assertions.opt_out_of_emails(contact, Assertion(actor=order.actor, key=key))
        if edit.add_tags:
            known = await self._store.tags.get_many(edit.add_tags)
            await self._contacts.add_tags([contact.id], [tag.id for tag in known.values() if tag.deleted_at is None])
        if edit.remove_tags:
            await self._contacts.remove_tags([contact.id], edit.remove_tags)

    async def _found(self, id: str) -> Contact:
        found = await self._ledger.contact(id)
        if found is None or found.is_gone:
            raise NotFound
        return found
