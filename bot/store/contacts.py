"""Contacts. The projection of the ledger updates a contact and the counts together."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, IndexModel, UpdateOne

from bot.aio.batching import Batcher
from bot.model.base import now
from bot.model.contact import ConsentCount, ConsentState, Contact
from bot.store.counts import ConsentCountRepository
from bot.store.repository import Repository, beginning
from bot.store.transaction import Session, transaction

_Move = tuple[Contact, Contact]


class ContactRepository(Repository[Contact]):
    name = "contacts"
    model = Contact
    indexes = (
        IndexModel(
            [("external_id", ASCENDING)], unique=True, partialFilterExpression={"external_id": {"$exists": True}}
        ),
        IndexModel([("phone", ASCENDING), ("_id", ASCENDING)], partialFilterExpression={"phone": {"$exists": True}}),
        IndexModel([("consents.subscription", ASCENDING), ("consents.state", ASCENDING)]),
        IndexModel([("terms", ASCENDING)], partialFilterExpression={"terms": {"$exists": True}}),
        IndexModel([("pending_until", ASCENDING)], partialFilterExpression={"pending_until": {"$exists": True}}),
    )

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]], counts: ConsentCountRepository) -> None:
        super().__init__(database)
        self.database, self._counts = database, counts
        self._project: Batcher[_Move, None] = Batcher(self._project_round, one_of=lambda move: move[0].id)

    async def by_external_id(self, external_id: str) -> Contact | None:
        return await self.find_one({"external_id": external_id})

    async def with_number(self, number: str, *, after: str, limit: int) -> list[Contact]:
        """Everyone whose number it is, in order of their ids."""
        return await self.find({"phone": number, "_id": {"$gt": after}}, sort=[("phone", 1), ("_id", 1)], limit=limit)

    async def known_as(self, words: Sequence[str], *, limit: int) -> list[Contact]:
        """Those whose name, email address or number has words that begin so; some, where there are more."""
        return await self.find(beginning("terms", words), limit=limit) if words else []

    async def lapsed(self, time: datetime, *, limit: int) -> list[Contact]:
        """Those with a confirmation that did not come in time."""
        return await self.find({"pending_until": {"$lte": time}}, sort=[("pending_until", 1)], limit=limit)

    async def project(self, before: Contact, after: Contact) -> None:
        """Takes the projection over, if no other writer took one over since `before` was read; the counts with it."""
        await self._project((before, after))

    async def project_many(self, moves: Sequence[tuple[Contact, Contact]]) -> None:
        await asyncio.gather(*(self._project(move) for move in moves))

    async def _project_round(self, moves: list[_Move]) -> list[None]:
        if not await self._move(moves):  # somebody else moved one of them: which, each says by itself
            for move in moves:
                await self._move([move])
        return [None] * len(moves)

    async def _move(self, moves: list[_Move]) -> bool:
        """All of them and the counts, or nothing."""

        async def work(session: Session) -> None:
            collection = self.collection.with_options(write_concern=None)
            done = await collection.bulk_write(
                [UpdateOne(*_projection(*move)) for move in moves], ordered=False, session=session
            )
            if done.matched_count != len(moves):
                raise _Overtaken
            await self._counts.move(_counted(moves), session)

        try:
            await transaction(self.database, work)
        except _Overtaken:
            return False
        return True

    async def miscounted(self) -> dict[tuple[str, ConsentState], int]:
        """By how much the counts are too low, seen at one moment. It reads every contact: for `verify` alone."""

        async def work(session: Session) -> dict[tuple[str, ConsentState], int]:
            pipeline: list[dict[str, Any]] = [
                {"$match": {"consents.subscription": {"$gt": ""}}},
                {"$unwind": "$consents"},
                {"$group": {"_id": {"of": "$consents.subscription", "state": "$consents.state"}, "n": {"$sum": 1}}},
            ]
            off: Counter[tuple[str, ConsentState]] = Counter()
            async for raw in self.collection.aggregate(pipeline, session=session):
                off[raw["_id"]["of"], ConsentState(raw["_id"]["state"])] += raw["n"]
            async for raw in self._counts.collection.find({"subscription": {"$gt": ""}}, session=session):
                count = ConsentCount.load(raw)
                off.subtract({(count.subscription, state): n for state, n in count.counts.items()})
            return {place: by for place, by in off.items() if by}

        return await transaction(self.database, work, seconds=60)

    async def recount(self, off: Mapping[tuple[str, ConsentState], int]) -> None:
        """Puts right what `miscounted` found."""

        async def work(session: Session) -> None:
            await self._counts.move(off, session)

        await transaction(self.database, work)


class _Overtaken(Exception):
    """Another writer took over a projection of one of them."""


def _projection(before: Contact, after: Contact) -> tuple[dict[str, Any], dict[str, Any]]:
    changed = {name for name in ("phone", "email", "pending_until") if getattr(after, name) != getattr(before, name)}
    raw = after.model_dump(include={"consents", "ledger", *changed})
    gone = {name: "" for name in changed if raw[name] is None}
    kept = {name: value for name, value in raw.items() if name not in gone}
    if changed & {"phone", "email"}:
        kept["terms"] = after.terms
    change: dict[str, Any] = {"$set": {**kept, "updated_at": now()}, **({"$unset": gone} if gone else {})}
    return {"_id": before.id, "ledger.seq": before.ledger.seq}, change


def _counted(moves: Iterable[_Move]) -> Counter[tuple[str, ConsentState]]:
    """Who leaves which standing, and who takes it up."""
    counts: Counter[tuple[str, ConsentState]] = Counter()
    for before, after in moves:
        counts.subtract((c.subscription, c.state) for c in before.consents)
        counts.update((c.subscription, c.state) for c in after.consents)
    return counts
