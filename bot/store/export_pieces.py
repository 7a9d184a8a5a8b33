"""Files of exports, in pieces; kept for a week."""

from __future__ import annotations

from collections.abc import AsyncIterator

from pymongo import ASCENDING, IndexModel

from bot.model.export import ExportPiece
from bot.store.driver import READ_MS, Duplicate, database_errors
from bot.store.repository import Repository

KEPT_DAYS = 7


class ExportPieceRepository(Repository[ExportPiece]):
    name = "export_pieces"
    model = ExportPiece
    indexes = (IndexModel([("at", ASCENDING)], expireAfterSeconds=KEPT_DAYS * 86_400),)

    async def keep_first(self, piece: ExportPiece) -> ExportPiece:
        """The piece as it is stored: another run of the same batch may have been first."""
        try:
            await self.insert(piece)
        except Duplicate:
            return await self.get(piece.id) or piece
        return piece

    async def read(self, job: str, pieces: int) -> AsyncIterator[bytes]:
        """The first pieces of a job's file, in order."""
        match = {"_id": {"$gte": f"{job}:", "$lt": ExportPiece.id_of(job, pieces)}}
        cursor = self.collection.find(match, sort=[("_id", 1)], batch_size=1, max_time_ms=READ_MS)
        with database_errors():
            async for raw in cursor:
                yield raw["data"]

    async def has_file(self, job: str) -> bool:
        """Whether the file is still kept."""
        return bool(await self.existing([ExportPiece.id_of(job, 0)]))
