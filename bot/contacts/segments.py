"""Segments: saved filters, shared by all teammates."""

from __future__ import annotations

from collections.abc import Mapping

from bot.contacts.segment_uses import USERS, SegmentUse
from bot.errors import FormWrong, NotFound
from bot.errors import marked as _
from bot.model.audit import AuditAction
from bot.model.base import new_id, now
from bot.model.filter import Filter
from bot.model.segment import Segment
from bot.model.teammate import By
from bot.store import Duplicate, Store
from bot.workspace.audit import AuditLog

MOST = 500
TAKEN = _("A segment with this name already exists. Choose another name.")
TOO_MANY = _("You've reached the limit of %(most)s segments. Archive one to save another.")


class Segments:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._table = store.segments
        self._audit = AuditLog(store)

    async def all(self) -> list[Segment]:
        """Those in use, by name."""
        return await self._table.in_use()

    async def archived(self) -> list[Segment]:
        return [segment for segment in await self._table.all() if segment.archived_at]

    async def get(self, id: str) -> Segment:
        """Raises NotFound."""
        segment = await self._table.get(id)
        if segment is None:
            raise NotFound(_("Segment not found."))
        return segment

    async def used_by(self, id: str) -> list[SegmentUse]:
        return [use for uses in USERS for use in await uses(self._store, id)]

    async def save(self, name: str, filter: Filter, by: By) -> Segment:
        """Raises FormWrong: the name is taken, or there are too many."""
        if len(await self.all()) >= MOST:
            raise FormWrong({"name": TOO_MANY}, most=str(MOST))
        time = now()
        segment = Segment(id=new_id(), name=name, filter=filter, by=by.id, created_at=time, updated_at=time)
        try:
            await self._table.insert(segment)
        except Duplicate:
            raise FormWrong({"name": TAKEN}) from None
        await self._audit.record(by, AuditAction.SEGMENT_SAVED, name)
        return segment

    async def duplicate(self, id: str, by: By) -> Segment:
        """Under the first free name. Raises NotFound and FormWrong."""
        original, names = await self.get(id), {segment.name for segment in await self.all()}
        number = next(n for n in range(2, MOST + 3) if f"{original.name[:75]} {n}" not in names)
        return await self.save(f"{original.name[:75]} {number}", original.filter, by)

    async def rename(self, id: str, name: str, by: By) -> Segment:
        """Raises NotFound and FormWrong."""
        return await self._change(id, {"name": name}, by, AuditAction.SEGMENT_RENAMED, detail=name)

    async def set_filter(self, id: str, filter: Filter, by: By) -> Segment:
        """Raises NotFound."""
        return await self._change(id, {"filter": filter}, by, AuditAction.SEGMENT_CHANGED)

    async def archive(self, id: str, by: By) -> Segment:
        """Flows and messages that use it keep working. Raises NotFound."""
        return await self._change(id, {"archived_at": now()}, by, AuditAction.SEGMENT_ARCHIVED)

    async def restore(self, id: str, by: By) -> Segment:
        """Raises NotFound, and FormWrong if its name is taken meanwhile."""
        return await self._change(id, {"archived_at": None}, by, AuditAction.SEGMENT_RESTORED)

    async def _change(
        self, id: str, values: Mapping[str, object], by: By, action: AuditAction, *, detail: str = ""
    ) -> Segment:
        before = await self.get(id)
        try:
            after = await self._table.save(before, {**values, "updated_at": now()})
        except Duplicate:
            raise FormWrong({"name": TAKEN}) from None
        await self._audit.record(by, action, before.name, detail=detail)
        return after
