"""The flows of a workspace, as teammates manage them: checked, created, published, paused, ordered. Drafts are in
`bot.flows.drafts`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from bot.errors import Invalid, NotFound
from bot.errors import marked as _
from bot.flows.check import FlowCheck, check
from bot.flows.document import FlowDocument
from bot.flows.publish import NewerVersion, create, publish
from bot.flows.rules import Surroundings
from bot.flows.steps import OptInForm
from bot.flows.variant_choice import with_only
from bot.flows.variants import variant_names
from bot.model.audit import AuditAction as A
from bot.model.base import new_id, now
from bot.model.flow import Flow, FlowVersion, version_id
from bot.model.paging import Page
from bot.model.teammate import By
from bot.model.webhook import Topic
from bot.store import Store
from bot.workspace.audit import AuditLog
from bot.workspace.image_hosts import image_hosts

MOST = 500
NOT_FOUND = _("Flow not found.")
NO_VARIANT = _("Variant not found.")
NO_VERSION = _("Flow version not found.")
STRIDE = 10
"""Between the orders of two flows, so that one can be placed between them."""
NOTHING_PUBLISHED = _("Publish this flow first.")
WAS_LIVE = _("This flow has been live. Pause it instead.")
TOO_MANY = _("You've reached the limit of %(most)s flows.")


class FlowFaulty(Invalid):
    """A flow with faults: nothing was saved."""

    code = "flow_faulty"
    message = _("This flow has errors, so nothing was saved.")

    def __init__(self, checked: FlowCheck) -> None:
        self.faults = checked.faults
        super().__init__()


class FlowService:
    """`image_hosts`: the setting, see `bot.workspace.image_hosts`."""

    def __init__(self, store: Store, *, image_hosts: str = "") -> None:
        self._store = store
        self._audit = AuditLog(store)
        self._image_hosts = image_hosts

    async def all(self) -> list[Flow]:
        """In the order in which they are tried."""
        found = await self._store.flows.present(limit=MOST)
        return sorted(found, key=lambda flow: (flow.order, flow.created_at))

    async def get(self, id: str) -> Flow:
        """Raises NotFound."""
        flow = await self._store.flows.get(id)
        if flow is None or flow.state == "removed":
            raise NotFound(NOT_FOUND)
        return flow

    async def document(self, id: str, version: int | None = None) -> FlowDocument:
        """Of this version, by default the published one. Raises NotFound."""
        flow = await self.get(id)
        document = FlowDocument(**(await self.version(id, flow.version if version is None else version)).document)
        return document if document.name else document.model_copy(update={"name": flow.name})

    async def version(self, id: str, version: int) -> FlowVersion:
        """Raises NotFound."""
        found = await self._store.flow_versions.get(version_id(id, version))
        if found is None:
            raise NotFound(NO_VERSION)
        return found

    async def versions(self, id: str, before: int | None = None, *, limit: int = 50) -> Page[FlowVersion]:
        """The newest first."""
        found = await self._store.flow_versions.newest(id, before=before, limit=limit + 1)
        return Page.cut(found, limit, lambda version: (version.version,))

    async def heads(self, flows: Sequence[Flow]) -> dict[str, FlowVersion]:
        """Their published versions, by flow: without steps, as a list shows them."""
        return await self._store.flow_versions.heads(flows)

    async def check(self, text: str | bytes) -> FlowCheck:
        """Of a file, with what exists in this workspace."""
        return check(text, await self.surroundings())

    async def create(
        self, text: str | bytes, by: By, *, id: str | None = None, is_live: bool = False, action: A = A.FLOW_CREATED
    ) -> Flow:
        """A flow from a file. With the same `id`, one flow however often it is called. `action`: what the audit log
        says. It is tried last. Raises FlowFaulty, and Invalid if there are too many flows."""
        document, order = await self._read(text), await self._next_order()
        state: Literal["live", "draft"] = "live" if is_live else "draft"
        made = await create(self._store, document, id=id, state=state, order=order, by=by)
        await self._audit.record(by, action, made.name, key=made.id)
        return made

    async def create_empty(self, name: str, by: By, *, id: str | None = None) -> Flow:
        """A draft without a version; it is tried last. With the same `id`, one flow however often it is called. Raises
        Invalid if there are too many flows."""
        time, order = now(), await self._next_order()
        made = Flow(id=id or new_id(), name=name, version=0, order=order, created_at=time, updated_at=time)
        await self._store.flows.keep(made)
        await self._audit.record(by, A.FLOW_CREATED, name, key=made.id)
        return made

    async def _next_order(self) -> int:
        """Raises Invalid."""
        return max((flow.order for flow in await self._with_room()), default=0) + STRIDE

    async def _with_room(self) -> list[Flow]:
        """All flows. Raises Invalid if there can't be another one."""
        flows = await self.all()
        if len(flows) >= MOST:
            raise Invalid(TOO_MANY, most=str(MOST))
        return flows

    async def publish(
        self, id: str, text: str | bytes, by: By, *, note: str = "", after: int | None = None
    ) -> FlowVersion:
        """A new version from a file; the same document again makes none. `after`: only as the version that follows this
        one. Raises FlowFaulty, NotFound or NewerVersion."""
        return await self._publish(id, await self._read(text), by, A.FLOW_PUBLISHED, note=note, after=after)

    async def roll_back(self, id: str, version: int, by: By) -> FlowVersion:
        """Publishes an earlier version's document as a new version. Raises NotFound, or FlowFaulty if the workspace no
        longer has what it names."""
        document = await self._read((await self.document(id, version)).as_file())
        return await self._publish(id, document, by, A.FLOW_ROLLED_BACK, restores=version)

    async def use_variant(self, id: str, version: int, step: str, variant: str, by: By) -> FlowVersion:
        """Publishes the flow with the words of this variant of a form as the only ones. `version`: the one that the
        teammate saw. Raises NotFound, NewerVersion or FlowFaulty."""
        flow = await self.get(id)
        if flow.version != version:
            raise NewerVersion(flow.version)
        document = await self.document(id)
        form = next((s for s in document.all_steps() if s.id == step and isinstance(s, OptInForm)), None)
        if form is None or variant not in variant_names(form.variants):
            raise NotFound(NO_VARIANT)
        chosen = await self._read(with_only(document, step, variant).as_file())
        return await self._publish(id, chosen, by, A.FLOW_PUBLISHED, note=f"{step}/{variant}", after=version)

    async def duplicate(self, id: str, name: str, by: By, *, key: str | None = None) -> Flow:
        """A draft with the same document, once for all calls with this key. Raises FlowFaulty or NotFound."""
        document = (await self.document(id)).model_copy(update={"name": name})
        return await self.create(document.as_file(), by, id=key)

    async def remove(self, id: str, by: By) -> Flow:
        """Removes a flow that was never live. Raises NotFound, and Invalid if it was."""
        flow = await self.get(id)
        if not await self._store.flows.change(id, {"state": "removed"}, only="draft"):
            raise Invalid(WAS_LIVE)
        await self._audit.record(by, A.FLOW_REMOVED, flow.name)
        return flow

    async def restore(self, id: str, by: By) -> Flow:
        """Undoes `remove`. Raises NotFound, and Invalid if there are too many flows."""
        flow = await self._store.flows.get(id)
        await self._with_room()
        if flow is None or not await self._store.flows.change(id, {"state": "draft"}, only="removed"):
            raise NotFound(NOT_FOUND)
        await self._audit.record(by, A.FLOW_RESTORED, flow.name)
        return flow

    async def set_state(self, id: str, state: Literal["live", "paused"], by: By) -> Flow:
        """Paused: it starts no more, and runs that began finish. Raises NotFound, and Invalid if it has no version."""
        if not (await self.get(id)).version:
            raise Invalid(NOTHING_PUBLISHED)
        return await self._change(id, {"state": state}, by, A.FLOW_PUT_LIVE if state == "live" else A.FLOW_PAUSED)

    async def set_order(self, id: str, order: int, by: By) -> Flow:
        """Of several flows that match, the one with the lowest number starts. Raises NotFound."""
        return await self._change(id, {"order": order}, by, A.FLOW_ORDERED, detail=str(order))

    async def move(self, id: str, before: str, by: By) -> None:
        """Places it before this other flow; without one, at the end. Raises NotFound."""
        flow, others = await self.get(id), [other for other in await self.all() if other.id != id]
        place = next((i for i, other in enumerate(others) if other.id == before), len(others))
        wanted = enumerate([*others[:place], flow, *others[place:]], start=1)
        orders = [({"_id": one.id}, i * STRIDE) for i, one in wanted if one.order != i * STRIDE]
        await self._store.flows.update_many([(match, {"$set": {"order": order}}) for match, order in orders])
        if orders:
            await self._audit.record(by, A.FLOW_ORDERED, flow.name, detail=str(place + 1))

    async def surroundings(self) -> Surroundings:
        store = self._store
        flows = await store.flows.in_use()
        endpoints = await store.webhook_endpoints.present()
        workspace = await store.workspaces.get("workspace")
        return Surroundings(
            {subscription.id: subscription for subscription in await store.subscriptions.all()},
            frozenset(tag.id for tag in await store.tags.in_use()),
            frozenset(attribute.id for attribute in await store.attributes.in_use()),
            frozenset(flow.id for flow in flows if flow.state == "live"),
            frozenset(image_hosts(self._image_hosts, workspace)) if workspace else frozenset(),
            frozenset(segment.id for segment in await store.segments.in_use()),
            frozenset(program.id for program in await store.keyword_programs.all(limit=MOST)),
            workspace,
            any(Topic.FLOW_EVENT in endpoint.topics for endpoint in endpoints if endpoint.is_enabled),
        )

    async def _publish(self, id: str, document: FlowDocument, by: By, action: A, **more: Any) -> FlowVersion:
        flow = await self.get(id)
        current = await self.version(id, flow.version) if flow.version else None
        if current and current.document == document.written():
            return current
        made = await publish(self._store, id, document, by=by, **more)
        detail = str(made.restores or made.version)
        await self._audit.record(by, action, document.name or flow.name, detail=detail, key=made.id)
        return made

    async def _change(self, id: str, values: dict[str, object], by: By, action: A, *, detail: str = "") -> Flow:
        flow = await self.get(id)
        if all(getattr(flow, name) == value for name, value in values.items()):
            return flow
        if not await self._store.flows.change(id, values):
            raise NotFound(NOT_FOUND)
        await self._audit.record(by, action, flow.name, detail=detail)
        return flow.model_copy(update=values)

    async def _read(self, text: str | bytes) -> FlowDocument:
        checked = await self.check(text)
        if checked.document is None:
            raise FlowFaulty(checked)
        return checked.document
