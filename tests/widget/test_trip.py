"""The main job, over HTTP: asked in chat, yes, kept, changed."""

from __future__ import annotations

import re
from collections.abc import Callable

from bot.app import Bot
from bot.demo import DEALS
from bot.model.contact import ConsentState
from bot.model.conversation import Part
from bot.store import Store
from tests.conftest import Visitor, eventually


async def test_a_visitor_is_asked_says_yes_and_changes_their_mind(
    visitors: Callable[[], Visitor], demo_store: Store, bot: Bot
) -> None:
    visitor = visitors()
    opened = await visitor.open()
    assert "Sign up to our SMS deals to get 10% off" in opened["html"]
    status, card = await visitor.submit("(201) 555-0123")
    assert (status, "You're signed up" in card, "(201) 555-0123" in card) == (200, True, True)

    texts = await eventually(lambda: bot.phone.texts("+12015550123"))
    link = re.search(r"/p/([\w-]+)", texts[0].body)
    assert link
    async with visitor.session.get(visitor.base + link[0]) as answer:
        page = await answer.text()
    assert 'aria-checked="true"' in page

    parts = await eventually(lambda: _parts(demo_store, visitor.conversation, 4))
    assert [p.content.kind for p in parts] == ["text", "card", "event", "text"]

    form = {"change": "opt_out", "subscription": DEALS, "key": "k1234567"}
    async with visitor.session.post(visitor.base + link[0], data=form) as answer:
        assert answer.status == 200, await answer.text()
    contact = (await demo_store.contacts.find({}, limit=2))[0]
    consent = contact.consent(DEALS)
    assert consent
    assert consent.state is ConsentState.OPTED_OUT

    opened = await visitor.open("new")
    assert "card--saved" in opened["html"]
    status, card = await visitor.submit(None)
    assert (status, "You're signed up" in card) == (200, True)


async def _parts(store: Store, conversation: str, count: int) -> list[Part]:
    found = await store.parts.after(conversation, 0, limit=10)
    return found if len(found) >= count else []
