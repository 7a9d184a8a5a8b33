"""The repositories: one a noun, with the queries of that noun and the indexes that answer them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.errors import StoreUnavailable
from bot.model.base import now
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState, PhoneText
from bot.model.event import ConsentEvent
from bot.model.flow import Flow, FlowRun
from bot.model.link import PreferenceLink
from bot.model.stop import Stop
from bot.model.workspace import Key, Logo, Workspace
from bot.store.answering import READ_MS, answering
from bot.store.gather import Gather
from bot.store.table import Line, Table


class Workspaces(Table[Workspace]):
    name = "workspaces"
    model = Workspace

    async def save(self, workspace: Workspace) -> None:
        """Takes the place of what is kept."""
        with answering():
            await self.collection.update_one({"_id": workspace.id}, {"$set": workspace.stored()}, upsert=True)

    async def change(self, values: Mapping[str, Any]) -> Workspace:
        """Sets these fields and no others; answers what was there before."""
        with answering():
            before = await self.collection.find_one_and_update({"_id": "workspace"}, {"$set": dict(values)})
        if before is None:
            raise StoreUnavailable
        return Workspace.load(before)


class Logos(Table[Logo]):
    """Pictures by the hash of what is in them. One that was replaced goes by itself, a while later."""

    name = "logos"
    model = Logo
    indexes = (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),)

    async def save(self, logo: Logo) -> None:
        """Also one that was here before: it stays, then."""
        change = {"$set": logo.stored(), "$unset": {"expires_at": ""}}
        with answering():
            await self.collection.update_one({"_id": logo.id}, change, upsert=True)

    async def expire(self, id: str, at: datetime) -> None:
        await self.update({"_id": id}, {"$set": {"expires_at": at}})


class Stops(Table[Stop]):
    """The stop list."""

    name = "stops"
    model = Stop


class Events(Line[ConsentEvent]):
    """The ledger: inserted, never updated, never deleted."""

    name = "events"
    model = ConsentEvent
    owner = "contact"
    indexes = (IndexModel([("key", ASCENDING)]), IndexModel([("event", ASCENDING)]))

    async def named(self, events: Sequence[str]) -> list[ConsentEvent]:
        """Those with these public ids."""
        return await self.find({"event": {"$in": [*events]}}, sort=[("event", 1)], limit=len(events) or 1)

    async def between(self, event: str, end: str, *, limit: int) -> list[ConsentEvent]:
        """The events whose public ids lie between these two, in the order of their time."""
        return await self.find({"event": {"$gt": event, "$lt": end}}, sort=[("event", 1)], limit=limit)


class Flows(Table[Flow]):
    name = "flows"
    model = Flow
    indexes = (IndexModel([("state", ASCENDING), ("trigger", ASCENDING), ("created_at", ASCENDING)]),)

    async def triggered_by(self, trigger: str) -> Flow | None:
        """The oldest live flow with this trigger."""
        order = [("state", 1), ("trigger", 1), ("created_at", 1)]
        return await self.find_one({"state": "live", "trigger": trigger}, sort=order)


class FlowRuns(Table[FlowRun]):
    name = "flow_runs"
    model = FlowRun
    indexes = (IndexModel([("waiting_for", ASCENDING)], partialFilterExpression={"waiting_for": {"$exists": True}}),)

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__(database)
        self._waiting = Gather(self._waiting_round)

    async def waiting_for(self, part: str) -> FlowRun | None:
        return await self._waiting(part)

    async def _waiting_round(self, parts: list[str]) -> list[FlowRun | None]:
        found = await self.find({"waiting_for": {"$in": parts}}, limit=len(parts))
        by_part = {run.waiting_for: run for run in found}
        return [by_part.get(part) for part in parts]


LEFT = (DeliveryState.SENDING, DeliveryState.SENT, DeliveryState.UNKNOWN)
"""States of a text that reached its phone, or may have."""


class Deliveries(Table[Delivery]):
    name = "deliveries"
    model = Delivery
    indexes = (
        IndexModel(
            [("state", ASCENDING), ("updated_at", ASCENDING)],
            partialFilterExpression={"state": {"$in": [DeliveryState.QUEUED.value, DeliveryState.SENDING.value]}},
        ),
        IndexModel([("number", ASCENDING), ("created_at", DESCENDING)]),
        IndexModel(
            [("number", ASCENDING), ("kind", ASCENDING), ("created_at", DESCENDING)],
            partialFilterExpression={"kind": DeliveryKind.ASK.value},
        ),
        IndexModel([("worker", ASCENDING)], partialFilterExpression={"worker": {"$exists": True}}),
    )

    async def take(self, worker: str, *, limit: int) -> list[Delivery]:
        """Claims queued deliveries for one round of one worker, whose name no other round has; in their order."""
        queued = await self.find({"state": DeliveryState.QUEUED}, sort=[("state", 1), ("updated_at", 1)], limit=limit)
        if not queued:
            return []
        claim = {"$set": {"state": DeliveryState.SENDING, "worker": worker, "updated_at": now()}}
        with answering():
            await self.collection.update_many(
                {"_id": {"$in": [d.id for d in queued]}, "state": DeliveryState.QUEUED}, claim
            )
        taken = await self.find({"worker": worker, "state": DeliveryState.SENDING}, limit=limit)
        return sorted(taken, key=lambda delivery: (delivery.created_at, delivery.id))

    async def asked(self, number: str, *, limit: int = 20) -> list[Delivery]:
        """The questions of double opt-ins that left for this number, the newest first."""
        match = {"number": number, "kind": DeliveryKind.ASK, "state": {"$in": [*LEFT]}}
        return await self.find(match, sort=[("number", 1), ("kind", 1), ("created_at", -1)], limit=limit)

    async def lost(self, before: datetime, *, limit: int = 500) -> list[Delivery]:
        """What `give_up` is going to mark."""
        match = {"state": DeliveryState.SENDING, "updated_at": {"$lt": before}}
        return await self.find(match, sort=[("state", 1), ("updated_at", 1)], limit=limit)

    async def give_up(self, before: datetime) -> int:
        """Marks as unknown what was handed over and never heard of again (law 8)."""
        match = {"state": DeliveryState.SENDING, "updated_at": {"$lt": before}}
        with answering():
            result = await self.collection.update_many(
                match, {"$set": {"state": DeliveryState.UNKNOWN, "updated_at": now()}}
            )
        return int(result.modified_count)

    async def put_back(self, worker: str) -> None:
        """Back into the queue with what this worker took and did not hand over."""
        change = {"$set": {"state": DeliveryState.QUEUED, "updated_at": now()}, "$unset": {"worker": ""}}
        with answering():
            await self.collection.update_many({"worker": worker, "state": DeliveryState.SENDING}, change)

    async def lately(self, numbers: Iterable[str], short: datetime, long: datetime) -> dict[str, tuple[int, int]]:
        """By number, the texts that left for it since `short` and since `long`, in one query.

        What teammates wrote is not counted: a long talk must not keep back a word about consent.
        """
        left = {"$in": [DeliveryState.SENT, DeliveryState.UNKNOWN]}
        pipeline: list[dict[str, Any]] = [
            {
                "$match": {
                    "number": {"$in": list(numbers)},
                    "created_at": {"$gte": long},
                    "state": left,
                    "kind": {"$ne": DeliveryKind.MESSAGE},
                }
            },
            {
                "$group": {
                    "_id": "$number",
                    "short": {"$sum": {"$cond": [{"$gte": ["$created_at", short]}, 1, 0]}},
                    "long": {"$sum": 1},
                }
            },
        ]
        with answering():
            found = await self.collection.aggregate(pipeline, maxTimeMS=READ_MS).to_list(None)
        return {raw["_id"]: (raw["short"], raw["long"]) for raw in found}


class PhoneTexts(Table[PhoneText]):
    """What the simulated phones hold."""

    name = "phone_texts"
    model = PhoneText
    indexes = (
        IndexModel([("number", ASCENDING), ("at", DESCENDING)]),
        IndexModel([("at", DESCENDING)]),
    )

    async def of(self, number: str, *, limit: int = 100) -> list[PhoneText]:
        found = await self.find({"number": number}, sort=[("number", 1), ("at", -1)], limit=limit)
        return found[::-1]

    async def numbers(self, *, limit: int = 20) -> list[str]:
        """The numbers that were texted last, from the newest few hundred texts."""
        newest = await self.find({}, sort=[("at", -1)], limit=300)
        return list(dict.fromkeys(text.number for text in newest))[:limit]


class PreferenceLinks(Table[PreferenceLink]):
    name = "preference_links"
    model = PreferenceLink
    indexes = (
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
        IndexModel([("contact", ASCENDING)]),
    )

    async def revoke_all(self, contact: str) -> None:
        with answering():
            await self.collection.update_many({"contact": contact}, {"$set": {"revoked_at": now()}})


class Keys(Table[Key]):
    """Secrets that a workspace made for itself."""

    name = "keys"
    model = Key

    async def of(self, id: str) -> str:
        """The key of this name; made by whoever asks first."""
        await self.keep(Key(id=id, value=secrets.token_urlsafe(48)))
        key = await self.get(id)
        if key is None:
            raise StoreUnavailable
        return key.value
