"""Publishing: a new version is inserted first, then new runs begin with it."""

from __future__ import annotations

from typing import Literal

from bot.aio.retry import retried
from bot.errors import Conflict, NotFound
from bot.errors import marked as _
from bot.flows.document import FlowDocument
from bot.flows.script import flow_version
from bot.model.base import new_id, now
from bot.model.flow import Flow, FlowVersion, version_id
from bot.model.teammate import By
from bot.store import Duplicate, Store

NOBODY = By("", "")


class NewerVersion(Conflict):
    """Another version was published meanwhile: nothing was published."""

    message = _("A newer version was published. Review its figures first.")

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__()


async def create(
    store: Store,
    document: FlowDocument,
    *,
    id: str | None = None,
    state: Literal["draft", "live"] = "live",
    order: int = 0,
    by: By = NOBODY,
) -> Flow:
    """A flow with this document as its first version. One with this id stays as it is."""
    time = now()
    flow = Flow(id=id or new_id(), name=document.name, state=state, order=order, created_at=time, updated_at=time)
    version = flow_version(flow.id, flow.version, document, time, by=by.id, by_name=by.name)
    await store.flow_versions.keep(version)
    await store.flows.keep(flow)
    return flow


async def publish(
    store: Store,
    flow: str,
    document: FlowDocument,
    *,
    by: By = NOBODY,
    note: str = "",
    restores: int | None = None,
    after: int | None = None,
) -> FlowVersion:
    """Makes this document the flow's newest version. Runs that began earlier finish on theirs.

    `after`: only as the version that follows this one. Raises NotFound, NewerVersion, and StoreUnavailable if others
    keep publishing at the same time.
    """
    more = {"by": by.id, "by_name": by.name, "note": note, "restores": restores}

    async def attempt() -> FlowVersion:
        known = await store.flows.get(flow)
        if known is None:
            raise NotFound(_("Flow not found."))
        if after is not None and known.version != after:
            raise NewerVersion(known.version)
        version = flow_version(flow, known.version + 1, document, now(), **more)
        try:
            await store.flow_versions.insert(version)
        except Duplicate:  # another publisher inserted it, and may have stopped before updating the flow
            await _adopt(store, await store.flow_versions.get(version_id(flow, version.version)) or version)
            raise
        await _adopt(store, version)
        return version

    return await retried(attempt, Duplicate)


async def _adopt(store: Store, version: FlowVersion) -> None:
    name = version.document.get("name")
    change = {"version": version.version, "updated_at": now(), **({"name": name} if name else {})}
    await store.flows.update({"_id": version.flow, "version": {"$lt": version.version}}, {"$set": change})
