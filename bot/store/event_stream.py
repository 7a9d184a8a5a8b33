"""The change stream of the ledger: its new events, in the order in which they were committed, from a token on.

Read by plain commands, so that one round trip brings one batch and the token behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Self

from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo.errors import OperationFailure

from bot.errors import StoreUnavailable
from bot.store.driver import database_errors

Token = dict[str, Any]
WAIT_MS = 250
"""How long the server waits for a new event before it answers that there is none."""
LOST = {260, 280, 286}
"""InvalidResumeToken, ChangeStreamFatalError, ChangeStreamHistoryLost: the oplog no longer reaches back so far."""


class TokenLost(Exception):
    """The stream can't go on from this token."""


class EventStream:
    """`async with EventStream(database, "events", token) as stream`; without a token it begins now."""

    def __init__(self, database: AsyncIOMotorDatabase[dict[str, Any]], name: str, token: Token | None) -> None:
        self._database = database
        self._name = name
        self.token: Token = token or {}
        self._session: AsyncIOMotorClientSession | None = None
        self._cursor = 0
        self._first: list[Mapping[str, Any]] = []

    async def __aenter__(self) -> Self:
        """Raises TokenLost or StoreUnavailable."""
        since = {"resumeAfter": self.token} if self.token else {}
        pipeline = [{"$changeStream": since}, {"$match": {"operationType": "insert"}}]
        with database_errors():
            self._session = await self._database.client.start_session()
        try:
            cursor = await self._ask({"aggregate": self._name, "pipeline": pipeline, "cursor": {"batchSize": 500}})
            self._cursor, self._first = cursor["id"], cursor["firstBatch"]
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

    async def take(self, *, limit: int = 500) -> list[tuple[Mapping[str, Any], Token]]:
        """What is new, each with the token behind it; waits up to WAIT_MS. `self.token` is the one behind all of it."""
        batch, self._first = self._first, []
        if not batch:
            more = {"getMore": self._cursor, "collection": self._name, "maxTimeMS": WAIT_MS, "batchSize": limit}
            batch = (await self._ask(more))["nextBatch"]
        return [(change["fullDocument"], change["_id"]) for change in batch]

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
