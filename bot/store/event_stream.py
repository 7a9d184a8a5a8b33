"""The change stream of the ledger: its new events, in the order in which they were committed.

Read by plain commands, so that one round trip brings one batch and the token behind it. Of an event it brings what
counting and following up need; the rest stays in the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from bson import Timestamp
from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo.errors import OperationFailure

from bot.errors import StoreUnavailable
from bot.model.event import ConsentState, moves
from bot.store.driver import database_errors

Token = dict[str, Any]
WAIT_MS = 250
"""How long the server waits for a new event."""
BATCH = 1000
LOST = {260, 280, 286}
"""InvalidResumeToken, ChangeStreamFatalError, ChangeStreamHistoryLost: the oplog no longer has the position."""
FIELDS = ("_id", "event", "at", "action", "subscription", "was", "state", "left", "merged", "hash")


class TokenLost(Exception):
    """The stream can't resume from this token."""


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


class EventStream:
    """`async with EventStream(database, "events", token) as stream`: from a token, from a moment, or from now on."""

    def __init__(
        self,
        database: AsyncIOMotorDatabase[dict[str, Any]],
        name: str,
        token: Token | None = None,
        *,
        after: Timestamp | None = None,
    ) -> None:
        self._database = database
        self._name = name
        self._after = after
        self.token: Token = token or {}
        """The resume token after the last event that was taken."""
        self._session: AsyncIOMotorClientSession | None = None
        self._cursor = 0

    async def __aenter__(self) -> Self:
        """Raises TokenLost or StoreUnavailable."""
        start: dict[str, Any] = {"resumeAfter": self.token} if self.token else {}
        if self._after and not self.token:
            start = {"startAtOperationTime": Timestamp(self._after.time, self._after.inc + 1)}
        wanted = {f"fullDocument.{name}": 1 for name in FIELDS}
        pipeline = [
            {"$changeStream": start},
            {"$match": {"operationType": "insert"}},
            {"$project": {"clusterTime": 1, **wanted}},
        ]
        with database_errors():
            self._session = await self._database.client.start_session()
        try:
            opened = {"aggregate": self._name, "pipeline": pipeline, "cursor": {"batchSize": 0}}
            self._cursor = (await self._ask(opened))["id"]
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(StoreUnavailable, OperationFailure):  # a server that is away forgets the cursor by itself
            if self._cursor:
                await self._command({"killCursors": self._name, "cursors": [self._cursor]})
        if self._session:
            await self._session.end_session()

    async def take(self, *, wait_ms: int = WAIT_MS) -> list[NewEvent]:
        """New events, at most BATCH. Waits if there are none."""
        more = {"getMore": self._cursor, "collection": self._name, "maxTimeMS": wait_ms, "batchSize": BATCH}
        batch = (await self._ask(more))["nextBatch"]
        return [
            NewEvent(BriefEvent.of(change["fullDocument"]), change["_id"], change["clusterTime"]) for change in batch
        ]

    async def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        try:
            cursor: dict[str, Any] = (await self._command(command))["cursor"]
        except OperationFailure as error:
            if error.code in LOST or (self.token and not self._cursor):  # a token that can't be read has many codes
                raise TokenLost from error
            raise
        self.token = cursor.get("postBatchResumeToken") or self.token
        return cursor

    async def _command(self, command: dict[str, Any]) -> dict[str, Any]:
        options: CodecOptions[dict[str, Any]] = self._database.codec_options
        with database_errors():
            return await self._database.command(command, session=self._session, codec_options=options)
