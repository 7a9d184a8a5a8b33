"""The rows of uploaded files that are about a person: found by an index, taken out one by one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from bot.contacts.imports.columns import guessed_plan
from bot.contacts.imports.traces import Traces, cells_of_id, traces
from bot.model.contact_import import ContactImport, ImportPiece
from bot.store import Store


def row_keys(store: Store, rows: Iterable[Iterable[str]]) -> list[int]:
    """What a piece with these rows is found by."""
    cells = {cell for row in rows for cell in row}
    found = {trace for cell in cells for trace in traces(cell)}
    return sorted(store.keyed_numbers.short(trace) for trace in found)


class UploadedRows:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def erase(self, who: Traces, id_keys: Iterable[int] = ()) -> None:
        """Empties them, and moves no other row: an import goes on by the place of a row. `id_keys`: of user IDs."""
        async for piece, places in self.of(who, id_keys):
            await self._store.import_pieces.empty(piece, places, erased=True)

    async def of(self, who: Traces, id_keys: Iterable[int] = ()) -> AsyncIterator[tuple[ImportPiece, list[int]]]:
        """By piece, where its rows are about this person."""
        await self._store.keyed_numbers.prepare()
        short, ids = self._store.keyed_numbers.short, {*id_keys}
        own = frozenset(ids | {short(id.casefold()) for id in who.ids})
        async for piece in self._store.import_pieces.naming([*own, *map(short, who.all)]):
            file = await self._store.contact_imports.get(piece.of)
            places = await asyncio.to_thread(self._places, piece, file, who, own)
            if places:
                yield piece, places

    def _places(self, piece: ImportPiece, file: ContactImport | None, who: Traces, ids: frozenset[int]) -> list[int]:
        targets = _targets(file)
        regions = [file.plan.region] if file and file.plan else []
        place = targets.index("external_id") if "external_id" in targets else None
        is_mapped = bool(file and file.plan)
        short = self._store.keyed_numbers.short

        def is_theirs(row: list[str]) -> bool:
            has_id = bool(ids) and (place is not None or not is_mapped)
            if has_id and any(short(cell) in ids for cell in cells_of_id(row, place)):
                return True
            return who.may_be_in(row) and any(who.are_in(cell, regions) for cell in row)

        return [i for i, row in enumerate(piece.rows) if row and is_theirs(row)]


def _targets(file: ContactImport | None) -> tuple[str, ...]:
    """What the columns mean, or may mean by their names."""
    if file is None:
        return ()
    if file.plan:
        return file.plan.targets
    return guessed_plan(file.columns, (), {}, preset=file.preset, region="US").targets
