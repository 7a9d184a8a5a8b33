"""Files of exports, in pieces; kept for a week."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from datetime import datetime

from pymongo import ASCENDING, IndexModel

from bot.model.export import ExportPiece
from bot.store.driver import READ_MS, Duplicate, database_errors
from bot.store.repository import Repository

KEPT_DAYS = 7


class ExportPieceRepository(Repository[ExportPiece]):
    name = "export_pieces"
    model = ExportPiece
    indexes = (
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
        IndexModel([("lines.contact", ASCENDING)]),
    )

    async def keep_first(self, piece: ExportPiece) -> ExportPiece:
        """The piece as it is stored: another run of the same batch may have been first."""
        try:
            await self.insert(piece)
        except Duplicate:
            return await self.get(piece.id) or piece
        return piece

    async def take_out(self, contacts: Collection[str]) -> None:
        """Deletes the lines of these contacts from every file."""
        match = {"$in": [*contacts]}
        with database_errors():
            await self.collection.update_many({"lines.contact": match}, {"$pull": {"lines": {"contact": match}}})

    async def keep_until(self, job: str, time: datetime) -> int:
        """Sets one expiry for all pieces of a file. Returns how many there are."""
        with database_errors():
            match = {"_id": {"$gte": f"{job}:", "$lt": f"{job};"}}
            return int((await self.collection.update_many(match, {"$set": {"expires_at": time}})).matched_count)

    async def read(self, job: str, pieces: int) -> AsyncIterator[bytes]:
        """The first pieces of a job's file, in order."""
        match = {"_id": {"$gte": f"{job}:", "$lt": ExportPiece.id_of(job, pieces)}}
        cursor = self.collection.find(match, sort=[("_id", 1)], batch_size=1, max_time_ms=READ_MS)
        with database_errors():
            async for raw in cursor:
                yield ExportPiece.load(raw).data

    async def has_file(self, job: str, time: datetime) -> bool:
        """Whether all of the file is still kept: its pieces expire together, and go one after the other."""
        piece = await self.get(ExportPiece.id_of(job, 0))
        return piece is not None and piece.expires_at > time
