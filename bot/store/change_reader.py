"""Reads a change stream by plain commands, so that one round trip brings one batch and the token behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

from bson import Timestamp
from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClientSession, AsyncIOMotorDatabase
from pymongo.errors import OperationFailure

from bot.errors import StoreUnavailable
from bot.store.driver import database_errors

Token = dict[str, Any]
WAIT_MS = 250
"""How long the server waits for a change."""
BATCH = 1000
LOST = {260, 280, 286}
"""InvalidResumeToken, ChangeStreamFatalError, ChangeStreamHistoryLost: the oplog no longer has the position."""
WHOLE_DATABASE = "$cmd.aggregate"


class TokenLost(Exception):
    """The stream can't resume from this position."""


class ChangeReader:
    """From a token, from a moment on (`start`), or from now on. `collection` None: of the whole database."""

    def __init__(
        self,
        database: AsyncIOMotorDatabase[dict[str, Any]],
        collection: str | None,
        pipeline: Sequence[Mapping[str, Any]],
        token: Token | None = None,
        *,
        start: Timestamp | None = None,
    ) -> None:
        self._database = database
        self._name = collection or WHOLE_DATABASE
        self._pipeline = pipeline
        self._start = start
        self.token: Token = token or {}
        """The resume token after the last change that was taken."""
        self._session: AsyncIOMotorClientSession | None = None
        self._cursor = 0

    async def __aenter__(self) -> Self:
        """Raises TokenLost or StoreUnavailable."""
        start: dict[str, Any] = {"resumeAfter": self.token} if self.token else {}
        if self._start and not self.token:
            start = {"startAtOperationTime": self._start}
        with database_errors():
            self._session = await self._database.client.start_session()
        try:
            of = 1 if self._name == WHOLE_DATABASE else self._name
            pipeline = [{"$changeStream": start}, *self._pipeline]
            self._cursor = (await self._ask({"aggregate": of, "pipeline": pipeline, "cursor": {"batchSize": 0}}))["id"]
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

    async def take_raw(self, *, wait_ms: int = WAIT_MS) -> list[dict[str, Any]]:
        """New changes, at most BATCH. Waits if there are none."""
        more = {"getMore": self._cursor, "collection": self._name, "maxTimeMS": wait_ms, "batchSize": BATCH}
        return list((await self._ask(more))["nextBatch"])

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
