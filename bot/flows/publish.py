"""Publishing: a new version is inserted first, then new runs begin with it."""

from __future__ import annotations

from typing import Literal

from bot.aio.retry import retried
from bot.errors import NotFound
from bot.errors import marked as _
from bot.flows.document import FlowDocument
from bot.flows.script import flow_version
from bot.model.base import new_id, now
from bot.model.flow import Flow, FlowVersion
from bot.store import Duplicate, Store


async def create(
    store: Store, document: FlowDocument, *, id: str | None = None, state: Literal["draft", "live"] = "live"
) -> Flow:
    """A flow with this document as its first version. One with this id stays as it is."""
    time = now()
    flow = Flow(id=id or new_id(), name=document.name, state=state, created_at=time, updated_at=time)
    await store.flow_versions.keep(flow_version(flow.id, flow.version, document, time))
    await store.flows.keep(flow)
    return flow


async def publish(store: Store, flow: str, document: FlowDocument) -> FlowVersion:
    """Makes this document the flow's newest version. Runs that began earlier finish on theirs.

    Raises NotFound, and StoreUnavailable if others keep publishing at the same time.
    """

    async def attempt() -> FlowVersion:
        known = await store.flows.get(flow)
        if known is None:
            raise NotFound(_("Flow not found."))
        version = flow_version(flow, known.version + 1, document, now())
        try:
            await store.flow_versions.insert(version)
        except Duplicate:  # another publisher inserted it, and may have stopped before updating the flow
            await _adopt(store, flow, version.version)
            raise
        await _adopt(store, flow, version.version)
        return version

    return await retried(attempt, Duplicate)


async def _adopt(store: Store, flow: str, version: int) -> None:
    change = {"$set": {"version": version, "updated_at": now()}}
    await store.flows.update({"_id": flow, "version": {"$lt": version}}, change)
