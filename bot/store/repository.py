"""The base of all repositories: batched reads, inserts and updates of one collection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar, Generic, TypeVar

import pymongo
from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import IndexModel, UpdateOne
from pymongo.errors import BulkWriteError

from bot.aio.batching import Batcher
from bot.errors import StoreUnavailable
from bot.model.base import Document
from bot.store.driver import DURABLE, READ_MS, Duplicate, database_errors, in_time

INDEX_SECONDS = 3600
"""How long a new index of a large collection may take."""

D = TypeVar("D", bound=Document)
Update = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""What an update sets, or the stages by which it computes that."""


class Repository(Generic[D]):
    """One collection. Concurrent calls of `get`, `insert` and `update` share round trips."""

    name: ClassVar[str]
    model: type[D]
    indexes: ClassVar[Sequence[IndexModel]] = ()
    old_indexes: ClassVar[frozenset[str]] = frozenset()
    """Indexes of earlier versions, to be dropped."""

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        self.collection = database.get_collection(self.name, write_concern=DURABLE)
        self._get = Batcher(self._get_round)
        self._insert = Batcher(self._insert_round)
        self._update = Batcher(self._update_round)

    async def make_indexes(self) -> None:
        with database_errors(), pymongo.timeout(INDEX_SECONDS):  # otherwise that of a socket ends it
            if self.indexes:
                await self.collection.create_indexes(list(self.indexes))
            for name in self.old_indexes and self.old_indexes & (await self.collection.index_information()).keys():
                await self.collection.drop_index(name)

    async def get(self, id: str) -> D | None:
        return await self._get(id)

    async def get_many(self, ids: Iterable[str]) -> dict[str, D]:
        """The documents that exist, by id, in one query."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        return {document.id: document for document in await self.find({"_id": {"$in": wanted}}, limit=len(wanted))}

    async def insert(self, document: D) -> None:
        """Raises Duplicate."""
        await self._insert(document)

    async def keep(self, document: D) -> None:
        """Inserts the document unless it exists."""
        with suppress(Duplicate):
            await self.insert(document)

    async def insert_many(self, documents: Sequence[D]) -> list[bool]:
        """In one round trip. False for documents refused because their id or a unique value is taken."""
        return await self.insert_raw([document.stored() for document in documents])

    async def insert_raw(self, documents: Sequence[dict[str, Any]]) -> list[bool]:
        """The same, for documents as they are stored."""
        if not documents:
            return []
        refused = [False] * len(documents)
        with database_errors():
            try:
                await self.collection.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                for index in duplicates(error):
                    refused[index] = True
        return [not r for r in refused]

    async def update(self, match: Mapping[str, Any], change: Update) -> None:
        """Updates the matching document, if there is one."""
        await self._update((match, change))

    async def update_many(self, updates: Sequence[tuple[Mapping[str, Any], Update]]) -> list[bool]:
        """In one round trip. False for updates refused because a unique value is taken."""
        if not updates:
            return []
        refused: set[int] = set()
        with database_errors():
            try:
                await self.collection.bulk_write([UpdateOne(m, c) for m, c in updates], ordered=False)
            except BulkWriteError as error:
                refused = set(duplicates(error))
        return [i not in refused for i in range(len(updates))]

    async def find(
        self,
        match: Mapping[str, Any],
        *,
        sort: Sequence[tuple[str, int]] = (),
        limit: int,
        hint: str | Sequence[tuple[str, int]] | None = None,
    ) -> list[D]:
        """At most `limit` documents: no page grows with the data."""
        cursor = self.collection.find(match, limit=limit, max_time_ms=READ_MS, batch_size=limit)
        if sort:
            cursor = cursor.sort(list(sort))
        if hint:
            cursor = cursor.hint(hint)
        with database_errors():
            return [self.model.load(raw) for raw in await cursor.to_list(limit)]

    async def find_one(self, match: Mapping[str, Any], *, sort: Sequence[tuple[str, int]] = ()) -> D | None:
        found = await self.find(match, sort=sort, limit=1)
        return found[0] if found else None

    async def matching(
        self,
        match: Mapping[str, Any],
        *,
        sort: Sequence[tuple[str, int]],
        limit: int,
        hint: str | None,
        time_limit: int,
    ) -> list[D]:
        """By this index. Raises FilterTooBroad after `time_limit` milliseconds."""
        cursor = self.collection.find(match, limit=limit, sort=list(sort), max_time_ms=time_limit, batch_size=limit)
        with in_time():
            return [self.model.load(raw) for raw in await (cursor.hint(hint) if hint else cursor).to_list(limit)]

    async def count_matching(self, match: Mapping[str, Any], *, limit: int, hint: str | None, time_limit: int) -> int:
        """At most `limit`. Raises FilterTooBroad."""
        by: dict[str, Any] = {"hint": hint} if hint else {}
        with in_time():
            return int(await self.collection.count_documents(match, limit=limit, maxTimeMS=time_limit, **by))

    async def page(self, after: str, *, limit: int) -> list[D]:
        """The next documents in order of `_id`."""
        return [self.model.load(raw) for raw in await self.page_raw(after, limit=limit)]

    async def page_raw(self, after: str, *, limit: int) -> list[dict[str, Any]]:
        """The same as stored documents, to check them against what was written."""
        cursor = self.collection.find({"_id": {"$gt": after}}, sort=[("_id", 1)], limit=limit, max_time_ms=READ_MS)
        with database_errors():
            return list(await cursor.to_list(limit))

    async def scan(self, *, batch: int = 1000, after: str = "") -> AsyncIterator[list[D]]:
        """All documents in order of `_id`, `batch` at a time, in constant memory."""
        while page := await self.page(after, limit=batch):
            yield page
            after = page[-1].id

    async def all_of(
        self, match: Mapping[str, Any], *, sort: Sequence[tuple[str, int]], batch: int = 200
    ) -> AsyncIterator[list[D]]:
        """Everything of one owner, `batch` at a time: only the ids are in memory. A reader may be as slow as they
        like."""
        cursor = self.collection.find(match, {"_id": 1}, sort=list(sort), max_time_ms=READ_MS)
        with database_errors():
            ids = [raw["_id"] for raw in await cursor.to_list(None)]
        for start in range(0, len(ids), batch):
            some = ids[start : start + batch]
            found = await self.get_many(some)
            yield [found[id] for id in some if id in found]

    async def existing(self, ids: Iterable[str]) -> set[str]:
        """The ids that exist, from the index alone."""
        wanted = list(ids)
        cursor = self.collection.find({"_id": {"$in": wanted}}, {"_id": 1}, max_time_ms=READ_MS)
        with database_errors():
            return {raw["_id"] for raw in await cursor.to_list(len(wanted) or 1)}

    async def count_about(self) -> int:
        """An estimate from the collection's metadata."""
        with database_errors():
            return int(await self.collection.estimated_document_count())

    async def _get_round(self, ids: list[str]) -> list[D | None]:
        found = await self.get_many(ids)
        return [found.get(id) for id in ids]

    async def _insert_round(self, documents: list[D]) -> list[Exception | None]:
        return [None if done else Duplicate() for done in await self.insert_many(documents)]

    async def _update_round(self, updates: list[tuple[Mapping[str, Any], Update]]) -> list[Exception | None]:
        return [None if done else Duplicate() for done in await self.update_many(updates)]


def duplicates(error: BulkWriteError) -> list[int]:
    """Indexes of the duplicates in a bulk write. Raises any other error."""
    details = error.details or {}
    faults = details.get("writeErrors", [])
    if any(fault["code"] != 11000 for fault in faults):
        raise error
    if details.get("writeConcernErrors"):
        raise StoreUnavailable from error
    return [fault["index"] for fault in faults]


def beginning(field: str, words: Sequence[str]) -> dict[str, Any]:
    """Matches documents whose array `field` contains, for each of `words`, a word that starts with it (letters and
    digits only).

    The longest word comes first, since it matches the fewest documents.
    """
    ranges = [{field: {"$elemMatch": {"$gte": w, "$lt": f"{w}\uffff"}}} for w in sorted(words, key=len, reverse=True)]
    return {"$and": [*ranges, {field: {"$exists": True}}]}


async def make_all_indexes(tables: Iterable[Repository[Any]]) -> None:
    await asyncio.gather(*(table.make_indexes() for table in tables))


@asynccontextmanager
async def indexes_built_last(*tables: Repository[Any]) -> AsyncIterator[None]:
    """For many inserts into empty collections: updating large indexes with every insert takes many times as long as
    building them once. They are built after an error, too, and if the process dies, by the next start."""
    with database_errors():
        await asyncio.gather(*(table.collection.drop_indexes() for table in tables))
    try:
        yield
    finally:
        await make_all_indexes(tables)
