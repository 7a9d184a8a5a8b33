"""Tags: teammates name and delete them; contacts hold their ids."""

from __future__ import annotations

from bot.errors import FormWrong, NotFound
from bot.errors import marked as _
from bot.model.audit import AuditAction
from bot.model.base import new_id, now
from bot.model.subscription import name_key
from bot.model.tag import Tag
from bot.model.teammate import By
from bot.store import Duplicate, Store
from bot.workspace.audit import AuditLog

MOST = 1000
TAKEN = _("A tag with this name already exists. Choose another name.")
TOO_MANY = _("You've reached the limit of %(most)s tags. Delete one to add another.")


class Tags:
    def __init__(self, store: Store) -> None:
        self._table = store.tags
        self._audit = AuditLog(store)

    async def all(self) -> list[Tag]:
        """Those in use, by name."""
        return await self._table.in_use()

    async def get(self, id: str) -> Tag:
        """Raises NotFound."""
        tag = await self._table.get(id)
        if tag is None or tag.deleted_at:
            raise NotFound(_("Tag not found."))
        return tag

    async def create(self, name: str, by: By) -> Tag:
        """Raises FormWrong: the name is taken, or there are too many."""
        if len(await self.all()) >= MOST:
            raise FormWrong({"name": TOO_MANY}, most=str(MOST))
        tag = Tag(id=new_id(), name=name, by=by.id, created_at=now())
        try:
            await self._table.insert(tag)
        except Duplicate:
            raise FormWrong({"name": TAKEN}) from None
        await self._audit.record(by, AuditAction.TAG_CREATED, subject=name)
        return tag

    async def named(self, name: str, by: By) -> Tag:
        """The tag of this name, created if there is none: for imports and bulk changes. Raises FormWrong: there are too
        many."""
        for tag in await self.all():
            if name_key(tag.name) == name_key(name):
                return tag
        return await self.create(name, by)

    async def rename(self, id: str, name: str, by: By) -> Tag:
        """Raises NotFound, or FormWrong if the name is taken."""
        tag = await self.get(id)
        try:
            renamed = await self._table.save(tag, {"name": name})
        except Duplicate:
            raise FormWrong({"name": TAKEN}) from None
        await self._audit.record(by, AuditAction.TAG_RENAMED, subject=tag.name, detail=name)
        return renamed

    async def delete(self, id: str, by: By) -> Tag:
        """Contacts lose it at once: an id without a tag means nothing. Raises NotFound."""
        tag = await self._table.save(await self.get(id), {"deleted_at": now()})
        await self._audit.record(by, AuditAction.TAG_DELETED, subject=tag.name)
        return tag
