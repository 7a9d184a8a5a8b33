"""Contacts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, IndexModel, UpdateMany, UpdateOne
from pymongo.collation import Collation

from bot.errors import StoreUnavailable
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.paging import Cursor
from bot.model.stop import Stop
from bot.store.driver import READ_MS, database_errors, in_time
from bot.store.paging import following
from bot.store.repository import Repository, beginning

_Move = tuple[Contact, Contact]
AT_ONCE = 256
"""Contacts in one update: each finds its values in a list of all of them."""
PROJECTED = ("phone", "email", "pending_until", "paused_until", "at_most", "erased_at", "merged_into", "archived_at")
"""Fields that the ledger's projection can remove."""
NOT_GONE: Mapping[str, Any] = {"erased_at": {"$exists": False}, "merged_into": {"$exists": False}}


ORDERS = ("created_at", "seen_key", "name_key")
"""What lists are sorted by: every contact has one of each."""
VALUES = ("role", "locale")
SOME_HAVE = ("email", "time_zone", "tags", "phone_facts.country", "phone_facts.state", "phone_facts.kind")
"""What filters find contacts by. Each of these has an index of its name; `bot.contacts.filters` names the others."""


EDITED = "edited_at"
"""When a field was changed, other than by the ledger: the change stream tells open pages of it."""
TAGGED = "tagged"
"""The newest change of the tags, for webhooks: milliseconds, then the tags with a `+` or a `-` before each. As a text:
of a list the log of changes may have only the items that differ."""
ANY_CASE = Collation("en", strength=2)
"""Compares texts without regard to case."""
OLD_INDEXES = {"consents.subscription_1_consents.state_1", "consents", "terms_1"}
_TAGS: Mapping[str, Any] = {"$ifNull": ["$tags", []]}
NOTHING: Mapping[str, Any] = {}
NOBODY: Mapping[str, Any] = {"_id": {"$in": []}}


class ContactRepository(Repository[Contact]):
    name = "contacts"
    model = Contact
    old_indexes = frozenset({"stopped"})
    indexes = (
        IndexModel(
            [("external_id", ASCENDING)], unique=True, partialFilterExpression={"external_id": {"$exists": True}}
        ),
        IndexModel([("phone", ASCENDING), ("_id", ASCENDING)], partialFilterExpression={"phone": {"$exists": True}}),
        IndexModel(
            [
                (f"consents.{name}", ASCENDING)
                for name in ("subscription", "state", "reaches", "evidence", "source", "at")
            ],
            name="consent_states",
        ),
        IndexModel([("terms", ASCENDING), ("_id", ASCENDING)], partialFilterExpression={"terms": {"$exists": True}}),
        IndexModel([("pending_until", ASCENDING)], partialFilterExpression={"pending_until": {"$exists": True}}),
        *(IndexModel([(field, ASCENDING), ("_id", ASCENDING)], name=field) for field in ORDERS),
        *(IndexModel([(field, ASCENDING)], name=field) for field in VALUES),
        *(
            IndexModel([(field, ASCENDING)], name=field, partialFilterExpression={field: {"$exists": True}})
            for field in SOME_HAVE
        ),
        IndexModel(
            [("stopped", ASCENDING), ("created_at", ASCENDING), ("_id", ASCENDING)],
            # Their documents are scattered and rarely cached, so sorting without the index reads each from disk.
            name="stopped_newest",
            partialFilterExpression={"stopped": {"$exists": True}},
        ),
        IndexModel([("attributes.$**", ASCENDING)], name="attributes"),
        IndexModel(
            [("email", ASCENDING)],
            name="email_any_case",
            partialFilterExpression={"email": {"$exists": True}},
            collation=ANY_CASE,
        ),
        IndexModel([("merged_into", ASCENDING)], partialFilterExpression={"merged_into": {"$exists": True}}),
    )

    async def change(
        self,
        before: Contact,
        values: Mapping[str, Any],
        *,
        attributes: Mapping[str, Any] = NOTHING,
        only: Mapping[str, Any] | None = None,
    ) -> Contact:
        """Sets these fields and custom attributes (None removes) and no others, and the keys that follow from them.
        `only`: if these still match. Somebody who was erased stays so.

        Returns the changed contact. Not for what the ledger projects. Raises Duplicate.
        """
        after, change = changed(before, values, attributes)
        await self.update({"_id": before.id, **NOT_GONE, **(only or {})}, change)
        return after

    async def change_many(self, changes: Sequence[tuple[Contact, Mapping[str, Any], Mapping[str, Any]]]) -> list[bool]:
        """The same for many, in one round trip. False for those that a unique value of another contact refuses."""
        updates = [({"_id": c.id, **NOT_GONE}, changed(c, values, more)[1]) for c, values, more in changes]
        return await self.update_many(updates)

    async def complete(self, contacts: Sequence[Contact]) -> None:
        """Stores what these contacts say about themselves, for those that exist."""
        stored = await self.get_many(contact.id for contact in contacts)
        there = [(stored[contact.id], contact) for contact in contacts if contact.id in stored]
        await self.change_many([(old, _said_of(contact), contact.attributes) for old, contact in there])

    async def ids_between(self, field: str, start: datetime, end: datetime) -> AsyncIterator[list[str]]:
        """Those whose time in this field of `ORDERS` is from `start` on and before `end`, in pages."""
        order, after = [(field, 1), ("_id", 1)], None
        while True:
            match = {"$and": [{field: {"$gte": start, "$lt": end}}, following(order, after)]}
            cursor = self.collection.find(match, {field: 1}, sort=order, limit=AT_ONCE, max_time_ms=READ_MS)
            with database_errors():
                found = await cursor.hint(field).to_list(AT_ONCE)
            if found:
                yield [raw["_id"] for raw in found]
            if len(found) < AT_ONCE:
                return
            after = Cursor((found[-1][field], found[-1]["_id"]))

    async def sharing(self, numbers: Iterable[str]) -> dict[str, list[str]]:
        """Numbers that several contacts have, with the ids of these, from the index alone."""
        match = {"phone": {"$in": [*numbers]}}
        if not match["phone"]["$in"]:
            return {}
        cursor = self.collection.find(match, {"_id": 1, "phone": 1}, max_time_ms=READ_MS).hint("phone_1__id_1")
        found: dict[str, list[str]] = {}
        with database_errors():
            for raw in await cursor.to_list(None):
                found.setdefault(raw["phone"], []).append(raw["_id"])
        return {number: ids for number, ids in found.items() if len(ids) > 1}

    async def tag(self, ids: Iterable[str], tags: Iterable[str], *, time: datetime) -> int:
        """Returns how many did not have all of these tags."""
        wanted = [*tags]
        lacking = {"tags": {"$not": {"$all": wanted}}} if wanted else NOBODY
        new = {"$setDifference": [{"$literal": wanted}, _TAGS]}
        change = {"tags": {"$concatArrays": [_TAGS, new]}, TAGGED: _told("+", new, time)}
        return await self._tagged(ids, lacking, change, time)

    async def untag(self, ids: Iterable[str], tags: Iterable[str], *, time: datetime) -> int:
        """Returns how many had one of these tags."""
        wanted = [*tags]
        these = {"$literal": wanted}
        kept = {"$filter": {"input": _TAGS, "cond": {"$not": [{"$in": ["$$this", these]}]}}}
        change = {"tags": kept, TAGGED: _told("-", {"$setIntersection": [these, _TAGS]}, time)}
        return await self._tagged(ids, {"tags": {"$in": wanted}}, change, time)

    async def mark_stops(self, stops: Mapping[str, Stop]) -> None:
        """Marks everyone with these numbers: stopped, or when the last STOP was lifted."""
        updates = []
        for number, stop in stops.items():
            marks = {"stopped": stop.holds or None, "stop_lifted_at": stop.revoked_until}
            kept, gone = ({n: v for n, v in marks.items() if (v is None) is is_gone} for is_gone in (False, True))
            change = {**({"$set": kept} if kept else {}), **({"$unset": dict.fromkeys(gone, "")} if gone else {})}
            updates.append(UpdateMany({"phone": number}, change))
        if updates:
            with database_errors():
                await self.collection.bulk_write(updates, ordered=False)

    async def refresh(self, contacts: Sequence[Contact]) -> int:
        """Recomputes the derived fields of contacts that an earlier version stored without them, unless an event was
        projected since they were read. Returns the number of contacts."""
        names = ("consents", "phone_facts", "terms", "name_key", "seen_key")
        updates = []
        for contact in contacts:
            stored = contact.stored()
            values = {name: stored[name] for name in names if name in stored}
            updates.append(UpdateOne({"_id": contact.id, "ledger.seq": contact.ledger.seq}, {"$set": values}))
        with database_errors():
            return len(updates) - (await self.collection.bulk_write(updates, ordered=False)).matched_count

    async def drop_old_indexes(self) -> None:
        """Drops indexes that this version replaces."""
        with database_errors():
            for name in OLD_INDEXES & {*await self.collection.index_information()}:
                await self.collection.drop_index(name)

    async def _tagged(
        self, ids: Iterable[str], those: Mapping[str, Any], change: Mapping[str, Any], time: datetime
    ) -> int:
        with database_errors():
            match = {"_id": {"$in": [*ids]}, **NOT_GONE, **those}
            update = [{"$set": {**change, "updated_at": time, EDITED: time}}]
            return int((await self.collection.update_many(match, update)).modified_count)

    async def by_external_id(self, external_id: str) -> Contact | None:
        return await self.find_one({"external_id": external_id})

    async def merged_into(self, contact: str, *, limit: int = 500) -> list[Contact]:
        return await self.find({"merged_into": contact}, limit=limit)

    async def ids_with(self, field: str, values: Collection[str]) -> set[str]:
        """Contacts whose `external_id`, `email` (ignoring case) or `phone` is one of these; only some if hundreds share
        one."""
        if not values:
            return set()
        most = len(values) + 1000
        match, collation = {field: {"$in": [*values]}}, ANY_CASE if field == "email" else None
        cursor = self.collection.find(match, {"_id": 1}, max_time_ms=READ_MS, limit=most, collation=collation)
        with database_errors():
            return {raw["_id"] for raw in await cursor.to_list(most)}

    async def with_number(self, number: str, *, after: str, limit: int) -> list[Contact]:
        """Everyone whose number it is, in order of their ids."""
        return await self.find({"phone": number, "_id": {"$gt": after}}, sort=[("phone", 1), ("_id", 1)], limit=limit)

    async def known_as(self, words: Sequence[str], *, limit: int) -> list[Contact]:
        """Contacts whose name, email address or number has words that begin with these, up to a limit."""
        return await self.find(beginning("terms", words), limit=limit) if words else []

    async def lapsed(self, time: datetime, *, limit: int) -> list[Contact]:
        """Those whose confirmation did not come in time."""
        return await self.find({"pending_until": {"$lte": time}}, sort=[("pending_until", 1)], limit=limit)

    async def ids_matching(
        self, match: Mapping[str, Any], *, limit: int, hint: str | None, time_limit: int
    ) -> list[str]:
        """The first ids in their order. Raises FilterTooBroad."""
        cursor = self.collection.find(match, {"_id": 1}, limit=limit, sort=[("_id", 1)], max_time_ms=time_limit)
        with in_time():
            return [raw["_id"] for raw in await (cursor.hint(hint) if hint else cursor).to_list(limit)]

    async def matching_queries(
        self, queries: Mapping[str, Mapping[str, Any]], contact: str, *, time_limit: int
    ) -> set[str]:
        """The keys of those queries that the contact matches, in one round trip by their id. Raises FilterTooBroad."""
        branches: list[list[Mapping[str, Any]]] = [
            [{"$match": {"_id": contact}}, {"$match": match}, {"$project": {"_id": 0, "key": {"$literal": key}}}]
            for key, match in queries.items()
        ]
        union = [{"$unionWith": {"coll": self.name, "pipeline": branch}} for branch in branches[1:]]
        with in_time():
            found = self.collection.aggregate([*branches[0], *union], maxTimeMS=time_limit)
            return {raw["key"] for raw in await found.to_list(len(branches))}

    async def ids_with_word(self, match: Mapping[str, Any], *, limit: int, hint: str) -> set[str]:
        """Whose term matches, from the index alone."""
        cursor = self.collection.find(match, {"_id": 1}, limit=limit, max_time_ms=READ_MS, batch_size=limit)
        with in_time():
            return {raw["_id"] for raw in await cursor.hint(hint).to_list(limit)}

    async def matching_of_some(
        self, starts: Sequence[str], size: int, match: Mapping[str, Any], *, time_limit: int
    ) -> tuple[int, int]:
        """Of up to `size` contacts from each of these ids on: how many match, and how many there are. Raises
        FilterTooBroad."""
        parts: list[list[dict[str, Any]]] = [
            [{"$match": {"_id": {"$gte": start}}}, {"$sort": {"_id": 1}}, {"$limit": size}] for start in starts
        ]
        first, *others = parts
        union: list[dict[str, Any]] = [{"$unionWith": {"coll": self.name, "pipeline": part}} for part in others]
        number = {"$count": "n"}
        counts: dict[str, Any] = {"$facet": {"matching": [{"$match": match}, number], "all": [number]}}
        with in_time():
            found = self.collection.aggregate([*first, *union, counts], maxTimeMS=time_limit, hint="_id_")
            (counted,) = await found.to_list(1)
        matching, everybody = (sum(row["n"] for row in counted[name]) for name in ("matching", "all"))
        return matching, everybody

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

    async def unrecorded(self, ids: Iterable[str]) -> dict[str, tuple[str | None, datetime | None]]:
        """By contact, what decides about texts and isn't in the ledger: the time zone, and when they were archived."""
        wanted = list(ids)
        if not wanted:
            return {}
        with database_errors():
            found = await self.collection.find(
                {"_id": {"$in": wanted}}, {"time_zone": 1, "archived_at": 1}, max_time_ms=READ_MS
            ).to_list(len(wanted))
        return {raw["_id"]: (raw.get("time_zone"), raw.get("archived_at")) for raw in found}

    async def _update_all(self, ids: Sequence[str], update: list[dict[str, Any]]) -> None:
        with database_errors():
            await self.collection.update_many({"_id": {"$in": ids}}, update)


def _said_of(contact: Contact) -> dict[str, Any]:
    names = ("role", "external_id", "name", "locale", "time_zone", "tags")
    return {name: value for name in names if (value := getattr(contact, name))}


def changed(
    before: Contact, values: Mapping[str, Any], attributes: Mapping[str, Any]
) -> tuple[Contact, dict[str, Any]]:
    """The contact afterwards, and the update."""
    kept = {key: value for key, value in {**before.attributes, **attributes}.items() if value is not None}
    after = before.model_copy(update={**values, **({"attributes": kept} if attributes else {})})
    old, new = before.keys(), after.keys()
    time = values.get("updated_at")
    marks = {**({EDITED: time} if time else {}), **_tags_told(before, after, time or now())}
    fields = {**values, **marks, **{f"attributes.{key}": value for key, value in attributes.items()}}
    fields |= {name: value for name, value in new.items() if value != old[name]}
    gone = {name: "" for name, value in fields.items() if value is None}
    change = {"$set": {name: value for name, value in fields.items() if value is not None}}
    return after, {**change, **({"$unset": gone} if gone else {})}


def _tags_told(before: Contact, after: Contact, time: datetime) -> dict[str, str]:
    """See TAGGED."""
    told = [f"+{tag}" for tag in after.tags if tag not in before.tags]
    told += [f"-{tag}" for tag in before.tags if tag not in after.tags]
    return {TAGGED: "".join((_start(time), *told))} if told else {}


def _start(time: datetime) -> str:
    return str(int(time.timestamp() * 1000))


def _told(sign: str, tags: Mapping[str, Any], time: datetime) -> dict[str, Any]:
    """See TAGGED."""
    return {"$reduce": {"input": tags, "initialValue": _start(time), "in": {"$concat": ["$$value", sign, "$$this"]}}}


def _projection(moves: Sequence[_Move]) -> list[dict[str, Any]]:
    """The values come from a list of literals, found by the contact's id. A contact whose head has moved since is left
    as it is."""
    ids = {"$literal": [before.id for before, _ in moves]}
    time = now()
    values = [{"before": before.ledger.seq, "set": _taken_over(before, after, time)} for before, after in moves]
    mine = {"$arrayElemAt": [{"$literal": values}, {"$indexOfArray": [ids, "$_id"]}]}
    is_next = {"$eq": ["$ledger.seq", "$$mine.before"]}
    new = {"$cond": [is_next, {"$mergeObjects": ["$$ROOT", "$$mine.set"]}, "$$ROOT"]}
    # What is null goes: an index of what exists must not hold it.
    names = (*PROJECTED, "terms", "phone_facts", "stopped", "stop_lifted_at")
    gone = {name: {"$ifNull": [f"${name}", "$$REMOVE"]} for name in names}
    return [{"$replaceWith": {"$let": {"vars": {"mine": mine}, "in": new}}}, {"$set": gone}]


def _taken_over(before: Contact, after: Contact, time: datetime) -> dict[str, Any]:
    new: dict[str, Any] = {
        name: getattr(after, name) for name in PROJECTED if getattr(after, name) != getattr(before, name)
    }
    if "phone" in new or "email" in new:
        facts = after.phone_facts
        new |= {"terms": after.terms or None, "phone_facts": facts.model_dump(exclude_none=True) if facts else None}
    if "phone" in new:
        new |= {"stopped": None, "stop_lifted_at": None}  # a consumer marks those whose new number was stopped
    head = {"seq": after.ledger.seq, "hash": after.ledger.hash}
    return {**new, "consents": after.stored_consents(), "ledger": head, "updated_at": time}
