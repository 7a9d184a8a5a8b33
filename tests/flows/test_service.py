"""Flows as teammates manage them: every change is recorded once, and every version is kept."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bot.errors import Invalid, NotFound
from bot.flows.document import FlowDocument
from bot.flows.drafts import DraftOutdated, FlowDrafts
from bot.flows.publish import NewerVersion, publish
from bot.flows.service import FlowFaulty, FlowService
from bot.model.audit import AuditAction as A
from bot.model.base import new_id
from bot.model.flow import Flow, FlowVersion
from bot.model.subscription import SubscriptionState
from bot.model.teammate import By
from bot.store import Store
from bot.workspace.audit import AuditFilter, AuditLog
from tests.people import subscription

ADA = By("ada", "Ada", "192.0.2.7")
FORM = {"kind": "opt_in_form", "id": "form", "subscription": "deals", "title": "Deals"}
HI = {"kind": "say", "id": "hi", "text": "Hi"}


def file(*steps: dict[str, Any], **values: Any) -> str:
    return json.dumps({"name": "Deals", "triggers": [{"kind": "messenger_opened"}], "steps": steps, **values})


async def log(store: Store) -> list[tuple[str, str, str]]:
    """The newest last: action, subject and detail."""
    page = await AuditLog(store).page(AuditFilter(actor="ada"))
    return [(entry.action, entry.subject, entry.detail) for entry in reversed(page.items)]


@pytest.fixture
async def flows(store: Store) -> FlowService:
    await store.subscriptions.keep(subscription())
    return FlowService(store)


@pytest.fixture
async def flow(flows: FlowService) -> Flow:
    return await flows.create(file(FORM), ADA)


async def test_each_version_says_who_published_it_and_why(flows: FlowService, flow: Flow) -> None:
    await flows.publish(flow.id, file(HI, FORM), ADA, note="Greets first")
    newest, first = (await flows.versions(flow.id)).items
    assert (newest.version, newest.by, newest.by_name, newest.note) == (2, "ada", "Ada", "Greets first")
    assert (first.version, first.by_name, first.note) == (1, "Ada", "")
    page = await flows.versions(flow.id, limit=1)
    assert [v.version for v in page.items] == [2]
    assert page.next
    assert [v.version for v in (await flows.versions(flow.id, 2)).items] == [1]


async def test_a_draft_that_goes_live_meanwhile_is_not_removed(
    flows: FlowService, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow, read = await flows.create_empty("Deals", ADA), flows.get

    async def read_before_it_went_live(id: str) -> Flow:
        found = await read(id)
        await store.flows.change(id, {"state": "live"})
        return found

    monkeypatch.setattr(flows, "get", read_before_it_went_live)
    with pytest.raises(Invalid):
        await flows.remove(flow.id, ADA)
    monkeypatch.undo()
    assert (await flows.get(flow.id)).state == "live"
    assert A.FLOW_REMOVED not in [action for action, *_ in await log(store)]


async def test_a_draft_is_published_only_after_the_version_that_was_read(flows: FlowService, store: Store) -> None:
    drafts, flow = FlowDrafts(store, flows), await flows.create_empty("Deals", ADA)
    await drafts.save(flow.id, file(HI), 0, ADA)
    with pytest.raises(NewerVersion) as newer:
        await publish(store, flow.id, FlowDocument.model_validate_json(file(HI)), after=1)
    assert newer.value.version == 0
    twice = [drafts.publish(flow.id, 1, ADA) for _ in range(2)]
    done = await asyncio.gather(*twice, return_exceptions=True)
    assert {type(one) for one in done} <= {FlowVersion, DraftOutdated}
    assert [version.version for version in (await flows.versions(flow.id)).items] == [1]


async def test_a_rollback_publishes_the_old_document_again(flows: FlowService, flow: Flow) -> None:
    await flows.publish(flow.id, file(HI, name="Hello"), ADA)
    assert (await flows.get(flow.id)).name == "Hello"
    made = await flows.roll_back(flow.id, 1, ADA)
    assert (made.version, made.restores) == (3, 1)
    assert made.document == (await flows.version(flow.id, 1)).document
    assert ((await flows.get(flow.id)).version, (await flows.get(flow.id)).name) == (3, "Deals")
    with pytest.raises(NotFound):
        await flows.roll_back(flow.id, 9, ADA)


async def test_a_rollback_is_checked_again(flows: FlowService, flow: Flow, store: Store) -> None:
    await flows.publish(flow.id, file(HI), ADA)
    archived = {"$set": {"state": SubscriptionState.ARCHIVED}}
    await store.subscriptions.update({"_id": "deals"}, archived)
    with pytest.raises(FlowFaulty) as refused:
        await flows.roll_back(flow.id, 1, ADA)
    assert [(fault.path, fault.step) for fault in refused.value.faults if not fault.is_warning] == [
        ("steps[0].subscription", "form")
    ]
    assert (await flows.get(flow.id)).version == 2


async def test_every_change_is_in_the_audit_log_once(flows: FlowService, store: Store) -> None:
    id = new_id()
    for _twice in range(2):
        await flows.create(file(FORM), ADA, id=id)
        await flows.publish(id, file(HI), ADA)
        await flows.set_state(id, "live", ADA)
        await flows.set_order(id, 3, ADA)
    await flows.roll_back(id, 1, ADA)
    await flows.set_state(id, "paused", ADA)
    copy = await flows.duplicate(id, "Deals 2", ADA)
    assert (copy.state, copy.name, copy.version) == ("draft", "Deals 2", 1)
    assert await log(store) == [
        (A.FLOW_CREATED, "Deals", ""),
        (A.FLOW_PUBLISHED, "Deals", "2"),
        (A.FLOW_PUT_LIVE, "Deals", ""),
        (A.FLOW_ORDERED, "Deals", "3"),
        (A.FLOW_ROLLED_BACK, "Deals", "1"),
        (A.FLOW_PAUSED, "Deals", ""),
        (A.FLOW_CREATED, "Deals 2", ""),
    ]
