"""Uploaded files: their rows are stored in pieces, so that any process can check and import them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from bot.contacts.imports.columns import FIELDS, PARTS, check_plan, guessed_plan, preset_of
from bot.contacts.imports.reading import TableRow, read_table
from bot.contacts.imports.uploads import row_keys
from bot.errors import Conflict, Invalid, NotFound
from bot.errors import marked as _
from bot.model.base import new_id, now
from bot.model.contact_import import TEXTS, ContactImport, ImportPiece, ImportPlan
from bot.model.teammate import By
from bot.store import Store
from bot.workspace.wording import one_line

MOST_BYTES = 256 * 1024 * 1024
PIECE_ROWS, PIECE_CHARACTERS = 1000, 1_000_000
WAITS = timedelta(days=3)
"""How long a file that is not imported is kept."""
KEPT = timedelta(days=90)
"""How long an import can be seen and undone."""
ROWS_KEPT = timedelta(days=30)
"""How long the rows of an import are kept: to go on with it, and to download those that failed."""
NEWEST = 50


class ImportFiles:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def add(self, file: BinaryIO, name: str, size: int, by: By, *, encoding: str = "") -> ContactImport:
        """Stores the rows. `file` is read in a thread, and only here. Raises TableRefused: then nothing is kept."""
        table = await asyncio.to_thread(read_table, file, encoding)
        await self._store.keyed_numbers.prepare()
        id, until = new_id(), now() + WAITS
        batches = self._pieces(id, table.rows, until)
        rows = pieces = 0
        try:
            while piece := await asyncio.to_thread(next, batches, None):
                await self._store.import_pieces.insert_many([piece])
                rows, pieces = rows + len(piece.rows), pieces + 1
        except Invalid:
            await self._store.import_pieces.expire(id)
            raise
        found = ContactImport(
            id=id,
            file=str(one_line(name))[:200] or "file.csv",
            size=size,
            rows=rows,
            pieces=pieces,
            encoding=table.encoding,
            delimiter=table.delimiter,
            has_header=table.has_header,
            columns=table.columns,
            preset=preset_of(table.columns),
            by=by.id,
            by_name=by.name,
            created_at=now(),
            expires_at=until,
        )
        await self._store.contact_imports.insert(found)
        return found

    async def get(self, id: str) -> ContactImport:
        """Raises NotFound."""
        found = await self._store.contact_imports.get(id)
        if found is None:
            raise NotFound
        return found

    async def newest(self) -> list[ContactImport]:
        return await self._store.contact_imports.newest(limit=NEWEST)

    async def sample(self, file: ContactImport, count: int) -> list[list[str]]:
        """The first rows."""
        piece = await self._store.import_pieces.get(ImportPiece.key(file.id, 0))
        return [row for row in piece.rows if row][:count] if piece else []

    async def guess(self, file: ContactImport) -> ImportPlan:
        workspace, live, attributes = await asyncio.gather(
            self._store.workspaces.get("workspace"), self._store.subscriptions.live(), self._store.attributes.in_use()
        )
        region = workspace.default_region if workspace else "US"
        names = {attribute.key: attribute.name for attribute in attributes}
        return guessed_plan(file.columns, live, names, preset=file.preset, region=region)

    async def targets(self) -> dict[str, tuple[str, str]]:
        """Everything that a column can be: its label (a gettext id, or the name of an attribute), and the subscription
        it belongs to (`texts`: all)."""
        live, attributes = await asyncio.gather(self._store.subscriptions.live(), self._store.attributes.in_use())
        found = {name: (label, "") for name, label in FIELDS.items()}
        found |= {f"attribute:{attribute.key}": (attribute.name, "attributes") for attribute in attributes}
        for subscription in [*(subscription.id for subscription in live), TEXTS]:
            found |= {f"{part}:{subscription}": (label, subscription) for part, label in PARTS.items()}
        return found

    async def save(self, id: str, plan: ImportPlan) -> ContactImport:
        """What the columns hold. Raises FormWrong, NotFound, and Conflict once it is imported."""
        file = await self.get(id)
        live = {subscription.id: subscription for subscription in await self._store.subscriptions.live()}
        check_plan(plan, file.columns, await self.targets())
        if plan.everyone_in not in {"", *live} or plan.everyone_out not in {"", TEXTS, *live}:
            raise Invalid(_("This subscription is no longer available. No changes were made."))
        saved = await self._store.contact_imports.change(
            id, {"plan": plan.model_dump(exclude_none=True), "check": None}, only={"job": None}
        )
        if saved is None:
            raise Conflict
        return saved

    async def change(self, id: str, values: Mapping[str, Any]) -> ContactImport:
        """Raises NotFound."""
        changed = await self._store.contact_imports.change(id, values)
        if changed is None:
            raise NotFound
        return changed

    async def pieces(self, file: ContactImport) -> AsyncIterator[ImportPiece]:
        """What is left of its rows, in order."""
        for seq in range(file.pieces):
            if piece := await self._store.import_pieces.get(ImportPiece.key(file.id, seq)):
                yield piece

    def _pieces(self, id: str, rows: Iterator[TableRow], until: datetime) -> Iterator[ImportPiece]:
        for seq, batch in enumerate(_batches(rows)):
            cells = [row.cells for row in batch]
            yield ImportPiece(
                id=ImportPiece.key(id, seq),
                of=id,
                lines=[row.line for row in batch],
                rows=cells,
                names=row_keys(self._store, cells),
                expires_at=until,
            )


def _batches(rows: Iterator[TableRow]) -> Iterator[list[TableRow]]:
    batch: list[TableRow] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(len(cell) + 8 for cell in row.cells)  # an empty one is stored, too
        if len(batch) == PIECE_ROWS or size > PIECE_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
