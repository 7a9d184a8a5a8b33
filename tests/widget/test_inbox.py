"""The inbox over HTTP: what an agent reads and does, with bad input, and what nobody else may."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.chat.conversations import texting_id
from bot.model.base import new_id, now
from bot.model.conversation import Conversation, ConversationState
from bot.model.teammate import By, TeammateRole
from tests.conftest import Visitor, eventually
from tests.widget.desk import Desk, at_desk
from tests.widget.help import Node, Running, faults, read
from tests.widget.test_live import say


async def talking(visitor: Visitor, text: str = "Do you grind?") -> str:
    """The path of the conversation in the inbox, once the visitor has written."""
    await say(visitor, text, new_id())
    return f"/inbox/{visitor.conversation}"


async def conversation(running: Running, visitor: Visitor) -> Conversation:
    found = await running.store.conversations.get(visitor.conversation)
    assert found
    return found


def bubbles(page: Node) -> list[str]:
    return [node.text for node in page.all("div", class_="bubble")]


def events(page: Node) -> list[str]:
    return [" ".join(node.text.split()) for node in page.all("p", class_="event")]


def key() -> dict[str, str]:
    return {"key": new_id()}


async def test_a_visitor_who_writes_stands_in_the_list_unread(ben: Desk, visitor: Visitor) -> None:
    assert not (await ben.look("/inbox")).all("a", data_id=visitor.conversation)
    path = await talking(visitor, "Is the <b>Sidamo</b> back?")
    item = (await ben.look("/inbox")).one("a", data_id=visitor.conversation)
    assert item.has("class_", "conv--unread")
    assert item.one("span", class_="conv-line").text == "Is the <b>Sidamo</b> back?"
    assert "Is the <b>Sidamo</b> back?" in bubbles(await ben.look(path))


async def test_who_only_signed_up_is_among_the_sign_ups(ben: Desk, visitor: Visitor, running: Running) -> None:
    await visitor.submit()
    await running.quiet(visitor)
    page = await ben.look("/inbox")
    assert not page.all("a", data_id=visitor.conversation)
    assert page.one("span", data_whose="sign_ups").text.strip()
    sign_ups = await ben.look("/inbox?whose=sign_ups")
    assert sign_ups.one("a", data_id=visitor.conversation).has("class_", "conv--unread")
    assert "state=closed&whose=all" in sign_ups.one("nav", class_="inbox-tabs").all("a")[2].attrs["href"]
    await talking(visitor)
    assert (await ben.look("/inbox")).one("a", data_id=visitor.conversation)
    assert not (await ben.look("/inbox?whose=sign_ups")).all("a", data_id=visitor.conversation)


async def test_an_agents_reply_reaches_the_visitor_and_a_note_does_not(ben: Desk, visitor: Visitor) -> None:
    path = await talking(visitor)
    for kind, text in (("reply", "We do. $name"), ("note", "Ask Ada about the grinder")):
        assert (await ben.post(f"{path}/messages", {"kind": kind, "text": text, **key()}))[0] == 303
        assert ben.location == path
    assert {"We do. $name", "Ask Ada about the grinder"} <= set(bubbles(await ben.look(path)))
    opened = await visitor.open(visitor.conversation)
    assert "We do. $name" in opened["html"]
    assert "Ben from Harbor Coffee" in opened["html"]
    assert "grinder" not in opened["html"]
    async with visitor.session.get(
        f"{visitor.base}/messenger/conversations/{visitor.conversation}/parts?before=99", headers=visitor.headers
    ) as answer:
        assert "grinder" not in await answer.text()


async def test_the_first_reply_assigns_the_conversation_and_a_note_does_not(
    ada: Desk, ben: Desk, visitor: Visitor, running: Running
) -> None:
    path = await talking(visitor)
    await ada.post(f"{path}/messages", {"kind": "note", "text": "Who knows?", **key()})
    assert (await conversation(running, visitor)).assignee == ""
    for desk, text in ((ben, "I do"), (ben, "It's back"), (ada, "Right")):
        await desk.post(f"{path}/messages", {"kind": "reply", "text": text, **key()})
    ben_id = (await running.bot.teammates.named("ben@example.com")).id
    assert (await conversation(running, visitor)).assignee == ben_id
    assert events(await ben.look(path)) == ["Ben assigned this to themselves"]


async def test_the_tab_counts_unread_conversations(ben: Desk, visitor: Visitor) -> None:
    await talking(visitor)
    page = await ben.look("/inbox")
    count = page.one("span", data_whose="all").one("span", aria_hidden="true").text
    assert page.one("title").text == f"({count}) Inbox · Harbor Coffee"


async def test_a_script_gets_the_entry_and_the_same_key_writes_once(
    ben: Desk, visitor: Visitor, running: Running
) -> None:
    path, form = await talking(visitor), {"text": "Once", "csrf": await ben.csrf(), **key()}
    answers = []
    for _ in range(3):
        async with ben.session.post(f"{ben.base}{path}/messages", data=form, headers={"HX-Request": "true"}) as answer:
            answers.append((answer.status, await answer.json()))
    assert {(status, body["seq"]) for status, body in answers} == {(200, 4)}
    entry = read(answers[0][1]["html"]).one("li", class_="mine")
    assert (entry.attrs["data-author"], entry.attrs["data-key"]) == ("Ben", form["key"])
    assert len(await running.parts(visitor)) == 5  # with the assignment to whoever replied


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "x" * 4001])
async def test_a_message_that_cannot_be_sent_is_refused_and_stays_in_its_field(
    ben: Desk, visitor: Visitor, running: Running, text: str
) -> None:
    path = await talking(visitor)
    status, page = await ben.post(f"{path}/messages", {"text": text, **key()})
    assert status == 422
    assert page.all("div", class_="banner--bad")
    assert page.one("textarea", id="text").text.strip("\n") == text
    assert len(await running.parts(visitor)) == 3


@pytest.mark.parametrize(
    "form",
    [
        {"do": "explode"},
        {"do": "snooze"},
        {"do": "snooze", "until": "yesterday"},
        {"do": "snooze", "until": "2020-01-01T10:00"},
        {"do": "snooze", "until": "2999-01-01T10:00"},
        {"do": "snooze", "until": "9999-12-31T23:59"},
        {"do": "snooze", "until": "0001-01-01T00:00"},
        {"do": "snooze", "until": f"{now() + timedelta(days=9):%Y-%m-%dT%H:%M}+14:00"},
        {"do": "snooze", "hours": "0"},
        {"do": "assign", "to": "nobody"},
        {"do": "close", "more": "x"},
        {"do": "close", "key": "x"},
        {},
    ],
)
async def test_what_cannot_be_done_is_refused_with_a_sentence(
    ben: Desk, visitor: Visitor, running: Running, form: dict[str, str]
) -> None:
    path = await talking(visitor)
    before = await running.parts(visitor)
    status, page = await ben.post(f"{path}/actions", {**key(), **form})
    assert (status, len(page.all("div", class_="banner--bad"))) == (422, 1)
    assert await running.parts(visitor) == before


async def test_each_thing_that_is_done_names_who_did_it(
    ada: Desk, ben: Desk, visitor: Visitor, running: Running
) -> None:
    path = await talking(visitor)
    ben_id = (await running.bot.teammates.named("ben@example.com")).id
    await ada.post(f"{path}/actions", {"do": "assign", "to": ben_id, **key()})
    await ben.post(f"{path}/actions", {"do": "close", **key()})
    assert (await conversation(running, visitor)).state is ConversationState.CLOSED
    await ada.post(f"{path}/actions", {"do": "reopen", **key()})
    await ben.post(f"{path}/actions", {"do": "assign", "to": "", **key()})
    await ben.post(f"{path}/actions", {"do": "assign", "to": ben_id, **key()})
    soon = (now() + timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M")
    ben.session.cookie_jar.update_cookies({"sayso_zone": "Etc/GMT-1"})  # an hour ahead of UTC
    await ben.post(f"{path}/actions", {"do": "snooze", "until": soon, **key()})
    page = await ada.look(path)
    said = events(page)
    assert said[:3] == ["Ada assigned this to Ben", "Ben closed this", "Ada reopened this"]
    assert said[3:5] == ["Ben unassigned this", "Ben assigned this to themselves"]
    assert said[5].startswith("Ben snoozed this until")
    kept = await conversation(running, visitor)
    assert kept.state is ConversationState.SNOOZED
    assert kept.snoozed_until
    assert timedelta(hours=3) < kept.snoozed_until - now() < timedelta(hours=4, minutes=1)
    assert "signed" not in (await visitor.open(visitor.conversation))["html"]


async def test_lists_are_by_state_and_by_whose_it_is(ben: Desk, visitor: Visitor, running: Running) -> None:
    path = await talking(visitor)
    me = (await running.bot.teammates.named("ben@example.com")).id

    async def is_in(query: str) -> bool:
        return bool((await ben.look(f"/inbox?{query}")).all("a", data_id=visitor.conversation))

    assert [await is_in(q) for q in ("whose=mine", "whose=unassigned", "whose=all")] == [False, True, True]
    await ben.post(f"{path}/actions", {"do": "assign", "to": me, **key()})
    assert [await is_in(q) for q in ("whose=mine", "whose=unassigned")] == [True, False]
    await ben.post(f"{path}/actions", {"do": "close", **key()})
    assert [await is_in(q) for q in ("state=open", "state=closed", "state=closed&whose=mine")] == [False, True, True]
    assert await is_in("state=wrong&whose=wrong") is False


async def test_the_open_one_stands_in_the_list_however_far_down_it_is(
    ben: Desk, visitor: Visitor, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await talking(visitor)
    await ben.post(f"{path}/messages", {"text": "Read", **key()})
    monkeypatch.setattr("bot.chat.inbox.PAGE", 1)
    for i in range(2):
        number = f"+1201555020{i}"
        await running.bot.receive(number, "Hello", new_id())
    for address in (path, f"/inbox/list?current={visitor.conversation}"):
        page = await ben.look(address)
        assert [row.attrs["data-id"] == visitor.conversation for row in page.all("a", class_="conv")] == [False, True]
        assert "data-apart" in page.one("a", data_id=visitor.conversation).attrs
    unrolled = await ben.look(f"/inbox/list?rows=200&current={visitor.conversation}")
    assert "data-apart" not in unrolled.one("a", data_id=visitor.conversation).attrs
    assert not (await ben.look(f"/inbox/list?state=closed&current={visitor.conversation}")).all(
        "a", data_id=visitor.conversation
    )


async def test_search_finds_people_and_words(ben: Desk, visitor: Visitor) -> None:
    word = f"zanzibar{new_id()}"
    await talking(visitor, f"Beans from {word}, please")
    for words in (word, word[:20].upper(), f"beans {word}"):
        page = await ben.look(f"/inbox?q={words}")
        assert [a.attrs["data-id"] for a in page.all("a", class_="conv")] == [visitor.conversation]
    assert "Try a shorter search" in (await ben.look(f"/inbox?q={word}xyz")).text
    assert (await ben.look('/inbox?q="><script>')).all("input", id="q")[0].attrs["value"] == '"><script>'


async def test_older_entries_come_by_the_page(ben: Desk, visitor: Visitor, running: Running) -> None:
    path = await talking(visitor)
    for i in range(60):
        await running.bot.inbox.note(visitor.conversation, "x", f"Note {i}", f"k{i}")
    page = await ben.look(path)
    first = int(page.all("li", class_="part")[0].attrs["data-seq"])
    assert "hidden" not in page.one("button", class_="older").attrs
    older = await ben.look(f"{path}/parts?before={first}")
    assert [int(li.attrs["data-seq"]) for li in older.all("li", class_="part")] == list(range(1, first))
    for wrong in ("x", "-1", "9" * 18):
        assert (await ben.get(f"{path}/parts?before={wrong}"))[0] == 422


async def test_a_conversation_that_is_not_there_is_told_plainly(ben: Desk) -> None:
    status, page = await ben.get(f"/inbox/{'0' * 24}")
    assert (status, "Conversation not found." in page.text) == (404, True)
    assert (await ben.post(f"/inbox/{'0' * 24}/messages", {"text": "Hi", **key()}))[0] == 404
    assert (await ben.get("/inbox/../x"))[0] == 404


async def test_a_visitors_token_opens_nothing_of_the_inbox(visitor: Visitor) -> None:
    path = await talking(visitor)
    for address in ("/inbox", path, f"{path}/parts?before=9"):
        async with visitor.session.get(visitor.base + address, headers=visitor.headers) as answer:
            assert answer.status == 401
            assert faults(await answer.json())
    async with visitor.session.post(
        f"{visitor.base}{path}/messages", data={"text": "Hi", **key()}, headers=visitor.headers
    ) as answer:
        assert answer.status == 401


async def test_who_signed_out_or_was_removed_reads_nothing(running: Running, visitor: Visitor) -> None:
    path, email = await talking(visitor), f"{new_id()}@example.com"
    await running.bot.teammates.add(email, TeammateRole.AGENT, "a long password")
    async with at_desk(running.base) as ada, at_desk(running.base, email, "a long password") as temp:
        for desk in (ada, temp):
            await desk.look(path)
        await ada.post("/logout", {})
        await running.bot.teammates.remove(email)
        for desk in (ada, temp):
            assert (await desk.get(path))[0] == 303


async def test_what_belonged_to_a_teammate_who_was_removed_is_nobodys(
    running: Running, visitor: Visitor, ben: Desk
) -> None:
    path, email = await talking(visitor), f"{new_id()}@example.com"
    cy = await running.bot.teammates.add(email, TeammateRole.AGENT, "a long password")
    await ben.post(f"{path}/actions", {"do": "assign", "to": cy.id, **key()})
    assert not (await ben.look("/inbox?whose=unassigned")).all("a", data_id=visitor.conversation)
    await running.bot.teammates.remove(email)
    row = (await ben.look("/inbox?whose=unassigned")).one("a", data_id=visitor.conversation)
    assert not row.all("span", class_="conv-assignee")


async def test_who_is_removed_at_the_moment_of_assigning_gets_nothing(
    running: Running, visitor: Visitor, ben: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, email = await talking(visitor), f"{new_id()}@example.com"
    bot = running.bot
    cy = await bot.teammates.add(email, TeammateRole.AGENT, "a long password")
    append = bot.conversations.append

    async def late(*args: Any, **values: Any) -> Any:
        await bot.teammates.remove(email)
        return await append(*args, **values)

    monkeypatch.setattr(bot.conversations, "append", late)
    assert (await ben.post(f"{path}/actions", {"do": "assign", "to": cy.id, **key()}))[0] == 303
    assert (await bot.inbox.get(visitor.conversation)).assignee == ""


async def test_the_list_says_whose_the_newest_message_is(ada: Desk, ben: Desk, visitor: Visitor) -> None:
    path = await talking(visitor)
    await ben.post(f"{path}/messages", {"text": "We do", **key()})
    for desk, words in ((ben, "You: We do"), (ada, "Ben: We do")):
        row = (await desk.look(path)).one("a", data_id=visitor.conversation)
        assert row.one("span", class_="conv-line").text == words


@pytest.mark.parametrize("place", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01", "x"])
async def test_an_unreadable_cursor_is_refused(ben: Desk, place: str) -> None:
    assert (await ben.get(f"/inbox/list?{urlencode({'before': f'{place},x'})}"))[0] == 422


async def test_an_answer_is_kept_by_nobody_between(ben: Desk, visitor: Visitor) -> None:
    path = await talking(visitor)
    for address in ("/inbox", "/inbox/list", path, f"{path}/parts?before=3"):
        async with ben.session.get(ben.base + address) as answer:
            assert "no-store" in answer.headers["Cache-Control"]


async def test_names_and_texts_are_data(ben: Desk, newcomer: Any, running: Running) -> None:
    """Law 12, in every place where a person's words stand."""
    person = newcomer()
    await person.open()
    evil = "<img src=x onerror=alert(1)>"
    await say(person, evil, new_id())
    await running.store.contacts.update({"_id": (await running.contact(person)).id}, {"$set": {"name": evil}})
    page = await ben.look(f"/inbox/{person.conversation}")
    assert not page.all("img", src="x")
    assert evil in page.one("h1").text


async def test_an_answer_to_a_text_goes_out_as_a_text_and_says_what_became_of_it(ben: Desk, running: Running) -> None:
    number = "+12015550165"
    await running.bot.receive(number, "Where is my order?", new_id())
    (contact,) = await running.store.contacts.with_number(number, after="", limit=2)
    conversation = await running.bot.inbox.get(texting_id(contact.id))
    path = f"/inbox/{conversation.id}"
    item = (await ben.look("/inbox")).one("a", data_id=conversation.id)
    assert item.one("span", class_="conv-sms").text == "SMS"
    assert (await ben.post(f"{path}/messages", {"text": "It left this morning.", **key()}))[0] == 303

    async def is_said(words: str) -> bool:
        return words in "".join(node.text for node in (await ben.look(path)).all("span", class_="texted"))

    await eventually(lambda: is_said("Sent as a text"))
    assert "It left this morning." in [text.body for text in await running.bot.phone.texts(number)]

    # STOP beats everything: the answer is refused with the reason, and nothing is written.
    await running.bot.receive(number, "STOP", new_id())

    async def is_labeled() -> bool:
        return "Automatic reply" in "".join(s.text for s in (await ben.look(path)).all("span", class_="label"))

    await eventually(is_labeled)
    entries = [part for part in (await ben.look(path)).all("li", class_="part") if "data-seq" in part.attrs]
    assert [entry.attrs["data-kind"] for entry in entries] == ["text", "text", "event", "text", "event", "text"]
    assert "Ben assigned this to themselves" in entries[2].text
    assert "texted STOP. Texts to this number are blocked." in entries[4].text
    assert "You are unsubscribed and will receive no more messages" in entries[5].text
    before = await running.store.parts.after(conversation.id, 0, limit=50)
    status, page = await ben.post(f"{path}/messages", {"text": "One more thing", **key()})
    assert status == 422
    assert "STOP" in page.one("div", class_="banner--bad").text
    assert await running.store.parts.after(conversation.id, 0, limit=50) == before
    assert page.one("textarea", id="text").text.strip() == "One more thing"
    form = {"text": "One more thing", "csrf": await ben.csrf(), **key()}
    async with ben.session.post(f"{ben.base}{path}/messages", data=form, headers={"HX-Request": "true"}) as answer:
        ((_code, words),) = faults(await answer.json())
        assert (answer.status, "opted out with STOP" in words) == (422, True), "a script is told the reason too"


async def test_tags_of_a_conversation_are_chosen_on_a_page_and_shown_above_it(
    running: Running, ben: Desk, visitor: Visitor
) -> None:
    path, by = await talking(visitor), By("ada", "Ada")
    vip, roast = [await running.bot.tags.create(f"{name} {new_id()}", by) for name in ("VIP", "<b>Roast</b>")]
    assert not (await ben.look(path)).all("p", class_="talk-tags")
    both = {f"tags.{vip.id}": "on", f"tags.{roast.id}": "on"}
    assert (await ben.post(f"{path}/tags", {**both, "tags.gone": "on"}))[0] == 303
    shown = (await ben.look(path)).one("p", class_="talk-tags").text
    assert (vip.name in shown, roast.name in shown) == (True, True)
    page = await ben.look(f"{path}/tags")
    ticked = {box.attrs["name"] for box in page.all("input", type="checkbox") if "checked" in box.attrs}
    assert ticked == {*both}
    had = page.one("input", name="shown").attrs["value"]
    late = await running.bot.tags.create(f"Late {new_id()}", by)
    await running.bot.conversation_tags.add(await conversation(running, visitor), late, by.id)
    assert (await ben.post(f"{path}/tags", {"shown": had, f"tags.{vip.id}": "on"}))[0] == 303
    marks = (await conversation(running, visitor)).tags or ()
    assert [mark.tag for mark in marks] == [vip.id, late.id], "a colleague's tag stays"
    assert roast.name not in (await ben.look(path)).one("p", class_="talk-tags").text
    assert (await ben.get(f"/inbox/{new_id()}/tags"))[0] == 404


async def test_too_many_tags_of_a_conversation_change_nothing(
    running: Running, ben: Desk, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, by = await talking(visitor), By("ada", "Ada")
    first, *more = [await running.bot.tags.create(f"Tag {new_id()}", by) for _ in range(3)]
    await running.bot.conversation_tags.add(await conversation(running, visitor), first, by.id)
    monkeypatch.setattr("bot.chat.conversation_tags.MOST", 1)
    wanted = {f"tags.{tag.id}": "on" for tag in more}
    status, page = await ben.post(f"{path}/tags", {"shown": first.id, **wanted})
    assert (status, "Remove one to add another" in page.text) == (422, True)
    assert page.one("input", name="shown").attrs["value"] == first.id
    assert [mark.tag for mark in (await conversation(running, visitor)).tags or ()] == [first.id]
