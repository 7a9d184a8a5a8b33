"""What goes over the line to the database, and how the server explains it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from bot.store import Store
from bot.store.embedded import EmbeddedServer

QUERIES = {"find", "aggregate", "update", "delete", "count", "distinct", "findAndModify"}
Query = tuple[str, Mapping[str, Any]]


class Wire(CommandListener):
    """Hears every command but those of the driver itself."""

    def __init__(self) -> None:
        self.commands: list[Query] = []
        self._lock = threading.Lock()

    @property
    def queries(self) -> list[Query]:
        return [(name, one) for name, command in self.commands if name in QUERIES for one in _each(name, command)]

    @property
    def kinds(self) -> dict[str, Query]:
        """Each kind of query once."""
        kinds: dict[str, Query] = {}
        for name, one in self.queries:
            kinds.setdefault(_shape(name, one), (name, one))
        return kinds

    def started(self, event: CommandStartedEvent) -> None:
        if event.database_name != "admin" and not event.command_name.startswith("sasl"):  # a new connection signs in
            with self._lock:
                self.commands.append((event.command_name, event.command))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


@asynccontextmanager
async def listened_to(mongo: EmbeddedServer) -> AsyncIterator[tuple[Store, Wire]]:
    """The tests' database through a client of its own, with somebody on the line."""
    wire = Wire()
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        mongo.url, tz_aware=True, event_listeners=[wire], io_loop=asyncio.get_running_loop()
    )
    store = Store(client, "sayso_test")
    await store.keyed_numbers.prepare()
    try:
        yield store, wire
    finally:
        store.changes.close()
        client.close()


def _each(name: str, command: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A bulk update is many queries; the server explains one at a time."""
    if name in {"update", "delete"}:
        for one in command[f"{name}s"]:
            yield {name: command[name], f"{name}s": [one]}
    else:
        yield command


def explainable(name: str, command: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The command without what belongs to the line; each branch of a union is a query of its own."""
    extra = {"lsid", "txnNumber", "maxTimeMS", "writeConcern", "readConcern", "comment"}
    plain = {k: v for k, v in command.items() if not k.startswith("$") and k not in extra}
    if name == "aggregate":
        union = [s["$unionWith"] for s in plain["pipeline"] if "$unionWith" in s]
        for branch in union:
            yield {"aggregate": branch["coll"], "pipeline": branch["pipeline"], "cursor": {}}
        plain = {**plain, "pipeline": [s for s in plain["pipeline"] if "$unionWith" not in s], "cursor": {}}
    yield plain


def _shape(name: str, command: Mapping[str, Any]) -> str:
    """The command without its values: `find contacts {'_id': {'$in'}}`."""
    asked = {k: command[k] for k in ("filter", "pipeline", "updates", "sort", "hint") if command.get(k)}
    return f"{name} {command[name]} {_keys(asked)}"


def _keys(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_keys(v)}" for k, v in value.items() if k not in {"u", "multi"}) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(dict.fromkeys(_keys(v) for v in value)) + "]"
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) == 1 else "…"


def stages_of(plan: Any, *, winning: bool = False) -> Iterator[str]:
    """The stages of the winning plans, wherever they stand in the explanation."""
    if isinstance(plan, Mapping):
        for key, value in plan.items():
            if winning and key == "stage" and isinstance(value, str):
                yield value
            elif key != "rejectedPlans":
                yield from stages_of(value, winning=winning or key == "winningPlan")
    elif isinstance(plan, list):
        for value in plan:
            yield from stages_of(value, winning=winning)
