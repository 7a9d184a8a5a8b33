"""Bot flows: read, checked, published and switched by programs."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from bot.flows.check import MOST_BYTES
from bot.flows.drafts import LONGEST_NAME
from bot.flows.faults import FlowFault
from bot.model.flow import Flow, FlowVersion
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix
from bot.workspace.access import Scope
from bot.workspace.wording import one_line
from widget.api.contact_lookup import found_or_404
from widget.api.faults import FAULTY_FLOW, NO_RESOURCE, REFUSED, ApiRefusal
from widget.api.models import ApiBody, ApiQuery
from widget.api.route import Call, Resource

PATH = "/flows/{flow_id}"
LARGEST = MOST_BYTES + 1000
"""A document, and what is around it."""
EXAMPLE = {"format": 1, "name": "Greeting", "steps": [{"kind": "say", "id": "hello", "text": "Hi!"}]}

flows = Resource(
    "Flows",
    "What bots say and ask. A flow is a document; its JSON Schema is at `/api/flows/schema`.",
    is_compatible=False,
)


class FlowAnswer(ApiAnswer):
    type: Literal["flow"] = "flow"
    id: Id
    name: str = Field(examples=["Greeting"])
    state: Literal["draft", "live", "paused"] = Field(examples=["live"])
    version: int = Field(examples=[3], description="The published version.")
    order: int = Field(examples=[0], description="Of several flows that match, the one with the lowest number starts.")
    created_at: UnixTime
    updated_at: UnixTime


class FlowList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[FlowAnswer]


class FlowVersionSummary(ApiAnswer):
    type: Literal["flow_version"] = "flow_version"
    flow_id: Id
    version: int = Field(examples=[3])
    created_at: UnixTime
    published_by: str = Field(
        examples=["Ada Lopez"], description="Empty: published from the command line, or before names were kept."
    )
    note: str = Field(examples=["Shorter greeting"])
    restores: int | None = Field(examples=[None], description="The earlier version that it restores.")


class FlowVersionAnswer(FlowVersionSummary):
    document: dict[str, Any] = Field(examples=[EXAMPLE])


class FlowVersionList(ApiAnswer):
    """`next` is null on the last page."""

    type: Literal["list"] = "list"
    data: list[FlowVersionSummary]
    next: int | None = Field(examples=[None], description="`before` of the next page.")


class FlowFaultAnswer(ApiAnswer):
    path: str = Field(examples=["steps[0].text"], description="Its place in the document. Empty: the whole document.")
    step: str = Field(examples=["hello"], description="The ID of the step that it is in, if it is in one.")
    message: str = Field(examples=["Enter text."])
    severity: Literal["error", "warning"] = Field(
        examples=["error"], description="A flow with nothing but warnings can be published."
    )


class FlowCheckAnswer(ApiAnswer):
    type: Literal["flow_check"] = "flow_check"
    valid: bool = Field(examples=[False])
    faults: list[FlowFaultAnswer]


class FlowBody(ApiBody):
    document: dict[str, Any] = Field(examples=[EXAMPLE], description="A flow.")

    @property
    def text(self) -> bytes:
        return json.dumps(self.document, ensure_ascii=False).encode()


class NewFlow(FlowBody):
    live: bool = Field(False, description="Whether it starts right away; otherwise it is a draft.")


class FlowPublication(FlowBody):
    note: str = Field("", max_length=500, examples=["Shorter greeting"], description="A note for the version history.")


class FlowOrder(ApiBody):
    order: int = Field(ge=-1_000_000, le=1_000_000, examples=[10], description="Lower numbers are tried first.")


class FlowCopy(ApiBody):
    name: Annotated[str, BeforeValidator(one_line)] = Field(
        min_length=1, max_length=LONGEST_NAME, examples=["Greeting (copy)"]
    )


class FlowDeleted(ApiAnswer):
    type: Literal["flow"] = "flow"
    id: Id
    deleted: Literal[True] = True


class BeforeVersion(ApiQuery):
    before: int = Field(1_000_000, ge=1, le=1_000_000, description="`next` of the previous page.")
    per_page: int = Field(50, ge=1, le=150)


@flows.get("/flows", scope=Scope.MANAGE_FLOWS)
async def list_flows(call: Call) -> FlowList:
    """List flows.

    In the order in which they are matched.
    """
    return FlowList(data=[_answer(flow) for flow in await call.bot.flows.all()])


@flows.post("/flows", scope=Scope.MANAGE_FLOWS, errors=(FAULTY_FLOW,), most_bytes=LARGEST)
async def create_flow(call: Call, body: NewFlow) -> FlowAnswer:
    """Create a flow.

    A faulty one isn't saved: each error names the place of a fault in `field`.
    """
    return _answer(await call.bot.flows.create(body.text, call.by, id=call.key[:24], is_live=body.live))


@flows.post("/flows/check", scope=Scope.MANAGE_FLOWS, most_bytes=LARGEST)
async def check_flow(call: Call, body: FlowBody) -> FlowCheckAnswer:
    """Check a flow.

    Returns each fault with its place and how to fix it, including references that don't exist in this workspace.
    Nothing is saved.
    """
    checked = await call.bot.flows.check(body.text)
    return FlowCheckAnswer(valid=checked.document is not None, faults=[_fault(fault) for fault in checked.faults])


@flows.get(PATH, scope=Scope.MANAGE_FLOWS, errors=(NO_RESOURCE,))
async def show_flow(call: Call) -> FlowAnswer:
    """Find a flow."""
    return _answer(await _found(call))


@flows.put(PATH, scope=Scope.MANAGE_FLOWS, errors=(NO_RESOURCE,))
async def order_flow(call: Call, body: FlowOrder) -> FlowAnswer:
    """Set a flow's order."""
    flow = await _found(call)
    return _answer(await call.bot.flows.set_order(flow.id, body.order, call.by))


@flows.get(f"{PATH}/document", scope=Scope.MANAGE_FLOWS, errors=(NO_RESOURCE,))
async def show_flow_document(call: Call) -> FlowVersionAnswer:
    """Get a flow's published document."""
    flow = await _found(call)
    return await _version(call, flow.id, flow.version)


@flows.get(f"{PATH}/versions", scope=Scope.MANAGE_FLOWS, errors=(NO_RESOURCE,))
async def list_flow_versions(call: Call, query: BeforeVersion) -> FlowVersionList:
    """List a flow's versions.

    The newest first.
    """
    flow = await _found(call)
    found = await call.bot.flows.versions(flow.id, query.before, limit=query.per_page)
    return FlowVersionList(
        data=[FlowVersionSummary(**_facts(version)) for version in found.items],
        next=found.items[-1].version if found.next else None,
    )


@flows.get(f"{PATH}/versions/{{version}}", scope=Scope.MANAGE_FLOWS, errors=(NO_RESOURCE,))
async def show_flow_version(call: Call) -> FlowVersionAnswer:
    """Get the document of a version."""
    return await _version(call, (await _found(call)).id, _number(call))


@flows.post(f"{PATH}/publish", scope=Scope.MANAGE_FLOWS, errors=(NO_RESOURCE, FAULTY_FLOW), most_bytes=LARGEST)
async def publish_flow(call: Call, body: FlowPublication) -> FlowVersionAnswer:
    """Publish the next version of a flow.

    Conversations finish on the version that they began with. The published document again makes no version. A faulty
    one isn't published: each error names the place of a fault in `field`.
    """
    flow = await _found(call)
    return _version_answer(await call.bot.flows.publish(flow.id, body.text, call.by, note=body.note))


@flows.post(f"{PATH}/live", scope=Scope.MANAGE_FLOWS, errors=(NO_RESOURCE, REFUSED))
async def put_flow_live(call: Call) -> FlowAnswer:
    """Put a flow live."""
    flow = await _found(call)
    return _answer(await call.bot.flows.set_state(flow.id, "live", call.by))


@flows.post(f"{PATH}/pause", scope=Scope.MANAGE_FLOWS, errors=(NO_RESOURCE, REFUSED))
async def pause_flow(call: Call) -> FlowAnswer:
    """Pause a flow.

    It no longer starts. Running conversations finish.
    """
    flow = await _found(call)
    return _answer(await call.bot.flows.set_state(flow.id, "paused", call.by))


@flows.post(f"{PATH}/versions/{{version}}/roll_back", scope=Scope.MANAGE_FLOWS, errors=(NO_RESOURCE, FAULTY_FLOW))
async def roll_back_flow(call: Call) -> FlowVersionAnswer:
    """Publish an earlier version again.

    As the next version. Refused if it refers to something that no longer exists.
    """
    flow = await _found(call)
    return _version_answer(await found_or_404(call.bot.flows.roll_back(flow.id, _number(call), call.by)))


@flows.post(f"{PATH}/duplicate", scope=Scope.MANAGE_FLOWS, errors=(NO_RESOURCE, FAULTY_FLOW, REFUSED))
async def duplicate_flow(call: Call, body: FlowCopy) -> FlowAnswer:
    """Duplicate a flow.

    A draft with the published document, or with the draft of a flow that was never published.
    """
    flow = await _found(call)
    return _answer(await found_or_404(call.bot.flow_drafts.duplicate(flow.id, body.name, call.by, key=call.new_id)))


@flows.delete(PATH, scope=Scope.MANAGE_FLOWS, errors=(NO_RESOURCE, REFUSED))
async def delete_flow(call: Call) -> FlowDeleted:
    """Delete a draft.

    A flow that was live stays: pause it.
    """
    flow = await _found(call)
    await call.bot.flows.remove(flow.id, call.by)
    return FlowDeleted(id=flow.id)


@flows.post(f"{PATH}/restore", scope=Scope.MANAGE_FLOWS, errors=(NO_RESOURCE, REFUSED))
async def restore_flow(call: Call) -> FlowAnswer:
    """Restore a deleted draft."""
    await found_or_404(call.bot.flows.restore(call.variable("flow_id"), call.by))
    return _answer(await _found(call))


async def _found(call: Call) -> Flow:
    return await found_or_404(call.bot.flows.get(call.variable("flow_id")))


def _number(call: Call) -> int:
    """The version in the path. Raises ApiRefusal (404)."""
    number = call.variable("version")
    if not (number.isascii() and number.isdecimal() and len(number) < 7 and int(number)):
        raise ApiRefusal(NO_RESOURCE)
    return int(number)


async def _version(call: Call, flow: str, version: int) -> FlowVersionAnswer:
    return _version_answer(await found_or_404(call.bot.flows.version(flow, version)))


def _answer(flow: Flow) -> FlowAnswer:
    return FlowAnswer(
        **flow.model_dump(include={"id", "name", "state", "version", "order"}),
        created_at=unix(flow.created_at),
        updated_at=unix(flow.updated_at),
    )


def _version_answer(version: FlowVersion) -> FlowVersionAnswer:
    return FlowVersionAnswer(**_facts(version), document=version.document)


def _facts(version: FlowVersion) -> dict[str, Any]:
    return {
        "flow_id": version.flow,
        "version": version.version,
        "created_at": unix(version.created_at),
        "published_by": version.by_name,
        "note": version.note,
        "restores": version.restores,
    }


def _fault(fault: FlowFault) -> FlowFaultAnswer:
    severity: Literal["error", "warning"] = "warning" if fault.is_warning else "error"
    return FlowFaultAnswer(path=fault.path, step=fault.step, message=str(fault), severity=severity)
