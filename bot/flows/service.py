"""The flows of a workspace, as teammates manage them: checked, created, published, paused, ordered."""

from __future__ import annotations

from typing import Literal

from bot.errors import Invalid, NotFound
from bot.errors import marked as _
from bot.flows.check import FlowCheck, check
from bot.flows.document import FlowDocument
from bot.flows.publish import create, publish
from bot.flows.rules import Surroundings
from bot.model.base import now
from bot.model.flow import Flow, FlowVersion, version_id
from bot.store import Store

MOST = 500
NOT_FOUND = _("Flow not found.")


class FlowFaulty(Invalid):
    """A flow with faults: nothing was saved."""

    code = "flow_faulty"
    message = _("This flow has errors, so nothing was saved.")

    def __init__(self, checked: FlowCheck) -> None:
        self.faults = checked.faults
        super().__init__()


class FlowService:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def all(self) -> list[Flow]:
        """In the order in which they are tried."""
        found = await self._store.flows.page("", limit=MOST)
        return sorted(found, key=lambda flow: (flow.order, flow.created_at))

    async def get(self, id: str) -> Flow:
        """Raises NotFound."""
        flow = await self._store.flows.get(id)
        if flow is None:
            raise NotFound(NOT_FOUND)
        return flow

    async def document(self, id: str) -> FlowDocument:
        """Of the published version. Raises NotFound."""
        flow = await self.get(id)
        version = await self._store.flow_versions.get(version_id(id, flow.version))
        if version is None:
            raise NotFound(NOT_FOUND)
        document = FlowDocument(**version.document)
        return document if document.name else document.model_copy(update={"name": flow.name})

    async def check(self, text: str | bytes) -> FlowCheck:
        """Of a file, with what exists in this workspace."""
        return check(text, await self.surroundings())

    async def create(self, text: str | bytes, *, is_live: bool) -> Flow:
        """A flow from a file. Raises FlowFaulty."""
        return await create(self._store, await self._read(text), state="live" if is_live else "draft")

    async def publish(self, id: str, text: str | bytes) -> FlowVersion:
        """A new version from a file. Raises FlowFaulty or NotFound."""
        return await publish(self._store, id, await self._read(text))

    async def set_state(self, id: str, state: Literal["live", "paused"]) -> Flow:
        """Paused: it starts no more, and runs that began finish. Raises NotFound."""
        await self._change(id, {"state": state})
        return await self.get(id)

    async def set_order(self, id: str, order: int) -> Flow:
        """Of several flows that match, the one with the lowest number starts. Raises NotFound."""
        await self._change(id, {"order": order})
        return await self.get(id)

    async def surroundings(self) -> Surroundings:
        store = self._store
        flows = await store.flows.in_use()
        return Surroundings(
            {subscription.id: subscription for subscription in await store.subscriptions.all()},
            frozenset(tag.id for tag in await store.tags.in_use()),
            frozenset(attribute.id for attribute in await store.attributes.in_use()),
            frozenset(flow.id for flow in flows if flow.state == "live"),
        )

    async def _change(self, id: str, values: dict[str, object]) -> None:
        await self.get(id)
        await self._store.flows.update({"_id": id}, {"$set": {**values, "updated_at": now()}})

    async def _read(self, text: str | bytes) -> FlowDocument:
        checked = await self.check(text)
        if checked.document is None:
            raise FlowFaulty(checked)
        return checked.document
