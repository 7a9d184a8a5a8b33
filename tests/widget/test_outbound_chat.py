"""Chat messages over HTTP: writing one, inserting its form, starting it, meeting it, following what becomes of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.demo import DEALS
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.outbound_message import ChatTerms, OutboundMessage
from bot.model.teammate import By
from tests.people import card, change, person
from tests.widget.desk import Desk
from tests.widget.help import Running

HTMX = {"HX-Request": "true"}
FORM = {
    "subscription": DEALS,
    "title": "Deals by text",
    "button": "",
    "legal_text": "Terms.",
    "box": "",
    "locale": "en",
}


@pytest.fixture
async def people(running: Running) -> list[Contact]:
    """Two whom no other test knows: one who may be asked, and one who is opted in."""
    word = f"z{new_id()}"
    made = [person(new_id(), name=f"Ann{i} {word}", phone=f"+1201555{i:04d}") for i in (71, 72)]
    await running.store.contacts.insert_many(made)
    await running.bot.ledger.record(change(made[1].id, f"in-{made[1].id}", number=made[1].phone))
    return made


async def draft(running: Running, desk: Desk, people: list[Contact]) -> OutboundMessage:
    word = (people[0].name or "").split()[1]
    filter = f'{{"query":"{word}"}}'
    assert (await desk.post("/outbound/new", {"filter": filter, "channel": "chat"}))[0] == 303
    return await running.bot.outbound.get(desk.location.rpartition("/")[2])


def form(message: OutboundMessage, **values: str) -> dict[str, str]:
    return {
        "version": str(message.version), "name": "Deals", "audience": "filter", "language": "en",
        "texts.en": "Hi {{first_name|there}}, deals by text?", "when": "visit", "ends_at": "", **values,
    }  # fmt: skip


async def with_form(running: Running, desk: Desk, message: OutboundMessage) -> OutboundMessage:
    insert = {**FORM, "key": new_id()}
    status, page = await desk.post(f"/outbound/{message.id}/form", insert)
    assert status == 422, "its legal text lacks something"
    accepted = page.one("button", name="accepted").attrs["value"]
    assert (await desk.post(f"/outbound/{message.id}/form", {**insert, "accepted": accepted}))[0] == 303
    return await running.bot.outbound.get(message.id)


async def test_the_composer_saves_by_itself_and_shows_what_the_messenger_shows(
    running: Running, ada: Desk, people: list[Contact]
) -> None:
    message = await draft(running, ada, people)
    page = await ada.look(f"/outbound/{message.id}")
    assert "Insert an opt-in form" in page.text
    status, side = await ada.post(f"/outbound/{message.id}/chat", form(message), **HTMX)
    assert (status, side.one("input", name="version").attrs["value"]) == (200, str(message.version + 1))
    assert "Hi Maya, deals by text?" in side.one("div", class_="bubble").text
    status, side = await ada.post(f"/outbound/{message.id}/chat", form(message, name="July"), **HTMX)
    assert "Someone else changed this message." in side.text
    status, page = await ada.post(f"/outbound/{message.id}/chat", form(message, ends_at="tomorrow"))
    assert (status, "Choose a date and time." in page.text) == (422, True)


async def test_a_form_is_inserted_previewed_changed_and_removed(
    running: Running, ada: Desk, people: list[Contact]
) -> None:
    message = await draft(running, ada, people)
    dialog = await ada.look(f"/outbound/{message.id}/form")
    assert not dialog.all("textarea", name="message")
    status, drawn = await ada.post(f"/outbound/{message.id}/form/preview", FORM, **HTMX)
    assert (status, "Deals by text" in drawn.text, "Sign Up Now" in drawn.text) == (200, True, True)
    status, page = await ada.post(f"/outbound/{message.id}/form", {**FORM, "key": new_id(), "title": ""})
    assert (status, "Title is required." in page.text) == (422, True)
    saved = await with_form(running, ada, message)
    assert saved.chat
    assert saved.chat.card
    assert saved.chat.card.title == "Deals by text"
    page = await ada.look(f"/outbound/{message.id}")
    assert "Edit form" in page.text
    assert page.one("h2", class_="card-title").text.strip() == "Deals by text"
    dialog = await ada.look(f"/outbound/{message.id}/form")
    assert dialog.one("input", name="title").attrs["value"] == "Deals by text"
    assert (await ada.post(f"/outbound/{message.id}/form/remove", {}))[0] == 303
    assert "Insert an opt-in form" in (await ada.look(f"/outbound/{message.id}")).text


async def test_the_preview_says_who_gets_it_and_who_has_answered_already(
    running: Running, ada: Desk, people: list[Contact]
) -> None:
    message = await with_form(running, ada, await draft(running, ada, people))
    text = " ".join((await ada.look(f"/outbound/{message.id}/audience")).text.split())
    assert "1 person would get it now. 1 Will get it" in text
    assert "1 Already opted in" in text


async def test_it_is_started_met_on_the_page_counted_paused_and_ended(
    running: Running, ada: Desk, people: list[Contact]
) -> None:
    message = await with_form(running, ada, await draft(running, ada, people))
    status, page = await ada.post(f"/outbound/{message.id}/chat/start", form(message, **{"texts.en": " "}))
    assert (status, "Write a message first." in page.text) == (422, True)
    message = await running.bot.outbound.get(message.id)
    assert (await ada.post(f"/outbound/{message.id}/chat/start", form(message)))[0] == 303
    page = await ada.look(f"/outbound/{message.id}")
    assert "Running" in page.one("section", id="delivery").text
    assert page.one("button", id="act-pause"), "it keeps the focus while the figures are drawn anew"
    token = running.bot.visitors.token(people[0].id)
    for body, unread in ((token, 0), (f"{token} opened", 2), (f"{token} opened", 2), (token, 2)):
        async with running.session.post(f"{running.base}/messenger/unread", data=body) as answer:
            assert await answer.json() == {"unread": unread}
    (chat,) = await running.store.conversations.find({"contact": people[0].id}, limit=2)
    assert (await ada.look(f"/inbox/{chat.id}")).text.count("Sent as chat message “Deals”") == 2, "text and form"
    shown = " ".join((await ada.look(f"/outbound/{message.id}/figures")).text.split())
    assert re.search(r"Shown1.*Not answered1.*Dismissed by the person0", shown)
    mine: dict[str, Any] = {"headers": {"Authorization": f"Bearer {token}"}}
    async with running.session.post(f"{running.base}/messenger/open", json={}, **mine) as answer:
        assert (await answer.json())["html"].count("data-dismiss") == 2
    dismiss = f"{running.base}/messenger/conversations/{chat.id}/dismiss"
    for seq, status in ((1, 200), (9, 404)):
        async with running.session.post(dismiss, json={"seq": seq}, **mine) as answer:
            assert answer.status == status
    async with running.session.post(f"{running.base}/messenger/open", json={}, **mine) as answer:
        html = (await answer.json())["html"]
        assert (html.count("part--dismissed"), "deals by text?" in html) == (2, False)
    assert (await ada.look(f"/inbox/{chat.id}")).text.count("Dismissed by the person") == 2
    shown = " ".join((await ada.look(f"/outbound/{message.id}/figures")).text.split())
    assert re.search(r"Shown1.*Not answered0.*Dismissed by the person1", shown)
    for act, label in (("pause", "Paused"), ("resume", "Running"), ("end", "Ended"), ("resume", "Ended")):
        assert (await ada.post(f"/outbound/{message.id}/chat/{act}", {}))[0] == 303
        assert label in (await ada.look(f"/outbound/{message.id}/figures")).text
    page = await ada.look("/outbound")
    (row,) = [row for row in page.all("tr") if row.all("a", href=f"/outbound/{message.id}")]
    assert "Chat" in row.text


async def test_a_form_that_the_page_does_not_show_is_not_started(
    running: Running, ada: Desk, people: list[Contact]
) -> None:
    message = await draft(running, ada, people)
    assert (await ada.post(f"/outbound/{message.id}/chat", form(message)))[0] == 303
    seen = await running.bot.outbound.get(message.id)
    theirs = {"chat": ChatTerms(card=card())}
    latest = await running.bot.outbound.save(seen.id, seen.version, theirs, By("cleo", "Cleo"))
    status, page = await ada.post(f"/outbound/{message.id}/chat/start", form(seen))
    assert (status, "Someone else changed this message." in page.text, "Edit form" in page.text) == (409, True, True)
    assert (await running.bot.outbound.get(message.id)).is_draft
    assert page.one("input", id="version").attrs["value"] == str(latest.version)
    assert (await ada.post(f"/outbound/{message.id}/chat/start", form(latest)))[0] == 303


async def test_what_the_composer_saved_just_before_is_started(
    running: Running, ada: Desk, people: list[Contact]
) -> None:
    message = await draft(running, ada, people)
    assert (await ada.post(f"/outbound/{message.id}/chat", form(message), **HTMX))[0] == 200
    assert (await ada.post(f"/outbound/{message.id}/chat/start", form(message)))[0] == 303
    assert not (await running.bot.outbound.get(message.id)).is_draft


async def test_a_chat_message_is_no_text_and_a_text_is_no_chat_message(
    running: Running, ada: Desk, people: list[Contact]
) -> None:
    message = await draft(running, ada, people)
    assert (await ada.post(f"/outbound/{message.id}/send", {"version": "1", "when": "now"}))[0] == 404
    assert (await ada.post("/outbound/new", {}))[0] == 303
    text = await running.bot.outbound.get(ada.location.rpartition("/")[2])
    assert (await ada.post(f"/outbound/{text.id}/chat", form(text)))[0] == 404
    assert (await ada.get(f"/outbound/{text.id}/form"))[0] == 404
    table = running.store.outbound_messages
    await table.update({"_id": text.id}, {"$set": {"ordered_at": now()}})
    for act in ("resume", "end"):
        assert (await ada.post(f"/outbound/{text.id}/chat/{act}", {}))[0] == 404
    assert not await table.run(text.id, is_running=True)
    kept = await running.bot.outbound.get(text.id)
    assert (kept.is_running, kept.ended_at) == (None, None)
