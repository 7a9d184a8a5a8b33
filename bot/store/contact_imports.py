"""Imports of contacts: the uploaded files, their rows, and what they changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.model.base import now
from bot.model.contact_import import ContactImport, ImportChange, ImportPiece
from bot.store.driver import database_errors
from bot.store.job_items import KEPT_DAYS
from bot.store.repository import Repository


class ContactImportRepository(Repository[ContactImport]):
    name = "contact_imports"
    model = ContactImport
    indexes = (
        IndexModel([("created_at", DESCENDING)]),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    )

    async def newest(self, *, limit: int) -> list[ContactImport]:
        return await self.find({}, sort=[("created_at", -1)], limit=limit)

    async def change(
        self, id: str, values: Mapping[str, Any], *, only: Mapping[str, Any] | None = None
    ) -> ContactImport | None:
        """Sets these fields; None: it doesn't match `only`, or doesn't exist."""
        with database_errors():
            found = await self.collection.find_one_and_update(
                {"_id": id, **(only or {})}, {"$set": dict(values)}, return_document=True
            )
        return None if found is None else ContactImport.load(found)


class ImportPieceRepository(Repository[ImportPiece]):
    """The rows of files, a thousand or so in a document, so that any process can go on where another one stopped."""

    name = "import_pieces"
    model = ImportPiece
    indexes = (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),)

    async def keep_rows(self, piece: ImportPiece, lines: set[int], until: datetime) -> None:
        """Drops all rows but these."""
        kept = [(line, row) for line, row in zip(piece.lines, piece.rows, strict=True) if line in lines]
        values = {"lines": [line for line, _ in kept], "rows": [row for _, row in kept], "expires_at": until}
        await self.update({"_id": piece.id}, {"$set": values})

    async def expire(self, file: str) -> None:
        """Of a file that turned out to be none."""
        with database_errors():
            change = {"$set": {"lines": [], "rows": [], "expires_at": now()}}
            await self.collection.update_many({"_id": {"$gt": f"{file}:", "$lt": f"{file};"}}, change)


class ImportChangeRepository(Repository[ImportChange]):
    name = "import_changes"
    model = ImportChange
    indexes = (
        IndexModel([("at", ASCENDING)], expireAfterSeconds=KEPT_DAYS * 86_400),
        IndexModel([("contact", ASCENDING)]),
    )

    async def before(self, job: str, before: str, *, limit: int) -> list[ImportChange]:
        """The newest first: what was done last is undone first."""
        match = {"_id": {"$gt": f"{job}:", "$lt": before or f"{job};"}}
        return await self.find(match, sort=[("_id", -1)], limit=limit)
