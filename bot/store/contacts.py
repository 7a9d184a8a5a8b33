"""Contacts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel

from bot.errors import StoreUnavailable
from bot.model.base import now
from bot.model.contact import Contact
from bot.store.driver import READ_MS, database_errors
from bot.store.repository import Repository, beginning

_Move = tuple[Contact, Contact]
AT_ONCE = 256
"""Contacts in one update: each looks for its values among all of them."""


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

    async def change(
        self, before: Contact, values: Mapping[str, Any], *, only: Mapping[str, Any] | None = None
    ) -> Contact:
        """Sets these fields and no others, and the search terms that follow from them. `only`: if these still match.

        Returns the changed contact. Not for what the ledger projects. Raises Duplicate.
        """
        after = before.model_copy(update=dict(values))
        terms = {"terms": after.terms} if after.terms != before.terms else {}
        await self.update({"_id": before.id, **(only or {})}, {"$set": {**values, **terms}})
        return after

    async def by_external_id(self, external_id: str) -> Contact | None:
        return await self.find_one({"external_id": external_id})

    async def with_number(self, number: str, *, after: str, limit: int) -> list[Contact]:
        """Everyone whose number it is, in order of their ids."""
        return await self.find({"phone": number, "_id": {"$gt": after}}, sort=[("phone", 1), ("_id", 1)], limit=limit)

    async def known_as(self, words: Sequence[str], *, limit: int) -> list[Contact]:
        """Those whose name, email address or number has words that begin so; some, where there are more."""
        return await self.find(beginning("terms", words), limit=limit) if words else []

    async def lapsed(self, time: datetime, *, limit: int) -> list[Contact]:
        """Those whose confirmation did not come in time."""
        return await self.find({"pending_until": {"$lte": time}}, sort=[("pending_until", 1)], limit=limit)

    async def project_many(self, moves: Sequence[_Move]) -> None:
        """Stores the projections, each unless another writer stored one since the contact was read. One update for all:
        it costs the server half of what as many updates do."""
        for some in (moves[i : i + AT_ONCE] for i in range(0, len(moves), AT_ONCE)):
            ids, update = [before.id for before, _ in some], _projection(some)
            try:
                await self._update_all(ids, update)
            except StoreUnavailable:  # the driver repeats no update of many documents; this one may be repeated
                await self._update_all(ids, update)

    async def heads(self, ids: Iterable[str]) -> dict[str, int]:
        """By contact, the sequence of the last projected event."""
        wanted = list(ids)
        with database_errors():
            found = await self.collection.find(
                {"_id": {"$in": wanted}}, {"ledger.seq": 1}, max_time_ms=READ_MS
            ).to_list(len(wanted) or 1)
        return {raw["_id"]: raw["ledger"]["seq"] for raw in found}

    async def _update_all(self, ids: Sequence[str], update: list[dict[str, Any]]) -> None:
        with database_errors():
            await self.collection.update_many({"_id": {"$in": ids}}, update)


def _projection(moves: Sequence[_Move]) -> list[dict[str, Any]]:
    """The values come from a list of literals, found by the contact's id. A contact whose head has moved since is left
    as it is."""
    ids = {"$literal": [before.id for before, _ in moves]}
    values = [{"before": before.ledger.seq, "set": _taken_over(before, after)} for before, after in moves]
    mine = {"$arrayElemAt": [{"$literal": values}, {"$indexOfArray": [ids, "$_id"]}]}
    is_next = {"$eq": ["$ledger.seq", "$$mine.before"]}
    new = {"$cond": [is_next, {"$mergeObjects": ["$$ROOT", "$$mine.set"]}, "$$ROOT"]}
    # What is null goes: an index of what exists must not hold it.
    gone = {name: {"$ifNull": [f"${name}", "$$REMOVE"]} for name in ("phone", "email", "pending_until", "terms")}
    return [{"$replaceWith": {"$let": {"vars": {"mine": mine}, "in": new}}}, {"$set": gone}]


def _taken_over(before: Contact, after: Contact) -> dict[str, Any]:
    names = ("phone", "email", "pending_until")
    new: dict[str, Any] = {
        name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)
    }
    if "phone" in new or "email" in new:
        new["terms"] = after.terms or None
    consents = [consent.model_dump(exclude_none=True) for consent in after.consents]
    head = {"seq": after.ledger.seq, "hash": after.ledger.hash}
    return {**new, "consents": consents, "ledger": head, "updated_at": now()}
