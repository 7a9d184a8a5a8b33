"""Jobs: claimed, renewed and saved by conditional updates, each of them one command."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument

from bot.model.audit import AuditEntry
from bot.model.job import WORDS, Job, JobError, JobState
from bot.store.clock import from_now, is_past
from bot.store.driver import READ_MS, database_errors
from bot.store.repository import Repository
from bot.store.transaction import Session, transaction

ACTIVE = [JobState.QUEUED.value, JobState.RUNNING.value]
ENDED_FOR_GOOD = [JobState.DONE.value, JobState.CANCELED.value]
ENDED = [JobState.DONE.value, JobState.FAILED.value, JobState.CANCELED.value]


PATHS = [".".join(("input", *path)) for path in WORDS]
FORGETS = [*PATHS, "keeps_words"]


class JobRepository(Repository[Job]):
    name = "jobs"
    model = Job
    indexes = (
        IndexModel([("state", ASCENDING), ("due", ASCENDING)], partialFilterExpression={"state": {"$in": ACTIVE}}),
        IndexModel([("kind", ASCENDING), ("created_at", DESCENDING)]),
        IndexModel([("created_at", DESCENDING)]),
        IndexModel(
            [("group", ASCENDING), ("created_at", ASCENDING)], partialFilterExpression={"group": {"$exists": True}}
        ),
        IndexModel(
            [("keeps_words", ASCENDING), ("state", ASCENDING), ("ended_at", ASCENDING)],
            partialFilterExpression={"keeps_words": True},
        ),
        IndexModel([("only", ASCENDING)], unique=True, partialFilterExpression={"only": {"$exists": True}}),
    )

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]]) -> None:
        super().__init__(database)
        self._database, self._audit_log = database, database.get_collection("audit_log")

    async def start(self, job: Job, entry: AuditEntry) -> None:
        """Inserts the job together with its entry in the audit log: none runs that the log doesn't name. Raises
        Duplicate."""

        async def work(session: Session) -> None:
            await self.collection.insert_one(job.stored(), session=session)
            await self._audit_log.insert_one(entry.stored(), session=session)

        await transaction(self._database, work)

    async def newest(self, *, kind: str | None = None, limit: int) -> list[Job]:
        if kind is None:
            return await self.find({}, sort=[("created_at", -1)], limit=limit)
        return await self.find({"kind": kind}, sort=[("kind", 1), ("created_at", -1)], limit=limit)

    async def newest_of(self, kinds: Sequence[str], *, limit: int) -> list[Job]:
        return await self.find({"kind": {"$in": [*kinds]}}, sort=[("created_at", -1)], limit=limit)

    async def appended(self, group: str, *, limit: int) -> list[Job]:
        """The jobs that were appended to this one, the oldest first."""
        return await self.find({"group": group}, sort=[("group", 1), ("created_at", 1)], limit=limit)

    async def unended(self, only: str) -> Job | None:
        return await self.find_one({"only": only})

    async def count_active(self, *, limit: int) -> int:
        with database_errors():
            match = {"state": {"$in": ACTIVE}}
            return int(await self.collection.count_documents(match, limit=limit, maxTimeMS=READ_MS))

    async def next_due(self, kinds: Collection[str], time: datetime, *, limit: int) -> list[Job]:
        """The jobs that are due first by this process's clock; `claim` checks the database's."""
        match = {"state": {"$in": ACTIVE}, "due": {"$lte": time}, "kind": {"$in": [*kinds]}}
        return await self.find(match, sort=[("due", 1)], limit=limit)

    async def claim(self, id: str, holder: str, seconds: float) -> Job | None:
        """Leases it to this holder for some seconds. None: another one was first, or it is not due."""
        return await self._change(
            {"_id": id, "state": {"$in": ACTIVE}, "$expr": is_past("due")},
            {
                "state": JobState.RUNNING,
                "holder": holder,
                "term": _plus("term", 1),
                "attempts": _plus("attempts", 1),
                "due": from_now(seconds),
                "started_at": {"$ifNull": ["$started_at", "$$NOW"]},
            },
        )

    async def renew(self, job: Job, seconds: float) -> bool:
        """False: the lease was lost."""
        return await self._change(_held(job), {"due": from_now(seconds)}) is not None

    async def save(
        self,
        job: Job,
        checkpoint: Mapping[str, Any],
        *,
        total: int | None,
        done: int,
        counts: Mapping[str, int],
        is_last: bool,
    ) -> Job | None:
        """Stores the checkpoint and progress of a batch together. The last batch ends the job, unless it was canceled.

        None: the lease was lost and nothing was saved.

        """
        values: dict[str, Any] = {
            "checkpoint": {"$literal": dict(checkpoint)},
            "done": _plus("done", done),
            "attempts": 0,
            **{f"counts.{outcome}": _plus(f"counts.{outcome}", count) for outcome, count in counts.items()},
        }
        if not is_last:
            return await self._change(_held(job), values if total is None else {**values, "total": total}, ["error"])
        values["state"] = {"$cond": [{"$eq": ["$state", JobState.CANCELED]}, "$state", JobState.DONE]}
        ended = {**values, "total": values["done"], "due": "$$NOW", "ended_at": "$$NOW"}
        return await self._change(_held(job), ended, ["error", "holder", "only", *FORGETS])

    async def release(
        self, job: Job, *, seconds: float = 0, error: JobError | None = None, attempts: int = 0
    ) -> Job | None:
        """Queues it again, for some seconds later, if it is running; frees it if it was paused or canceled."""
        values: dict[str, Any] = {
            "state": {"$cond": [{"$eq": ["$state", JobState.RUNNING]}, JobState.QUEUED, "$state"]},
            "due": from_now(seconds),
            "attempts": attempts,
        }
        if error:
            values["error"] = {"$literal": error.model_dump()}
        return await self._change(_held(job), values, ["holder"])

    async def fail(self, job: Job, error: JobError) -> Job | None:
        """None: the lease was lost, or it was paused or canceled meanwhile."""
        values = {"state": JobState.FAILED, "error": {"$literal": error.model_dump()}}
        goes = {path: {"$cond": ["$is_forgotten", "$$REMOVE", f"${path}"]} for path in FORGETS}
        ended = {**values, **goes, "due": "$$NOW", "ended_at": "$$NOW"}
        return await self._change({**_held(job), "state": JobState.RUNNING}, ended, ["holder", "only"])

    async def move(self, id: str, sources: Collection[JobState], target: JobState, only: str | None) -> Job | None:
        """Changes the state at once, as a person asked. A worker keeps its lease until its batch is saved, so that no
        other one repeats it. Raises Duplicate if another job has `only`."""
        due = {"$cond": [{"$eq": [{"$ifNull": ["$holder", ""]}, ""]}, "$$NOW", "$due"]}
        values: dict[str, Any] = {"state": target, "due": due}
        if target in ENDED:
            return await self._change(_among(id, sources), {**values, "ended_at": "$$NOW"}, ["only", *FORGETS])
        if only:
            values["only"] = only
        return await self._change(_among(id, sources), {**values, "attempts": 0}, ["error", "ended_at"])

    async def with_words(self, *, limit: int = 1000) -> list[Job]:
        """Those that are not over for good, or failed a while ago, and whose input may name people."""
        return await self.find({"keeps_words": True}, limit=limit)

    async def forget(self, id: str) -> None:
        """Drops what its input says about people: at once if it doesn't run, else when it ends."""
        await self.update({"_id": id, "state": {"$in": ACTIVE}}, {"$set": {"is_forgotten": True}})
        await self.move(id, [JobState.PAUSED], JobState.CANCELED, None)
        await self._forget_failed({"_id": id})

    async def forget_failed(self, before: datetime) -> None:
        """Of those that failed before that time and were not retried."""
        await self._forget_failed({"keeps_words": True, "ended_at": {"$lt": before}})

    async def _forget_failed(self, match: Mapping[str, Any]) -> None:
        change = {"$set": {"is_forgotten": True}, "$unset": dict.fromkeys(FORGETS, "")}
        with database_errors():
            await self.collection.update_many({**match, "state": JobState.FAILED}, change)

    async def keep_track_of_words(self) -> None:
        """Of jobs of a version that did not."""
        has_words = {"$or": [{path: {"$gt": ""}} for path in PATHS], "state": {"$nin": ENDED_FOR_GOOD}}
        over = {"$unset": dict.fromkeys(PATHS, "")}
        with database_errors():
            await self.collection.update_many(has_words, {"$set": {"keeps_words": True}})
            await self.collection.update_many({"state": {"$in": ENDED_FOR_GOOD}}, over)

    async def _change(
        self, match: Mapping[str, Any], values: Mapping[str, Any], gone: Sequence[str] = ()
    ) -> Job | None:
        """The matching job after the change."""
        stages: list[dict[str, Any]] = [{"$set": {**values, "updated_at": "$$NOW"}}]
        if gone:
            stages.append({"$unset": [*gone]})
        with database_errors():
            found = await self.collection.find_one_and_update(dict(match), stages, return_document=ReturnDocument.AFTER)
        return None if found is None else Job.load(found)


def _held(job: Job) -> dict[str, Any]:
    return {"_id": job.id, "term": job.term, "holder": job.holder}


def _among(id: str, states: Collection[JobState]) -> dict[str, Any]:
    return {"_id": id, "state": {"$in": [*states]}}


def _plus(field: str, number: int) -> dict[str, Any]:
    return {"$add": [{"$ifNull": [f"${field}", 0]}, number]}
