"""Migrates flows and runs of version 0.1: steps to flow versions, runs to conversations."""

from __future__ import annotations

from typing import Any

from motor.motor_asyncio import AsyncIOMotorDatabase
from pymongo import UpdateOne

from bot.store.conversations import ConversationRepository
from bot.store.driver import DURABLE, database_errors
from bot.store.flows import FlowRepository, FlowVersionRepository

Raw = dict[str, Any]
BATCH = 500


async def move_old_flows(
    database: AsyncIOMotorDatabase[Raw],
    flows: FlowRepository,
    versions: FlowVersionRepository,
    conversations: ConversationRepository,
) -> None:
    """Safe to repeat, and by several processes at once: each document is moved before its old form is marked."""
    with database_errors():
        async for raw in flows.collection.find({"steps": {"$exists": True}}):
            await _keep(versions, _version(raw["_id"], raw["version"], raw["steps"], raw["created_at"]))
            await flows.collection.update_one({"_id": raw["_id"]}, {"$unset": {"steps": ""}})
        old = database.get_collection("flow_runs", write_concern=DURABLE)
        while runs := await old.find({"moved": {"$exists": False}}, limit=BATCH).to_list(BATCH):
            for version in {v["_id"]: v for v in map(_version_of, runs)}.values():
                await _keep(versions, version)
            moves = [
                UpdateOne({"_id": run["conversation"], "run": {"$exists": False}}, {"$set": {"run": _run(run)}})
                for run in runs
            ]
            await conversations.collection.bulk_write(moves, ordered=False)
            await old.update_many({"_id": {"$in": [run["_id"] for run in runs]}}, {"$set": {"moved": True}})


async def _keep(versions: FlowVersionRepository, raw: Raw) -> None:
    await versions.collection.update_one({"_id": raw["_id"]}, {"$setOnInsert": raw}, upsert=True)


def _version(flow: str, version: int, steps: list[Raw], at: object) -> Raw:
    id = f"{flow}:{version:06d}"
    return {"_id": id, "flow": flow, "version": version, "steps": steps, "created_at": at}


def _version_of(run: Raw) -> Raw:
    return _version(run["flow"], run["flow_version"], run["steps"], run["created_at"])


def _run(raw: Raw) -> Raw:
    """An old run stored the index of the step after the card that it waited for."""
    waiting = raw["place"]["status"] == "waiting" and raw.get("waiting_for")
    state: Raw = {"status": "ended", "step": "", "waits": []}
    if waiting:
        state = {"status": "waiting", "step": raw["steps"][raw["place"]["step"] - 1]["id"], "waits": ["part"]}
    return {
        "id": raw["_id"],
        "flow": raw["flow"],
        "version": raw["flow_version"],
        "revision": raw["revision"],
        "state": state,
        "part": int(str(waiting).rpartition(":")[2]) if waiting else 0,
    }
