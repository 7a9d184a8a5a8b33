"""The preference center's other states as a person meets them: a way back, a question that waits, a stopped number."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestServer

from bot.app import Bot
from bot.demo import DEALS, NEWS, ORDERS
from bot.model.base import now
from bot.model.event import Action, Actor, Evidence, How, Source
from bot.store import Store
from tests.browser.people import signed_up
from tests.conftest import Visitor
from tests.people import ANOTHER, NUMBER, change, events_of
from tests.widget.help import Running
from tests.widget.test_preferences import Center, Page

Open = Callable[[str], Center]
STOPPED = "This number has opted out of all texts."


def opened(person: Visitor, path: str) -> Center:
    """The page as somebody without JavaScript has it."""
    return Center(person, path.removeprefix("/p/"))


@pytest.fixture
def open_link(newcomer: Callable[[], Visitor]) -> Open:
    """`open_link("/p/…")`"""
    return lambda path: opened(newcomer(), path)


async def press_in(center: Center, page: Page, button: str) -> Page:
    """Presses a button of a page that is open."""
    status, page = await center.post(page.fields(button))
    assert status == 200
    return page


@pytest.mark.parametrize("by", ["one switch", "all texts"])
async def test_a_press_is_undone_from_the_page_that_answers_it(running: Running, open_link: Open, by: str) -> None:
    ada, path = await signed_up(running.bot)
    center = open_link(path)
    answer = await center.press("stop-all" if by == "all texts" else f"switch-{DEALS}")
    assert answer.switches[DEALS] is False
    back = await press_in(center, answer, "undo")
    assert (back.switches, back.said) == (
        {DEALS: True, ORDERS: True},
        "Your previous preferences are restored.",
    )
    assert back.root.all("button", id="undo") == []
    count = len(await events_of(running.store, ada.id))
    again = await press_in(center, answer, "undo")
    assert again.switches == back.switches
    assert len(await events_of(running.store, ada.id)) == count


async def test_a_yes_is_undone_too(running: Running, open_link: Open) -> None:
    _, path = await signed_up(running.bot, email="ada@example.com")
    center = open_link(path)
    answer = await center.press(f"switch-{NEWS}")
    assert answer.switches[NEWS]
    assert not (await press_in(center, answer, "undo")).switches[NEWS]


@pytest.mark.parametrize("press", ["switch", "decline"])
async def test_a_spoken_yes_is_shown_as_missing_and_can_be_given_or_declined(
    running: Running, open_link: Open, press: str
) -> None:
    ada, path = await signed_up(running.bot)
    await running.bot.ledger.record(change(ada.id, "out", Action.OPT_OUT))
    spoken = Evidence(how=How.SPOKEN, given_at=now() + timedelta(seconds=1))
    person = await running.bot.ledger.contact(ada.id)
    assert person
    warned, by = person.consents[0].event, Actor(kind="teammate", id="t")
    yes = change(ada.id, "y", source=Source.PROFILE, actor=by, evidence=spoken, warned_of=warned)
    await running.bot.ledger.record(yes)
    center = open_link(path)
    page = await center.look()
    assert not page.switches[DEALS]
    assert "We need your written consent" in page.root.one("p", id=f"about-{DEALS}").text
    after = await center.press(f"{press}-{DEALS}")
    assert after.switches[DEALS] is (press == "switch")
    back = await press_in(center, after, "undo")
    assert "We need your written consent" in back.root.one("p", id=f"about-{DEALS}").text


async def test_an_undo_that_came_too_late_is_told_and_changes_nothing(running: Running, open_link: Open) -> None:
    ada, path = await signed_up(running.bot)
    center = open_link(path)
    old = (await center.press(f"switch-{DEALS}")).fields("undo")
    await center.press(f"switch-{DEALS}")
    await center.press(f"switch-{DEALS}")
    count = len(await events_of(running.store, ada.id))
    status, page = await center.post(old)
    assert (status, page.switches[DEALS]) == (409, False)
    assert "just changed elsewhere" in page.said
    assert len(await events_of(running.store, ada.id)) == count


@pytest.mark.parametrize("events", ["", "x", ":", "$ne:{}", " ".join(f"e{i}:v" for i in range(900))])
async def test_an_undo_of_what_never_was_changes_nothing(running: Running, open_link: Open, events: str) -> None:
    ada, path = await signed_up(running.bot)
    status, page = await open_link(path).post({"change": "undo", "events": events})
    assert (status in {409, 422}, page.switches[DEALS]) == (True, True)
    assert len(await events_of(running.store, ada.id)) == 1


async def test_nobody_undoes_what_somebody_else_said(running: Running, open_link: Open) -> None:
    ada, hers = await signed_up(running.bot)
    _, his = await signed_up(running.bot)
    undo = (await open_link(hers).press(f"switch-{DEALS}")).fields("undo")
    count = len(await events_of(running.store, ada.id))
    status, _ = await open_link(his).post({**undo, "contact": ada.id})
    assert status == 409
    assert len(await events_of(running.store, ada.id)) == count


async def test_a_yes_that_needs_a_text_waits_and_can_be_cancelled(
    bot: Bot, server: TestServer, visitors: Callable[[], Visitor], demo_store: Store
) -> None:
    await demo_store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
    ada, path = await signed_up(bot)
    center = opened(visitors(), path)
    await center.press(f"switch-{DEALS}")
    page = await center.look()
    assert "You'll confirm by text." in page.root.one("p", id=f"about-{DEALS}").text
    page = await center.press(f"switch-{DEALS}")
    assert page.said == "Almost done. Reply YES to the text we sent to \u2066(•••) •••-0123\u2069."
    assert DEALS not in page.switches, "it is neither on nor off"
    assert "Pending. Reply YES to our text to confirm." in page.root.one("p", id=f"about-{DEALS}").text
    status, _ = await center.post({**page.fields(f"switch-{DEALS}"), "change": "opt_in"})
    assert status == 200
    assert (await events_of(bot.store, ada.id))[-1].action is Action.REQUEST_CONFIRMATION
    page = await center.press(f"switch-{DEALS}")
    assert page.switches[DEALS] is False
    assert (await events_of(bot.store, ada.id))[-1].action is Action.OPT_OUT


async def test_a_stopped_number_is_told_what_only_it_can_do(
    bot: Bot, server: TestServer, visitors: Callable[[], Visitor]
) -> None:
    ada, path = await signed_up(bot, email="ada@example.com")
    await bot.receive(NUMBER, "STOP", "text-1")
    center = opened(visitors(), path)
    page = await center.look()
    assert page.switches == {DEALS: False, ORDERS: False, NEWS: False}
    assert STOPPED in page.root.one("p", id="notice-sms").text
    assert [s for s in (DEALS, ORDERS, NEWS) if "aria-disabled" in page.root.one("button", id=f"switch-{s}").attrs] == [
        DEALS,
        ORDERS,
    ]
    count = len(await events_of(bot.store, ada.id))
    status, refused = await center.post(page.fields(f"switch-{DEALS}"))
    assert (status, refused.said.startswith(STOPPED)) == (422, True)
    assert len(await events_of(bot.store, ada.id)) == count
    assert (await center.press(f"switch-{NEWS}")).switches[NEWS], "emails are not stopped by it"
    await bot.receive(NUMBER, "START", "text-2")
    assert STOPPED not in (await center.look()).html


async def test_what_is_on_by_default_says_so(running: Running, open_link: Open) -> None:
    _, path = await signed_up(running.bot)
    page = await open_link(path).look()
    assert "On by default." in page.root.one("p", id=f"about-{ORDERS}").text
    assert "On by default." not in page.root.one("p", id=f"about-{DEALS}").text


async def test_people_who_stand_alike_see_their_own_numbers_and_forms(running: Running, open_link: Open) -> None:
    _, hers = await signed_up(running.bot, email="ada@example.com")
    bob, his = await signed_up(running.bot, email="bob@example.org")
    moved = change(bob.id, "another", Action.CHANGE_ADDRESS, subscription=None, number=ANOTHER)
    await running.bot.ledger.record(moved)
    await running.bot.ledger.record(change(bob.id, "another yes", number=ANOTHER))
    first, second, third = [await open_link(path).look() for path in (hers, his, hers)]
    told = {hers: ["(•••) •••-0123", "a•••@example.com"], his: ["(•••) •••-0124", "b•••@example.org"]}
    for page, path in ((first, hers), (second, his), (third, hers)):
        assert [node.text for node in page.root.all("bdi", dir="ltr")] == told[path]
        assert {form.attrs["action"] for form in page.root.all("form")} == {path}
    keys = [page.fields(f"switch-{DEALS}")["key"] for page in (first, second, third)]
    assert len(set(keys)) == 3


async def test_the_words_that_are_kept_are_those_of_the_language_shown(running: Running, open_link: Open) -> None:
    ada, path = await signed_up(running.bot, locale="de")
    center = open_link(path)
    shown = await center.look()
    assert shown.root.one("html").attrs["lang"] == "de"
    await running.store.contacts.update({"_id": ada.id}, {"$set": {"locale": "es"}})
    await press_in(center, shown, f"switch-{DEALS}")
    assert (await events_of(running.store, ada.id))[-1].words.locale == "de"


async def test_a_page_that_asks_by_script_gets_no_more_than_what_changes(running: Running, open_link: Open) -> None:
    _, path = await signed_up(running.bot)
    page = await open_link(path).look(**{"HX-Request": "true"})
    assert "<html" not in page.html
    assert page.switches == {DEALS: True, ORDERS: True}
