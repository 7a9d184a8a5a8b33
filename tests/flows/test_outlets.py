"""What a flow does outside its conversation: texts with permission, notifications, each once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bot.app import Bot
from bot.consent.ledger import Ledger
from bot.demo import DEALS
from bot.flows.performing import BOT
from bot.flows.publish import create
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.model.event import Action
from bot.model.webhook import Topic
from tests.flows.test_effects import flow
from tests.people import NUMBER, change
from tests.webhooks.people import ADA

MakeContact = Callable[..., Awaitable[Contact]]
TEXT = {"kind": "send_sms", "id": "text", "subscription": DEALS, "text": "Hi {{first_name|there}}, 10 % off today"}
CALL = {"kind": "webhook", "id": "call", "event": "sample.requested", "values": {"who": "{{first_name|there}}"}}


async def run(bot: Bot, contact: str, *steps: dict[str, Any], id: str = "run") -> None:
    """Runs these steps in a chat of this contact, from a flow that nothing else starts."""
    await create(bot.store, flow(*steps), id="flow", state="draft")
    await bot.conversations.begin(f"chat-{id}", contact, BOT, [])
    conversation, script = await bot.conversations.get(f"chat-{id}"), await bot.runs.scripts.get("flow", 1)
    assert conversation
    assert script
    await bot.runs.start(conversation, script, id=id)


async def the_text(bot: Bot, contact: str) -> Delivery:
    """The one text of a flow, after all that could be sent was."""
    await bot.consumers.drain()
    while await bot.sender.send_some():
        pass
    found = await bot.store.deliveries.find({"contact": contact, "kind": DeliveryKind.FLOW}, limit=10)
    assert len(found) == 1
    return found[0]


async def test_a_text_has_the_words_the_preference_link_and_how_to_opt_out(bot: Bot, make_contact: MakeContact) -> None:
    ada = await make_contact(name="Ada Byron")
    consent = (await Ledger(bot.store).record(change(ada.id, "yes"))).event
    await run(bot, ada.id, TEXT)
    sent = await the_text(bot, ada.id)
    assert (sent.state, sent.event, sent.flow, sent.is_marketing) == (DeliveryState.SENT, consent.event, "flow", True)
    body = [text.body for text in await bot.phone.texts(NUMBER) if text.incoming][-1]
    assert body.startswith("Hi Ada, 10 % off today\n")
    assert "http://sayso.test/p/" in body
    assert "STOP" in body


@pytest.mark.parametrize(
    ("action", "reason"),
    [(None, "no_valid_number"), (Action.OPT_OUT, "opted_out"), (Action.CAPTURE_PHONE, "not_opted_in")],
)
async def test_a_text_without_permission_is_blocked_and_says_why(
    bot: Bot, make_contact: MakeContact, action: Action | None, reason: str
) -> None:
    ada = await make_contact()
    if action is Action.CAPTURE_PHONE:
        await Ledger(bot.store).record(change(ada.id, "no", action, subscription=None))
    elif action:
        await Ledger(bot.store).record(change(ada.id, "yes"))
        await Ledger(bot.store).record(change(ada.id, "no", action))
    await run(bot, ada.id, TEXT)
    blocked = await the_text(bot, ada.id)
    assert (blocked.state, blocked.reason, blocked.due_at) == (DeliveryState.BLOCKED, reason, None)


async def test_a_stopped_number_gets_no_text_from_a_flow(bot: Bot, make_contact: MakeContact) -> None:
    ada = await make_contact()
    await Ledger(bot.store).record(change(ada.id, "yes"))
    await bot.receive(NUMBER, "STOP", "t1")
    await run(bot, ada.id, TEXT)
    assert (await the_text(bot, ada.id)).reason in {"stopped", "opted_out"}


async def test_endpoints_that_want_flow_events_are_told_once(bot: Bot, make_contact: MakeContact) -> None:
    ada = await make_contact(name="Ada Byron")
    added = await bot.webhooks.add("https://hooks.shop.example/a", "", [Topic.FLOW_EVENT], ADA)
    await bot.webhooks.add("https://hooks.shop.example/b", "", [Topic.CONSENT_RECORDED], ADA)
    await run(bot, ada.id, CALL)
    values = {"who": "Ada"}
    for _ in range(2):  # as after a crash
        await bot.flow_events.notify(
            "chat-run", ada.id, "sample.requested", values, "run:run:0:0", flow="flow", version=1
        )
    (told,) = await bot.store.webhook_notifications.find({"contact": ada.id}, limit=10)
    assert (told.endpoint, told.topic, told.created_at <= now()) == (added.endpoint.id, "flow.event", True)
    wanted = {"name": "sample.requested", "values": values, "flow_id": "flow", "conversation_id": "chat-run"}
    assert told.item.items() >= wanted.items()
    assert told.item["contact"]["name"] == "Ada Byron"
