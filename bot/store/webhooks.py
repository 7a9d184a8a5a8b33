"""The outbox of webhooks: endpoints, notifications, and the lanes that workers claim.

A notification is inserted before its lane is woken. A worker reads a lane's `version` when it claims it and parks the
lane only if the version is still the same, so nothing that is queued meanwhile stays behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne

from bot.model.base import new_id, now
from bot.model.paging import Cursor
from bot.model.webhook import (
    DisabledBy,
    NotificationState,
    WebhookAttempt,
    WebhookEndpoint,
    WebhookLane,
    WebhookNotification,
    WebhookSecret,
)
from bot.store.driver import database_errors
from bot.store.paging import following
from bot.store.repository import Repository

KEPT_SECONDS = 30 * 86_400
"""How long notifications and their attempts are kept."""
MOST_ENDPOINTS = 50
MOST_ATTEMPTS = 30
"""Attempts that are kept of one notification."""
NEWEST = [("created_at", -1), ("_id", -1)]


@dataclass(frozen=True, slots=True)
class ReplayPeriod:
    """`until` is exclusive."""

    since: datetime
    until: datetime


class WebhookEndpointRepository(Repository[WebhookEndpoint]):
    name = "webhook_endpoints"
    model = WebhookEndpoint
    indexes = (IndexModel([("created_at", ASCENDING)]),)

    async def present(self) -> list[WebhookEndpoint]:
        """The oldest first, disabled ones included."""
        found = await self.find({}, sort=[("created_at", 1)], limit=10 * MOST_ENDPOINTS)
        return [endpoint for endpoint in found if endpoint.removed_at is None]

    async def disable(self, id: str, by: DisabledBy) -> bool:
        """False: it was disabled already."""
        change = {"$set": {"disabled_at": now(), "disabled_by": by}}
        with database_errors():
            done = await self.collection.update_one({"_id": id, "disabled_at": {"$exists": False}}, change)
        return done.modified_count == 1

    async def add_secret(self, id: str, new: WebhookSecret, *, most: int) -> bool:
        """False: there are `most` already, or this one is there."""
        full = {f"secrets.{most - 1}": {"$exists": False}, "secrets.id": {"$ne": new.id}}
        change = {"$push": {"secrets": new.model_dump()}}
        with database_errors():
            return (await self.collection.update_one({"_id": id, **full}, change)).modified_count == 1

    async def remove_secret(self, id: str, secret: str) -> bool:
        """False: it isn't there, or it is the only one."""
        match = {"_id": id, "secrets.id": secret, "secrets.1": {"$exists": True}}
        with database_errors():
            return (await self.collection.update_one(match, {"$pull": {"secrets": {"id": secret}}})).modified_count == 1


class WebhookNotificationRepository(Repository[WebhookNotification]):
    name = "webhook_notifications"
    model = WebhookNotification
    indexes = (
        IndexModel([("lane", ASCENDING), ("state", ASCENDING), ("order", ASCENDING)]),
        IndexModel([("endpoint", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)]),
        IndexModel(
            [("endpoint", ASCENDING), ("state", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)],
        ),
        IndexModel([("contact", ASCENDING)]),
        IndexModel([("created_at", ASCENDING)], expireAfterSeconds=KEPT_SECONDS),
    )

    async def pending_in(self, lane: str, *, limit: int) -> list[WebhookNotification]:
        match = {"lane": lane, "state": NotificationState.PENDING}
        return await self.find(match, sort=[("lane", 1), ("state", 1), ("order", 1)], limit=limit)

    async def attempted(self, id: str, attempt: WebhookAttempt, state: NotificationState) -> None:
        """Stores an attempt and what became of the notification."""
        values: dict[str, Any] = {"state": state}
        if state is NotificationState.DELIVERED:
            values["delivered_at"] = attempt.at
        change = {
            "$set": values,
            "$min": {"first_sent_at": attempt.at},
            "$inc": {"tries": 1},
            "$push": {"attempts": {"$each": [attempt.model_dump(exclude_none=True)], "$slice": -MOST_ATTEMPTS}},
        }
        await self.update({"_id": id}, change)

    async def newest(
        self, endpoint: str, state: NotificationState | None, cursor: Cursor | None, *, limit: int
    ) -> list[WebhookNotification]:
        match: dict[str, Any] = {"endpoint": endpoint, **({"state": state} if state else {})}
        lead = [("endpoint", 1), *([("state", 1)] if state else [])]
        return await self.find({**match, **following(NEWEST, cursor)}, sort=[*lead, *NEWEST], limit=limit)

    async def of_period(
        self, endpoint: str, period: ReplayPeriod, cursor: Cursor | None, *, limit: int
    ) -> list[WebhookNotification]:
        """The newest first."""
        match = {"endpoint": endpoint, "created_at": {"$gte": period.since, "$lt": period.until}}
        after = following(NEWEST, cursor)
        wanted = {"$and": [match, after]} if after else match
        return await self.find(wanted, sort=[("endpoint", 1), *NEWEST], limit=limit)

    async def replay(self, ids: Sequence[str]) -> None:
        """Makes them pending again, with the whole schedule of attempts ahead."""
        with database_errors():
            await self.collection.update_many(
                {"_id": {"$in": [*ids]}},
                {"$set": {"state": NotificationState.PENDING, "tries": 0}, "$unset": {"delivered_at": ""}},
            )


class WebhookLaneRepository(Repository[WebhookLane]):
    name = "webhook_lanes"
    model = WebhookLane
    indexes = (
        IndexModel(
            [("endpoint", ASCENDING), ("due_at", ASCENDING)],
            partialFilterExpression={"due_at": {"$exists": True}},
        ),
        IndexModel([("touched_at", ASCENDING)], expireAfterSeconds=KEPT_SECONDS),
    )

    async def wake(self, lanes: Mapping[str, str], *, is_urgent: bool = False) -> None:
        """Makes lanes (endpoint by id) due, unless they wait for a retry. `is_urgent`: those too."""
        if lanes:
            with database_errors():
                await self.collection.bulk_write(
                    [UpdateOne({"_id": id}, _woken(of, is_urgent), upsert=True) for id, of in sorted(lanes.items())],
                    ordered=False,
                )

    async def claim(self, endpoint: str, *, limit: int, until: datetime) -> list[WebhookLane]:
        """Claims due lanes for one worker until this time. Each has the version that it had before."""
        time, worker = now(), new_id()
        match = {"endpoint": endpoint, "due_at": {"$lte": time}}
        due = await self.find(match, sort=[("endpoint", 1), ("due_at", 1)], limit=limit)
        if not due:
            return []
        ids, values = [lane.id for lane in due], {"worker": worker, "due_at": until}
        with database_errors():
            done = await self.collection.update_many({"_id": {"$in": ids}, "due_at": {"$lte": time}}, {"$set": values})
        if done.modified_count < len(due):
            mine = {lane.id for lane in await self.find({"_id": {"$in": ids}, "worker": worker}, limit=limit)}
            due = [lane for lane in due if lane.id in mine]
        return [lane.model_copy(update=values) for lane in due]

    async def renew(self, lane: WebhookLane, until: datetime) -> bool:
        """False: another worker has it."""
        return await self._change(lane, {"$set": {"due_at": until}})

    async def postpone(self, lane: WebhookLane, until: datetime) -> None:
        """Gives it back, to be claimed then."""
        await self._change(lane, {"$set": {"due_at": until}, "$unset": {"worker": ""}})

    async def park(self, lane: WebhookLane) -> None:
        """Gives back a lane without pending notifications. If something was queued since it was claimed, it is due."""
        if not await self._change(lane, {"$unset": {"worker": "", "due_at": ""}}, version=lane.version):
            await self.postpone(lane, now())

    async def _change(self, lane: WebhookLane, change: Mapping[str, Any], **more: Any) -> bool:
        with database_errors():
            match = {"_id": lane.id, "worker": lane.worker, **more}
            return (await self.collection.update_one(match, change)).matched_count == 1


def lanes_of(notifications: Iterable[WebhookNotification]) -> dict[str, str]:
    return {one.lane: one.endpoint for one in notifications}


def _woken(endpoint: str, is_urgent: bool) -> list[dict[str, Any]]:
    time = now()
    is_claimed = {"$ifNull": ["$worker", False]}
    due_at: Any = {"$ifNull": ["$due_at", time]}
    if is_urgent:
        due_at = {"$cond": [is_claimed, due_at, time]}
    return [
        {
            "$set": {
                "endpoint": {"$literal": endpoint},
                "due_at": due_at,
                "version": {"$add": [{"$ifNull": ["$version", 0]}, 1]},
                "touched_at": time,
            }
        }
    ]
