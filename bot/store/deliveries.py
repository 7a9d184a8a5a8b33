"""Texts to contacts: a queue, and the result of each.

A claim expires: a text that a worker did not hand over in time goes to the next one, so a killed process loses nothing.
A late worker finds `worker` changed, and its writes are refused.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateMany, UpdateOne

from bot.model.base import now
from bot.model.delivery import (
    WITHHELD,
    Delivery,
    DeliveryKind,
    DeliveryState,
    DeliveryStep,
    MarketingText,
    ProviderStatus,
    StepKind,
)
from bot.model.paging import Cursor
from bot.store.driver import READ_MS, database_errors
from bot.store.paging import following
from bot.store.repository import Repository

PAUSED, LOCAL_TIME = "paused", "local_time"
"""Why a copy waits: its message is paused, or it is not yet that time where the recipient is."""
STOPPED_ANSWER = "stopped"
"""`Delivery.answer` of a text that confirms a STOP."""
LEFT = (DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNKNOWN)
"""States of a text that reached its phone, or may have."""


MOMENTS = ("handed_at", "delivered_at", "clicked_at", "replied_at", "opted_out_at")
FIGURES = ("state", "reason", "code", *MOMENTS)
"""What the figures of a message are made of: one index tells all of it, and no copy is read."""
EVER = {"$gt": datetime(2020, 1, 1, tzinfo=UTC), "$lt": datetime(3000, 1, 1, tzinfo=UTC)}
"""Matches a time that is there, from the index alone."""
NOT_OUTBOUND = [kind for kind in DeliveryKind if kind is not DeliveryKind.OUTBOUND]
STEPS = 40
"""Steps that a text keeps."""
OF_HANDOVER = ("handed_at", "is_marketing", "sender", "short_links")
"""What is only true of a text that was handed over."""


def _where(field: str) -> dict[str, Any]:
    return {"partialFilterExpression": {field: {"$exists": True}}}


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a text that `worker` had claimed."""

    id: str
    worker: str
    state: DeliveryState
    values: Mapping[str, Any] = field(default_factory=dict)
    was_kept: bool = False
    """It was marked as handed over, but never left: what the mark said of that is removed."""

    @property
    def change(self) -> tuple[Any, ...]:
        """Equal changes are stored by one update."""
        values = sorted((name, repr(value)) for name, value in self.values.items())
        return (self.worker, self.state, self.was_kept, *values)


@dataclass(frozen=True, slots=True)
class Window:
    """Texts of these kinds since a time."""

    kinds: Collection[DeliveryKind]
    since: datetime


class DeliveryRepository(Repository[Delivery]):
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
        IndexModel([("created_at", DESCENDING)]),
        IndexModel([("contact", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)]),
        IndexModel([("created_at", DESCENDING), ("prefix", ASCENDING), ("kind", ASCENDING)], **_where("prefix")),
        IndexModel(
            [("answer", ASCENDING), ("created_at", DESCENDING)], partialFilterExpression={"answer": STOPPED_ANSWER}
        ),
        IndexModel([("provider_id", ASCENDING)], **_where("provider_id")),
        IndexModel([(name, ASCENDING) for name in ("message", *FIGURES)], name="figures", **_where("message")),
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
            "due_at_1", "message_1_state_1_reason_1", "message_1_created_at_-1",
        }
    )  # fmt: skip

    # --- the queue

    async def claim(self, worker: str, *, limit: int, until: datetime) -> list[Delivery]:
        """Claims due texts, oldest first, for one round of one worker (a name that no other round has). Copies of
        outbound messages come after all others: an answer doesn't wait behind a backlog of them.

        After `until`, another worker may take those that were not handed over.
        """
        time = now()
        due = await self._due(time, limit)
        if not due:
            return []
        ids = [delivery.id for delivery in due]
        values = {"state": DeliveryState.SENDING, "worker": worker, "due_at": until, "updated_at": time}
        with database_errors():
            done = await self.collection.update_many({"_id": {"$in": ids}, "due_at": {"$lte": time}}, {"$set": values})
        if done.modified_count < len(due):  # another worker claimed some of them
            mine = {raw.id for raw in await self.find({"_id": {"$in": ids}, "worker": worker}, limit=limit)}
            due = [delivery for delivery in due if delivery.id in mine]
        return sorted((d.model_copy(update=values) for d in due), key=lambda d: (d.created_at, d.id))

    async def _due(self, time: datetime, limit: int) -> list[Delivery]:
        """One query, and another one only where copies fill the batch."""
        is_due = {"due_at": {"$lte": time}}
        found = await self.find(is_due, sort=[("due_at", 1)], limit=limit)
        if len(found) < limit or all(delivery.kind is not DeliveryKind.OUTBOUND for delivery in found):
            return found
        first = await self.find({"kind": {"$in": NOT_OUTBOUND}, **is_due}, sort=[("due_at", 1)], limit=limit)
        ids = {delivery.id for delivery in first}
        return [*first, *(delivery for delivery in found if delivery.id not in ids)][:limit]

    async def hand_over(self, texts: Sequence[tuple[Delivery, Mapping[str, Any]]], *, ask_at: datetime) -> list[bool]:
        """Marks claimed texts before they are handed over, each with what is stored with it. False: another worker
        took it."""
        time = now()
        with database_errors():
            done = await self.collection.bulk_write(
                [_handed_over(delivery, {**values, "ask_at": ask_at, "handed_at": time}) for delivery, values in texts],
                ordered=False,
            )
        if done.matched_count == len(texts):
            return [True] * len(texts)
        ids = [delivery.id for delivery, _ in texts]
        found = await self.find({"_id": {"$in": ids}, "ask_at": ask_at, "handed_at": time}, limit=len(ids))
        workers = {delivery.id: delivery.worker for delivery in found}
        return [workers.get(delivery.id) == delivery.worker for delivery, _ in texts]

    async def settle(self, results: Sequence[Result]) -> list[None]:
        """Stores results in one round trip, equal changes in one update."""
        alike: defaultdict[tuple[Any, ...], list[Result]] = defaultdict(list)
        for result in results:
            alike[result.change].append(result)
        with database_errors():
            await self.collection.bulk_write([_settled(group) for group in alike.values()], ordered=False)
        return [None] * len(results)

    async def unanswered(self, *, limit: int = 100) -> list[Delivery]:
        """Handed over long ago without an acknowledgment."""
        return await self.find({"ask_at": {"$lte": now()}}, sort=[("ask_at", 1)], limit=limit)

    async def ask_again(self, delivery: Delivery, ask_at: datetime) -> bool:
        """Takes the turn to ask about such a text; False: another worker has it."""
        with database_errors():
            match = {"_id": delivery.id, "ask_at": delivery.ask_at}
            return (await self.collection.update_one(match, {"$set": {"ask_at": ask_at}})).matched_count == 1

    async def answered(self, delivery: Delivery, values: Mapping[str, Any]) -> None:
        """Stores what the provider knows about such a text: a result, or when to send it or ask again."""
        change: dict[str, Any] = {"$set": {"updated_at": now(), **values}, "$unset": _over(values)}
        change |= _step(StepKind.RECONCILED, values["state"])
        await self.update({"_id": delivery.id, "ask_at": delivery.ask_at}, change)

    async def report(self, id: str, provider_id: str, status: ProviderStatus, values: Mapping[str, Any]) -> bool:
        """Stores a status that the provider reports, unless a later one is known, or it is about an earlier attempt.

        With the state QUEUED this attempt is over, and the text is sent again.
        """
        match = {
            "_id": id,
            "number": {"$regex": r"^\+"},  # not of somebody erased
            "provider_id": {"$in": [None, provider_id]},
            "earlier_ids": {"$ne": provider_id},
            "status": {"$in": [None, *status.earlier]},
        }
        change: dict[str, Any] = {"$set": {"updated_at": now(), **values}, "$unset": _over(values)}
        change |= _step(StepKind.REPORTED, status, values.get("code"))
        if values["state"] is DeliveryState.QUEUED:
            change["$unset"] |= {"provider_id": "", "status": ""}
            change["$addToSet"] = {"earlier_ids": provider_id}
        else:
            change["$set"] |= {"provider_id": provider_id, "status": status}
        with database_errors():
            return (await self.collection.update_one(match, change)).modified_count == 1

    async def with_provider_ids(self, ids: Collection[str]) -> dict[str, str]:
        """The id of our text, by the provider's."""
        if not ids:
            return {}
        found = await self.find({"provider_id": {"$in": [*ids]}}, limit=len(ids))
        return {delivery.provider_id or "": delivery.id for delivery in found}

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

    # --- how the queue is doing

    async def due_numbers(self, *, limit: int) -> list[str]:
        """Of the texts that are due longest, from the index alone."""
        cursor = self.collection.find(
            {"due_at": {"$lte": now()}}, {"_id": 0, "number": 1}, sort=[("due_at", 1)], limit=limit, max_time_ms=READ_MS
        )
        with database_errors():
            return [raw["number"] for raw in await cursor.to_list(limit)]

    async def count_queue(self) -> tuple[int, int, datetime | None]:
        """How many texts wait, how many of them are due, and since when the first one is; from the index alone."""
        is_due = {"$lte": ["$due_at", now()]}
        group = {
            "_id": None,
            "waiting": {"$sum": 1},
            "due": {"$sum": {"$cond": [is_due, 1, 0]}},
            "oldest": {"$min": {"$cond": [is_due, "$due_at", None]}},
        }
        found = await self._counted({"due_at": EVER}, group)
        return (found[0]["waiting"], found[0]["due"], found[0]["oldest"]) if found else (0, 0, None)

    async def handed_over(self, since: datetime) -> dict[str, int]:
        """By sender; without a name: the provider chose. From the index alone."""
        found = await self._counted({"handed_at": {"$gte": since}}, {"_id": "$sender", "n": {"$sum": 1}})
        return {raw["_id"] or "": raw["n"] for raw in found}

    async def count_unacknowledged(self) -> int:
        """Handed over, and their result is not known yet."""
        return await self._count({"ask_at": EVER})

    async def count_unknown(self, since: datetime) -> int:
        return await self._count({"state": DeliveryState.UNKNOWN, "updated_at": {"$gte": since, "$lte": now()}})

    async def _count(self, match: Mapping[str, Any]) -> int:
        found = await self._counted(match, {"_id": None, "n": {"$sum": 1}})
        return int(found[0]["n"]) if found else 0

    async def _counted(self, match: Mapping[str, Any], group: Mapping[str, Any]) -> list[dict[str, Any]]:
        pipeline: list[dict[str, Any]] = [{"$match": match}, {"$group": group}]
        with database_errors():
            return list(await self.collection.aggregate(pipeline, maxTimeMS=READ_MS).to_list(None))

    # --- copies of outbound messages

    async def results_of(self, message: str) -> list[Mapping[str, Any]]:
        """By `state`, `reason` and `code`: `n` copies, how many have each of `MOMENTS`, and `first` and `last`, the
        range of those times. From the index alone."""
        had = {name: {"$sum": {"$cond": [{"$gt": [f"${name}", None]}, 1, 0]}} for name in MOMENTS}
        range = {"first": {"$min": "$handed_at"}, "last": {"$max": {"$max": [f"${name}" for name in MOMENTS]}}}
        key = {name: f"${name}" for name in ("state", "reason", "code")}
        found = await self._grouped(message, {"_id": key, "n": {"$sum": 1}, **had, **range})
        return [{**raw.pop("_id"), **raw} for raw in found]

    async def over_time(self, message: str, start: datetime, step: timedelta) -> dict[str, Counter[int]]:
        """For each of `MOMENTS`, how many copies had theirs in each step after `start`. From the index alone."""
        milliseconds = int(step.total_seconds() * 1000)
        place = {name: {"$floor": {"$divide": [{"$subtract": [f"${name}", start]}, milliseconds]}} for name in MOMENTS}
        found: dict[str, Counter[int]] = {name: Counter() for name in MOMENTS}
        for raw in await self._grouped(message, {"_id": place, "n": {"$sum": 1}}):
            for name, at in raw["_id"].items():
                if at is not None:
                    found[name][max(int(at), 0)] += raw["n"]
        return found

    async def _grouped(self, message: str, group: Mapping[str, Any]) -> list[dict[str, Any]]:
        pipeline: list[dict[str, Any]] = [{"$match": {"message": message}}, {"$group": group}]
        with database_errors():
            return list(await self.collection.aggregate(pipeline, maxTimeMS=READ_MS, hint="figures").to_list(None))

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
            match["reason"] = None
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

    # --- databases of earlier versions

    async def upgrade_queue(self) -> None:
        """Gives texts of version 0.1 their times: queued ones are due, and the provider is asked about claimed ones."""
        missing = {"due_at": {"$exists": False}, "ask_at": {"$exists": False}}
        changes = ((DeliveryState.QUEUED, {"due_at": now()}), (DeliveryState.SENDING, {"ask_at": now()}))
        with database_errors():
            for state, values in changes:
                await self.collection.update_many({"state": state, **missing}, {"$set": values})


def _handed_over(delivery: Delivery, values: Mapping[str, Any]) -> UpdateOne:
    match = {"_id": delivery.id, "worker": delivery.worker, "due_at": {"$exists": True}}
    return UpdateOne(match, {"$set": {**values, "updated_at": values["handed_at"]}, "$unset": {"due_at": ""}})


def _settled(alike: Sequence[Result]) -> UpdateMany:
    one = alike[0]
    match = {"_id": {"$in": [result.id for result in alike]}, "worker": one.worker, "state": DeliveryState.SENDING}
    change: dict[str, Any] = {
        "$set": {"state": one.state, "updated_at": now(), **one.values},
        "$unset": _over(one.values) | (dict.fromkeys(OF_HANDOVER, "") if one.was_kept else {}),
    }
    if one.state is DeliveryState.QUEUED and (reason := one.values.get("reason")):
        change |= _step(StepKind.WAITED, reason, one.values.get("code"))
    return UpdateMany(match, change)


def _step(kind: StepKind, what: str, code: int | None = None) -> dict[str, Any]:
    step = DeliveryStep(kind=kind, at=now(), what=str(what), code=code).model_dump(exclude_none=True)
    return {"$push": {"steps": {"$each": [step], "$slice": -STEPS}}}


def _over(values: Mapping[str, Any]) -> dict[str, str]:
    """What a result without them removes: the times of the queue, and why an earlier try was refused."""
    return {name: "" for name in ("due_at", "ask_at", "reason", "code", "held_by") if name not in values}


def _falls_in(window: Window) -> dict[str, Any]:
    return {"$and": [{"$gte": ["$created_at", window.since]}, {"$in": ["$kind", [*window.kinds]]}]}
