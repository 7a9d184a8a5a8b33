"""Segments: saved filters, shared by all teammates."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.errors import FormWrong, NotFound
from bot.errors import marked as _
from bot.model.base import new_id, now
from bot.model.filter import Filter
from bot.model.segment import Segment
from bot.model.teammate import By
from bot.store import Duplicate, Store

MOST = 500
TAKEN = _("A segment with this name already exists. Choose another name.")
TOO_MANY = _("You've reached the limit of %(most)s segments. Archive one to save another.")


@dataclass(frozen=True, slots=True)
class SegmentUse:
    """A message or a flow that uses a segment."""

    name: str
    path: str


class Segments:
    def __init__(self, store: Store) -> None:
        self._table = store.segments
        self.users: list[Callable[[str], Awaitable[Sequence[SegmentUse]]]] = []
        """What may use segments adds a function that tells where it uses one, by its id."""

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
        return [use for user in self.users for use in await user(id)]

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
        return segment

    async def duplicate(self, id: str, by: By) -> Segment:
        """Under the first free name. Raises NotFound and FormWrong."""
        original, names = await self.get(id), {segment.name for segment in await self.all()}
        number = next(n for n in range(2, MOST + 3) if f"{original.name[:75]} {n}" not in names)
        return await self.save(f"{original.name[:75]} {number}", original.filter, by)

    async def rename(self, id: str, name: str) -> Segment:
        """Raises NotFound and FormWrong."""
        return await self._change(id, {"name": name})

    async def set_filter(self, id: str, filter: Filter) -> Segment:
        """Raises NotFound."""
        return await self._change(id, {"filter": filter})

    async def archive(self, id: str) -> Segment:
        """What uses it still does. Raises NotFound."""
        return await self._change(id, {"archived_at": now()})

    async def restore(self, id: str) -> Segment:
        """Raises NotFound, and FormWrong if its name is taken meanwhile."""
        return await self._change(id, {"archived_at": None})

    async def _change(self, id: str, values: Mapping[str, object]) -> Segment:
        try:
            return await self._table.save(await self.get(id), {**values, "updated_at": now()})
        except Duplicate:
            raise FormWrong({"name": TAKEN}) from None
