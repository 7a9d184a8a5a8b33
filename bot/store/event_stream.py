"""The change stream of the ledger: its new events, in the order in which they were committed.

Of an event it brings what counting and following up need; the rest stays in the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from bson import Timestamp
from motor.motor_asyncio import AsyncIOMotorDatabase

from bot.model.event import ConsentState, moves
from bot.store.change_reader import WAIT_MS, ChangeReader, Token, TokenLost

__all__ = ["BriefEvent", "EventStream", "NewEvent", "Token", "TokenLost"]
FIELDS = ("_id", "event", "at", "action", "subscription", "was", "state", "left", "merged", "hash")


@dataclass(frozen=True, slots=True)
class BriefEvent:
    """The fields of an event that the stream returns. Not validated, since the event may have been edited, and
    validation would double the cost of counting."""

    id: str
    event: str
    at: datetime
    hash: str
    moves: Mapping[tuple[str, ConsentState], int]
    action: str = ""

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        merged = {of: (consent.get("held"), consent.get("state")) for of, consent in (raw.get("merged") or {}).items()}
        moved = moves(raw.get("subscription"), raw.get("was"), raw.get("state"), raw.get("left"), merged)
        at, hash = raw.get("at", _EPOCH), str(raw.get("hash", ""))
        return cls(str(raw["_id"]), str(raw.get("event", "")), at, hash, moved, str(raw.get("action", "")))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class NewEvent:
    event: BriefEvent
    token: Token
    """The resume token after it."""
    moment: Timestamp


class EventStream(ChangeReader):
    """`async with EventStream(database, "events", token) as stream`: from a token, from a moment, or from now on."""

    def __init__(
        self,
        database: AsyncIOMotorDatabase[dict[str, Any]],
        name: str,
        token: Token | None = None,
        *,
        after: Timestamp | None = None,
    ) -> None:
        wanted = {f"fullDocument.{name}": 1 for name in FIELDS}
        pipeline: list[Mapping[str, Any]] = [
            {"$match": {"operationType": "insert"}},
            {"$project": {"clusterTime": 1, **wanted}},
        ]
        start = Timestamp(after.time, after.inc + 1) if after else None
        super().__init__(database, name, pipeline, token, start=start)

    async def take(self, *, wait_ms: int = WAIT_MS) -> list[NewEvent]:
        """New events, at most BATCH. Waits if there are none."""
        return [
            NewEvent(BriefEvent.of(change["fullDocument"]), change["_id"], change["clusterTime"])
            for change in await self.take_raw(wait_ms=wait_ms)
        ]
