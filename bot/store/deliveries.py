"""Texts to contacts, and the result of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.model.base import now
from bot.model.delivery import THROUGHPUT, WITHHELD, Delivery, DeliveryKind, DeliveryState, MarketingText
from bot.model.paging import Cursor
from bot.store.delivery_feed import DeliveryFeedRepository
from bot.store.delivery_figures import FIGURES, INDEX, DeliveryFigureRepository
from bot.store.delivery_queue import DeliveryQueueRepository
from bot.store.driver import READ_MS, database_errors
from bot.store.paging import following

PAUSED, LOCAL_TIME = "paused", "local_time"
"""Why a copy waits: its message is paused, or it is not yet that time where the recipient is."""
STOPPED_ANSWER = "stopped"
"""`Delivery.answer` of a text that confirms a STOP."""
LEFT = (DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNKNOWN)
"""States of a text that reached its phone, or may have."""
ANSWERS = (DeliveryKind.REPLY, DeliveryKind.FLOW_REPLY)
MAY_WAIT = (
    DeliveryKind.ASK, DeliveryKind.ASK_BACK, DeliveryKind.MESSAGE, DeliveryKind.OUTBOUND, DeliveryKind.FLOW,
    DeliveryKind.TEST,
)  # fmt: skip
"""Other kinds of text that people may answer."""


def _where(field: str) -> dict[str, Any]:
    return {"partialFilterExpression": {field: {"$exists": True}}}


@dataclass(frozen=True, slots=True)
class Window:
    """Texts of these kinds since a time."""

    kinds: Collection[DeliveryKind]
    since: datetime


class DeliveryRepository(DeliveryQueueRepository, DeliveryFigureRepository, DeliveryFeedRepository):
    name = "deliveries"
    model = Delivery
    indexes = (
        IndexModel([("due_at", ASCENDING), ("number", ASCENDING)], **_where("due_at")),
        IndexModel([("kind", ASCENDING), ("due_at", ASCENDING)], **_where("due_at")),
        IndexModel([("handed_at", ASCENDING), ("sender", ASCENDING)], **_where("handed_at")),
        IndexModel(
            [("state", ASCENDING), ("updated_at", ASCENDING)],
            name="unknown",
            partialFilterExpression={"state": DeliveryState.UNKNOWN.value},
        ),
        IndexModel([("ask_at", ASCENDING)], **_where("ask_at")),
        IndexModel([("reason", ASCENDING), ("number", ASCENDING)], partialFilterExpression={"reason": THROUGHPUT}),
        IndexModel([("number", ASCENDING), ("created_at", DESCENDING)]),
        IndexModel(
            [("number", ASCENDING), ("kind", ASCENDING), ("created_at", DESCENDING)],
            partialFilterExpression={"kind": DeliveryKind.ASK.value},
        ),
        IndexModel(
            [("number", ASCENDING), ("kind", ASCENDING), ("created_at", DESCENDING)],
            name="asked_back",
            partialFilterExpression={"kind": DeliveryKind.ASK_BACK.value},
        ),
        IndexModel(
            [("number", ASCENDING), ("kind", ASCENDING), ("created_at", DESCENDING)],
            name="asked_by_flow",
            partialFilterExpression={"kind": DeliveryKind.FLOW_REPLY.value},
        ),
        IndexModel([("created_at", DESCENDING), ("_id", DESCENDING)]),
        IndexModel([("contact", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)]),
        IndexModel([("created_at", DESCENDING), ("prefix", ASCENDING), ("kind", ASCENDING)], **_where("prefix")),
        IndexModel(
            [("answer", ASCENDING), ("created_at", DESCENDING)], partialFilterExpression={"answer": STOPPED_ANSWER}
        ),
        IndexModel([("provider_id", ASCENDING)], **_where("provider_id")),
        IndexModel([(name, ASCENDING) for name in ("message", *FIGURES)], name=INDEX, **_where("message")),
        IndexModel([("message", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)], **_where("message")),
        IndexModel(
            [("message", ASCENDING), ("state", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)],
            **_where("message"),
        ),
        IndexModel([("link.hash", ASCENDING)], **_where("link.hash")),
        IndexModel([("contact", ASCENDING), ("link.hash", ASCENDING)], **_where("link.hash")),
        IndexModel([("short_links.hash", ASCENDING)], **_where("short_links")),
    )
    old_indexes = frozenset(
        {
            "state_1_updated_at_1", "worker_1", "contact_1_created_at_-1", "origins_1_created_at_-1",
            "due_at_1", "message_1_state_1_reason_1", "message_1_created_at_-1", "figures", "created_at_-1",
        }
    )  # fmt: skip

    # --- what was sent

    async def asked(self, number: str, *, limit: int = 20) -> list[Delivery]:
        """The double opt-in questions to this number, newest first. Withheld ones, whose form said to text YES, come
        after those that were sent."""
        sort, found = [("number", 1), ("kind", 1), ("created_at", -1)], list[Delivery]()
        for kind in (DeliveryKind.ASK, DeliveryKind.ASK_BACK):
            match = {"number": number, "kind": kind, "$or": [{"state": {"$in": [*LEFT]}}, {"reason": WITHHELD}]}
            found += await self.find(match, sort=sort, limit=limit)
        found.sort(key=lambda delivery: delivery.created_at, reverse=True)
        return sorted(found, key=lambda delivery: delivery.reason == WITHHELD)

    async def asked_by_flow(self, number: str) -> Delivery | None:
        """The newest form of a flow that asked this number to reply YES."""
        match = {"number": number, "kind": DeliveryKind.FLOW_REPLY, "subscription": {"$gt": ""}}
        sort = [("number", 1), ("kind", 1), ("created_at", -1)]
        found = await self.find(
            {**match, "state": {"$in": [*LEFT]}, "handed_at": {"$exists": True}}, sort=sort, limit=1
        )
        return found[0] if found else None

    async def has_followed(self, form: Delivery, until: datetime) -> bool:
        """Whether its number got another text between this form of a flow and then, so that a YES may answer that
        one. The texts of a talk are sent in its order; others may have waited."""
        later = [
            {"kind": {"$in": [*ANSWERS]}, "created_at": {"$gt": form.created_at}},
            {"kind": {"$in": [*MAY_WAIT]}, "handed_at": {"$gte": form.handed_at}},
        ]
        match = {"number": form.number, "state": {"$in": [*LEFT]}, "handed_at": {"$lte": until}, "$or": later}
        by_number = [("number", 1), ("created_at", -1)]
        return bool(await self.find({**match, "_id": {"$ne": form.id}}, limit=1, hint=by_number))

    async def stop_confirmations(self, since: datetime, *, limit: int) -> list[Delivery]:
        """The texts sent since then that confirm a STOP, newest first."""
        match = {"answer": STOPPED_ANSWER, "created_at": {"$gte": since}, "state": DeliveryState.SENT}
        return await self.find(match, sort=[("answer", -1), ("created_at", -1)], limit=limit)

    async def sent_to(self, number: str, *, limit: int) -> list[Delivery]:
        """The newest first."""
        match = {"number": number, "state": DeliveryState.SENT}
        return await self.find(match, sort=[("number", 1), ("created_at", -1)], limit=limit)

    async def to_contact(self, contact: str, after: Cursor | None, limit: int) -> list[Delivery]:
        """The newest first, by time and id."""
        order = [("created_at", -1), ("_id", -1)]
        return await self.find({"contact": contact, **following(order, after)}, sort=order, limit=limit)

    async def newest(self, *, limit: int) -> list[Delivery]:
        return await self.find({}, sort=[("created_at", -1)], limit=limit)

    async def counts(self, numbers: Iterable[str], windows: Mapping[str, Window]) -> dict[str, dict[str, int]]:
        """The number of texts sent, by number and window, in one query."""
        match = {
            "number": {"$in": list(numbers)},
            "created_at": {"$gte": min(window.since for window in windows.values())},
            "state": {"$in": [DeliveryState.SENT, DeliveryState.UNKNOWN]},
        }
        sums = {name: {"$sum": {"$cond": [_falls_in(window), 1, 0]}} for name, window in windows.items()}
        with database_errors():
            found = await self.collection.aggregate(
                [{"$match": match}, {"$group": {"_id": "$number", **sums}}], maxTimeMS=READ_MS
            ).to_list(None)
        return {raw.pop("_id"): raw for raw in found}

    async def marketed(self, numbers: Iterable[str], since: datetime) -> dict[str, list[MarketingText]]:
        """By number, its marketing texts, in one query. Those handed over count too, while their result is
        not known; one that went back to the queue doesn't, although it keeps the values of its earlier try."""
        match = {
            "number": {"$in": list(numbers)},
            "kind": {"$in": [DeliveryKind.OUTBOUND, DeliveryKind.FLOW]},
            "state": {"$in": [*LEFT]},
            "checked_at": {"$gte": since},
            "is_marketing": True,
            "$nor": [{"state": DeliveryState.SENDING, "ask_at": {"$exists": False}}],
        }
        fields = {"number": 1, "checked_at": 1, "subscription": 1}
        found: defaultdict[str, list[MarketingText]] = defaultdict(list)
        with database_errors():
            for raw in await self.collection.find(match, fields, max_time_ms=READ_MS).to_list(None):
                text = MarketingText(raw["checked_at"], raw.get("subscription", ""), raw["_id"])
                found[raw["number"]].append(text)
        return found

    async def asked_and_confirmed(self, since: datetime, until: datetime) -> dict[str, tuple[int, int]]:
        """By prefix: how many questions of forms were sent between these times, and how many numbers have confirmed,
        from the index alone."""
        is_asked = {"$and": [{"$eq": ["$kind", DeliveryKind.ASK]}, {"$lt": ["$created_at", until]}]}
        is_confirmed = {"$eq": ["$kind", DeliveryKind.CONFIRMED]}
        sums = {"asked": is_asked, "confirmed": is_confirmed}
        pipeline: list[dict[str, Any]] = [
            {"$match": {"prefix": {"$exists": True}, "created_at": {"$gte": since}}},
            {"$group": {"_id": "$prefix", **{k: {"$sum": {"$cond": [v, 1, 0]}} for k, v in sums.items()}}},
        ]
        with database_errors():
            found = await self.collection.aggregate(pipeline, maxTimeMS=READ_MS).to_list(None)
        return {raw["_id"]: (raw["asked"], raw["confirmed"]) for raw in found}

    # --- copies of outbound messages

    async def of_message(
        self, message: str, after: Cursor | None = None, *, state: DeliveryState | None = None, limit: int
    ) -> list[Delivery]:
        """The newest first, by time and id."""
        order = [("created_at", -1), ("_id", -1)]
        match, sort = {"message": message}, [("message", 1), *order]
        if state:
            match, sort = {**match, "state": state}, [("message", 1), ("state", 1), *order]
        return await self.find({**match, **following(order, after)}, sort=sort, limit=limit)

    async def copies_to(self, contacts: Collection[str], since: datetime) -> list[Delivery]:
        """Of outbound messages, handed over since then."""
        match = {"contact": {"$in": [*contacts]}, "kind": DeliveryKind.OUTBOUND, "handed_at": {"$gte": since}}
        return await self.find(match, limit=10_000) if contacts else []

    async def copies_on(self, number: str, since: datetime) -> list[Delivery]:
        """The same for a number, the newest first."""
        match = {"number": number, "kind": DeliveryKind.OUTBOUND, "handed_at": {"$gte": since}}
        return await self.find(match, sort=[("number", 1), ("created_at", -1)], limit=20)

    async def note_first(self, moments: Sequence[tuple[str, str, datetime]]) -> None:
        """For each id and one of `MOMENTS`: its time, unless it has one."""
        await self.update_many([({"_id": id, name: None}, {"$set": {name: at}}) for id, name, at in moments])

    async def count_waiting(self, message: str, *, is_held: bool, limit: int) -> int:
        """Copies that have not left; at most `limit`. `is_held`: also those held for a reason, like quiet hours."""
        match: dict[str, Any] = {"message": message, "state": {"$in": [DeliveryState.QUEUED, DeliveryState.SENDING]}}
        if not is_held:
            match["reason"] = {"$in": [None, THROUGHPUT]}
        with database_errors():
            return int(await self.collection.count_documents(match, limit=limit, maxTimeMS=READ_MS))

    async def resume(self, message: str) -> None:
        """Makes the copies due that a pause held."""
        match = {"message": message, "state": DeliveryState.QUEUED, "reason": PAUSED}
        with database_errors():
            await self.collection.update_many(match, {"$set": {"due_at": now()}, "$unset": {"reason": ""}})

    async def release(self, message: str) -> None:
        """Makes all copies due that wait for whatever reason."""
        match = {"message": message, "state": DeliveryState.QUEUED, "due_at": {"$gt": now()}}
        with database_errors():
            await self.collection.update_many(match, {"$set": {"due_at": now()}})

    async def already_in(self, message: str, contacts: Mapping[str, str]) -> set[str]:
        """Of these contacts (number by id), those whose number has a copy for somebody else."""
        match = {"number": {"$in": [*contacts.values()]}, "message": message}
        with database_errors():
            found = await self.collection.find(match, {"number": 1, "contact": 1}, max_time_ms=READ_MS).to_list(None)
        others = {(raw["number"], raw["contact"]) for raw in found}
        taken = {number: {contact for n, contact in others if n == number} for number, _ in others}
        return {id for id, number in contacts.items() if taken.get(number, set()) - {id}}

    # --- the links that they carry

    async def with_links(self, hashes: Collection[str]) -> dict[str, Delivery]:
        """Deliveries by the hash of their link."""
        if not hashes:
            return {}
        found = await self.find({"link.hash": {"$in": [*hashes]}}, limit=len(hashes))
        return {delivery.link.hash: delivery for delivery in found if delivery.link}

    async def with_short_link(self, hash: str) -> Delivery | None:
        return await self.find_one({"short_links.hash": hash, "short_links": {"$exists": True}})

    async def revoke_links(self, contact: str) -> None:
        match = {"contact": contact, "link.hash": {"$exists": True}}
        with database_errors():
            await self.collection.update_many(match, {"$set": {"link.revoked_at": now()}})


def _falls_in(window: Window) -> dict[str, Any]:
    return {"$and": [{"$gte": ["$created_at", window.since]}, {"$in": ["$kind", [*window.kinds]]}]}
