"""Imports of contacts: the uploaded files, their rows, and what they changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.model.base import now
from bot.model.contact_import import ContactImport, ImportChange, ImportPiece
from bot.model.paging import Cursor
from bot.store.driver import READ_MS, database_errors
from bot.store.job_items import KEPT_DAYS
from bot.store.paging import following
from bot.store.repository import Repository


class ContactImportRepository(Repository[ContactImport]):
    name = "contact_imports"
    model = ContactImport
    indexes = (
        IndexModel([("created_at", DESCENDING)]),
        IndexModel([("plan.note", ASCENDING)], partialFilterExpression={"plan.note": {"$gt": ""}}),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    )

    async def newest(self, *, limit: int) -> list[ContactImport]:
        return await self.find({}, sort=[("created_at", -1)], limit=limit)

    async def with_note(self, *, limit: int = 1000) -> list[ContactImport]:
        """Those that wait to be imported; the events have the notes of the others."""
        return await self.find({"plan.note": {"$gt": ""}}, limit=limit)

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
    """The rows of files, a thousand or so in a document, so that any process can continue where another one stopped."""

    name = "import_pieces"
    model = ImportPiece
    indexes = (
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
        IndexModel([("names", ASCENDING)]),
    )

    async def empty(self, piece: ImportPiece, places: Sequence[int], *, erased: bool = False) -> None:
        """Empties these rows where they are. What others emptied meanwhile stays so."""
        if len(places) == len(piece.rows) and not erased:
            await self.update({"_id": piece.id}, {"$set": {"lines": [], "rows": [], "names": []}})
        elif places:
            change: dict[str, Any] = {"$set": {f"rows.{place}": [] for place in places}}
            if erased:
                change["$addToSet"] = {"erased": {"$each": [piece.lines[place] for place in places]}}
            await self.update({"_id": piece.id, f"rows.{max(places)}": {"$exists": True}}, change)

    async def naming(self, names: Sequence[int]) -> AsyncIterator[ImportPiece]:
        """The pieces with one of these."""
        cursor = self.collection.find({"names": {"$in": [*names]}}, batch_size=2, max_time_ms=READ_MS)
        with database_errors():
            async for raw in cursor:
                yield ImportPiece.load(raw)

    async def erased_lines(self, id: str) -> set[int]:
        """The rows of a piece that may have been read before somebody was erased."""
        with database_errors():
            raw = await self.collection.find_one({"_id": id}, {"erased": 1}, max_time_ms=READ_MS)
        return {*(raw or {}).get("erased", ())}

    async def keep_until(self, file: str, time: datetime) -> int:
        """Sets one expiry for all pieces of a file. Returns how many there are."""
        with database_errors():
            change = {"$set": {"expires_at": time}}
            return int((await self.collection.update_many(_pieces_of(file), change)).matched_count)

    async def expire(self, file: str) -> None:
        """Empties the pieces of an upload that failed, and lets the database delete them."""
        with database_errors():
            change = {"$set": {"lines": [], "rows": [], "names": [], "expires_at": now()}}
            await self.collection.update_many(_pieces_of(file), change)


def _pieces_of(file: str) -> dict[str, Any]:
    return {"_id": {"$gt": f"{file}:", "$lt": f"{file};"}}


class ImportChangeRepository(Repository[ImportChange]):
    name = "import_changes"
    model = ImportChange
    indexes = (
        IndexModel([("at", ASCENDING)], expireAfterSeconds=KEPT_DAYS * 86_400),
        IndexModel([("contact", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)]),
    )
    old_indexes = frozenset({"contact_1"})

    async def before(self, job: str, before: str, *, limit: int) -> list[ImportChange]:
        """The newest first: what was done last is undone first."""
        match = {"_id": {"$gt": f"{job}:", "$lt": before or f"{job};"}}
        return await self.find(match, sort=[("_id", -1)], limit=limit)

    async def of_contact(self, contact: str, after: Cursor | None, limit: int) -> list[ImportChange]:
        """The newest first, by time and id."""
        order = [("at", -1), ("_id", -1)]
        return await self.find({"contact": contact, **following(order, after)}, sort=order, limit=limit)
