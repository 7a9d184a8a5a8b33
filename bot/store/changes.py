"""The change stream: one per process, read in one thread, delivered to the event loop in batches.

motor would switch threads for each change; the driver below it returns buffered changes without another request.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pymongo.database import Database
from pymongo.errors import InvalidOperation, OperationFailure, PyMongoError

log = logging.getLogger("sayso.store")

Raw = Mapping[str, Any]
NOTHING: Mapping[str, str] = {}

WAIT_MS = 500
"""How long the server holds a read while there is no change."""
READ_SECONDS, REST_SECONDS = 0.005, 0.05
"""A first change is delivered at once. While changes keep arriving, the thread alternates between reading and resting
for these times. Without the rest, the server would answer each commit separately, and half of a busy process's commands
would be such reads."""


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """A document that was inserted, changed or deleted."""

    table: str
    id: str
    document: Raw
    """The whole document for `whole` collections; for the others only `source`, if present."""
    is_new: bool = True
    """False: it was changed."""


class Changes:
    """Delivers database changes to the event loop, in order.

    Resumes after a lost connection. If the server can no longer resume there, it starts a new stream and reports the
    gap.
    """

    def __init__(self, database: Database[dict[str, Any]]) -> None:
        self._database = database
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._resume: Raw | None = None
        self._new: deque[DocumentChange] = deque()
        self._told = False

    async def start(
        self,
        deliver: Callable[[list[DocumentChange]], None],
        lost: Callable[[], None],
        *,
        whole: Collection[str],
        inserted: Collection[str],
        changed: Collection[str],
        removed: Collection[str] = (),
        edited: Mapping[str, str] = NOTHING,
    ) -> None:
        """Returns when the stream is open: later changes are delivered.

        For `whole` collections, new documents are delivered; for `inserted`, the ids of new ones; for `changed`, the
        ids of new and changed ones; for `removed`, the ids of deleted ones; for `edited`, the ids of those where this
        field changed. `lost` is called when a broken stream is
        open again, so that listeners can read what they may have missed; later changes are delivered.
        """
        pipeline = _wanted(whole, inserted, changed, removed, edited)
        self._loop = asyncio.get_running_loop()
        self._deliver = deliver
        opened = asyncio.Event()

        tell: Callable[[], object] = opened.set

        def is_open() -> None:
            nonlocal tell
            self._call(tell)
            tell = lost  # also if the stream breaks before the loop learns that it was open

        def read() -> None:
            while not self._stop.is_set():
                try:
                    self._read(pipeline, is_open)
                except InvalidOperation:  # the client was closed
                    return
                except PyMongoError as error:
                    if self._stop.is_set():
                        return
                    if isinstance(error, OperationFailure):  # the resume token is no longer valid
                        self._resume = None
                    log.warning("change stream lost its line: %s", type(error).__name__)
                    self._stop.wait(0.5)

        self._thread = threading.Thread(target=read, name="sayso-changes", daemon=True)
        self._thread.start()
        async with asyncio.timeout(15):
            await opened.wait()

    def close(self) -> None:
        """Tells the thread to stop without waiting for it: a read that the server holds can't be interrupted."""
        self._stop.set()

    def _read(self, pipeline: list[Raw], opened: Callable[[], None]) -> None:
        with self._database.watch(
            pipeline, resume_after=self._resume, max_await_time_ms=WAIT_MS, batch_size=1000
        ) as stream:
            opened()
            reading_since = 0.0
            while not self._stop.is_set():
                change = stream.try_next()
                reading_since = (reading_since or time.monotonic()) if change else 0.0
                if change is not None:
                    self._new.append(
                        DocumentChange(
                            change["ns"]["coll"],
                            change["documentKey"]["_id"],
                            change.get("fullDocument") or {},
                            change["operationType"] == "insert",
                        )
                    )
                    if not self._told:
                        self._told = True
                        self._call(self._hand_over)
                self._resume = stream.resume_token
                if reading_since and time.monotonic() - reading_since > READ_SECONDS:
                    self._stop.wait(REST_SECONDS)
                    reading_since = 0.0

    def _hand_over(self) -> None:
        self._told = False  # before the deque is emptied, so that every later change schedules another delivery
        batch = []
        while self._new:
            batch.append(self._new.popleft())
        if batch:
            self._deliver(batch)

    def _call(self, function: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop was closed
            self._loop.call_soon_threadsafe(function)


def _wanted(
    whole: Collection[str],
    inserted: Collection[str],
    changed: Collection[str],
    removed: Collection[str],
    edited: Mapping[str, str],
) -> list[Raw]:
    """Filters on the server, so that changes without a listener are not transferred."""
    return [
        {
            "$match": {
                "$or": [
                    {"operationType": "insert", "ns.coll": {"$in": [*whole, *inserted, *changed]}},
                    {"operationType": {"$in": ["update", "replace"]}, "ns.coll": {"$in": [*changed]}},
                    {"operationType": "delete", "ns.coll": {"$in": [*removed]}},
                    *(
                        {"ns.coll": name, f"updateDescription.updatedFields.{field}": {"$exists": True}}
                        for name, field in edited.items()
                    ),
                ]
            }
        },
        {
            "$project": {
                "operationType": 1,
                "ns": 1,
                "documentKey": 1,
                "fullDocument": {
                    "$cond": [
                        {"$in": ["$ns.coll", [*whole]]},
                        "$fullDocument",
                        {"source": "$fullDocument.source"},
                    ]
                },
            }
        },
    ]
