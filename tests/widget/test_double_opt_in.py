"""Double opt-in as people go through it: the card, the phone, and the open chat that hears of the answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bot.demo import DEALS
from bot.model.base import new_id, now
from bot.model.contact import ConsentState
from bot.model.subscription import SubscriptionState, SubscriptionVersion
from tests.conftest import Visitor, eventually
from tests.people import subscription
from tests.widget.help import Card, Running, read
from tests.widget.test_live import heard, hello, is_ready


@pytest.fixture
async def _double(running: Running) -> AsyncIterator[None]:
    await running.store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
    yield
    await running.store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": False}})


async def _reply(person: Visitor, number: str, body: str) -> int:
    url = f"{person.base}/demo/phone"
    async with person.session.post(url, data={"number": number, "body": body}, allow_redirects=False) as answer:
        return answer.status


async def _state(running: Running, person: Visitor) -> ConsentState | None:
    contact = await running.bot.ledger.contact((await running.contact(person)).id)
    consent = contact.consent(DEALS) if contact else None
    return consent.state if consent else None


def card_is(state: str) -> Callable[[dict[str, Any]], bool]:
    """The card, drawn in this state: it may come before, as it was then."""
    return lambda m: m.get("seq") == 2 and Card(m["html"]).state == state


@pytest.mark.usefixtures("_double")
async def test_the_open_card_waits_and_is_done_when_the_phone_says_yes(visitor: Visitor, running: Running) -> None:
    number, pretty = "+12015550161", "(201) 555-0161"
    socket = await hello(visitor, 2)
    await heard(socket, is_ready)
    status, html = await visitor.submit(pretty)
    card = Card(html)
    assert (status, card.state, card.title, card.locked) == (200, "pending", "Reply YES to finish", pretty)
    (asked, *_) = [m for m in await heard(socket, lambda m: m.get("seq") == 3) if m.get("seq") == 3]
    assert read(asked["html"]).one("p", class_="event").text == "Pending. Reply YES to our text to confirm."

    async def question() -> bool:
        return any("Reply YES" in text.body for text in await running.bot.phone.texts(number))

    await eventually(question)
    assert await _state(running, visitor) is ConsentState.PENDING
    assert await _reply(visitor, number, "YES") == 303
    heard_now = await heard(socket, lambda m: m.get("seq") == 5)
    (*_, again) = [m for m in heard_now if m.get("seq") == 2]
    assert Card(again["html"]).state == "completed"
    entries = {m["seq"]: read(m["html"]).text for m in heard_now if m.get("seq") in {4, 5}}
    assert "You signed up." in entries[4]
    assert "HARBOR10" in entries[5], "the bot goes on when the yes counts, and not before"
    assert await _state(running, visitor) is ConsentState.OPTED_IN
    await socket.close()


@pytest.mark.usefixtures("_double")
async def test_a_stop_by_text_is_seen_on_the_open_card(visitor: Visitor, running: Running) -> None:
    number = "+12015550162"
    await visitor.submit("(201) 555-0162")

    async def question() -> bool:
        return bool(await running.bot.phone.texts(number))

    await eventually(question)
    socket = await hello(visitor, 3)
    await heard(socket, is_ready)
    assert await _reply(visitor, number, "Stop") == 303
    assert await heard(socket, card_is("lapsed"))
    await socket.close()


async def test_an_archived_subscription_closes_the_card_in_the_open_chat(visitor: Visitor, running: Running) -> None:
    """The history's entry is what the feed hears of."""
    socket = await hello(visitor, 2)
    await heard(socket, is_ready)
    await running.store.subscriptions.update({"_id": DEALS}, {"$set": {"state": SubscriptionState.ARCHIVED}})
    try:
        await _tell(running)
        assert await heard(socket, card_is("closed"))
    finally:
        await running.store.subscriptions.update({"_id": DEALS}, {"$set": {"state": SubscriptionState.LIVE}})
    await socket.close()


async def test_a_pending_yes_shows_in_the_chat_that_is_opened_again(visitor: Visitor, running: Running) -> None:
    await running.store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
    try:
        await visitor.submit("(201) 555-0163")
    finally:
        await running.store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": False}})
    opened = await visitor.open(visitor.conversation)
    assert 'data-state="pending"' in opened["html"]
    assert "(201) 555-0163" in opened["html"]


async def _tell(running: Running) -> None:
    id = new_id()
    entry = SubscriptionVersion(
        id=f"{id}:0000000001", subscription=id, seq=1, act="created", by="t", by_name="T", at=now(), key=id,
        after=subscription(id=id, name=id),
    )  # fmt: skip
    await running.store.subscription_versions.insert(entry)
