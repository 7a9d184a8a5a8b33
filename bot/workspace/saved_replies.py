"""Saved replies: shared by all teammates, with variables that are filled when one is inserted."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.errors import FormWrong, NotFound
from bot.errors import marked as _
from bot.model.audit import AuditAction
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.saved_reply import SavedReply
from bot.model.subscription import name_key
from bot.model.teammate import By, Teammate
from bot.model.workspace import Workspace
from bot.store import Duplicate, Store
from bot.workspace.audit import AuditLog

MOST = 200
"""Limit of saved replies: all of them are in the composer's menu."""
VARIABLES = ("first_name", "name", "teammate", "business")
PLACE = re.compile(r"\{\s*(\w+)\s*(?:\|([^{}]*))?\}")

UNKNOWN = _("Unknown variable: %(name)s. Use {first_name}, {name}, {teammate} or {business}.")
TOO_MANY = _("You've reached the limit of %(most)s saved replies. Delete one to add another.")
TAKEN = _("A saved reply with this name already exists. Choose another name.")


def filled(text: str, values: Mapping[str, str]) -> str:
    """`{first_name|there}` becomes the first name or, if it is not known, "there". Pure."""

    def value(place: re.Match[str]) -> str:
        if place[1].lower() not in VARIABLES:
            return place[0]
        return values.get(place[1].lower()) or (place[2] or "").strip()

    return PLACE.sub(value, text)


def values_for(contact: Contact, teammate: Teammate, workspace: Workspace) -> dict[str, str]:
    name = contact.name or ""
    first = (name.split() or [""])[0]
    return {"first_name": first, "name": name, "teammate": teammate.first_name, "business": workspace.name}


class SavedReplyService:
    def __init__(self, store: Store) -> None:
        self._table = store.saved_replies
        self._audit = AuditLog(store)

    async def all(self) -> list[SavedReply]:
        """Sorted by name."""
        return await self._table.by_name(limit=MOST)

    async def get(self, id: str) -> SavedReply:
        """Raises NotFound."""
        found = await self._table.get(id)
        if found is None or found.expires_at:
            raise NotFound(_("Saved reply not found."))
        return found

    async def create(self, name: str, text: str, by: By) -> SavedReply:
        """Raises FormWrong if the name is taken, a variable is unknown, or there are too many."""
        _check(text)
        if len(await self.all()) >= MOST:
            raise FormWrong({"": TOO_MANY}, most=str(MOST))
        reply = SavedReply(id=new_id(), name=name, text=text, by=by.id, updated_at=now())
        try:
            await self._table.insert(reply)
        except Duplicate:
            raise FormWrong({"name": TAKEN}) from None
        await self._audit.record(by, AuditAction.SAVED_REPLY_SAVED, name)
        return reply

    async def change(self, id: str, name: str | None, text: str | None, by: By) -> None:
        """None: stays as it is. Raises NotFound, or FormWrong like `create`."""
        _check(text or "")
        found = await self.get(id)
        values: dict[str, object] = {"by": by.id, "updated_at": now()}
        if name is not None:
            values |= {"name": name, "name_key": name_key(name)}
        if text is not None:
            values["text"] = text
        try:
            await self._table.update({"_id": id}, {"$set": values})
        except Duplicate:
            raise FormWrong({"name": TAKEN}) from None
        await self._audit.record(by, AuditAction.SAVED_REPLY_SAVED, name or found.name)

    async def remove(self, id: str, by: By) -> None:
        """Removing it again does nothing."""
        if (reply := await self._table.get(id)) and not reply.expires_at:
            await self._table.expire(id, now())
            await self._audit.record(by, AuditAction.SAVED_REPLY_REMOVED, reply.name)


def _check(text: str) -> None:
    for place in PLACE.finditer(text):
        if place[1].lower() not in VARIABLES:
            raise FormWrong({"text": UNKNOWN}, name=place[0])
