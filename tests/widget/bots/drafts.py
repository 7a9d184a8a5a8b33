"""Flows that never start, for the pages about them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot.demo import DEALS
from bot.model.flow import Flow
from bot.model.teammate import By
from bot.workspace.audit import AuditFilter
from tests.widget.admins import Admin
from tests.widget.help import Running

HI = {"kind": "say", "id": "hi", "text": "Hi there!"}
BYE = {"kind": "say", "id": "bye", "text": "Bye!", "translations": {"es": "¡Adiós!"}}
FORM = {"kind": "opt_in_form", "id": "form", "subscription": DEALS, "title": "Deals by text", "completed": [HI]}
IS_NEW = {"field": "consent", "subscription": DEALS, "states": ["none"]}
JUDGE = {"kind": "condition", "id": "new", "when": {"conditions": [IS_NEW]}, "then": [FORM], "otherwise": [BYE]}
ADA = By("x", "Ada Lovelace")


def file(*steps: dict[str, Any], **values: Any) -> str:
    return json.dumps({"name": "Roasts", "triggers": [{"kind": "messenger_opened"}], "steps": steps, **values})


@asynccontextmanager
async def flow(running: Running, *versions: str) -> AsyncIterator[Flow]:
    """A draft with these versions, which never starts."""
    made = await running.bot.flows.create(versions[0], ADA)
    for text in versions[1:]:
        await running.bot.flows.publish(made.id, text, ADA, note="Says goodbye")
    yield made


async def recorded(running: Running, eve: Admin) -> list[str]:
    page = await running.bot.audit.page(AuditFilter(actor=eve.teammate.id))
    return [entry.action for entry in page.items if entry.action.startswith("flow.")]


async def flows_of(running: Running) -> set[str]:
    return {flow.id for flow in await running.bot.flows.all()}
