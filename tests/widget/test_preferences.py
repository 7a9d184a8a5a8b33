"""The preference center as a person uses it: a link, a page, a press; with and without JavaScript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot import i18n
from bot.demo import DEALS, NEWS, ORDERS
from bot.model.base import new_id, now
from bot.model.contact import ConsentState
from bot.model.event import Action, Source
from bot.model.subscription import ConsentType, MessageType, Subscription, SubscriptionState
from tests.conftest import Visitor
from tests.widget.help import Node, Running, read


class Page:
    """The preference center as the person sees it."""

    def __init__(self, html: str) -> None:
        self.html, self.root = html, read(html)

    @property
    def switches(self) -> dict[str, bool]:
        found = self.root.all("button", role="switch")
        return {b.attrs["id"].removeprefix("switch-"): b.attrs["aria-checked"] == "true" for b in found}

    @property
    def said(self) -> str:
        """The line over the page, without the button in it."""
        return "".join(node.text for node in self.root.one("div", role="status").all("p"))

    def form(self, id: str) -> Node:
        (form,) = [f for f in self.root.all("form") if f.all("button", id=id)]
        return form

    def fields(self, button: str) -> dict[str, str]:
        """What a browser without JavaScript sends when the button is pressed."""
        return {field.attrs["name"]: field.attrs["value"] for field in self.form(button).all("input")}


class Center:
    def __init__(self, person: Visitor, token: str) -> None:
        self.person, self.url = person, f"{person.base}/p/{token}"

    async def look(self, **headers: str) -> Page:
        async with self.person.session.get(self.url, headers=headers) as answer:
            assert answer.status == 200
            return Page(await answer.text())

    async def post(self, form: Any, **headers: str) -> tuple[int, Page]:
        async with self.person.session.post(self.url, data=form, headers=headers, allow_redirects=False) as answer:
            return answer.status, Page(await answer.text())

    async def press(self, button: str) -> Page:
        status, page = await self.post((await self.look()).fields(button))
        assert status == 200
        return page


@pytest.fixture
async def center(visitor: Visitor, running: Running) -> Center:
    """Of somebody who signed up for the deals; order updates go to all but those who refuse."""
    await visitor.submit()
    return Center(visitor, await running.preference_token(visitor))


async def test_it_shows_where_the_person_stands(center: Center) -> None:
    page = await center.look()
    assert page.switches == {DEALS: True, ORDERS: True}
    assert page.said == ""
    assert "(•••) •••-0123" in page.html
    for number in ("(201) 555-0123", "2015550123", "201-555"):
        assert number not in page.html
    assert page.root.one("meta", name="robots").attrs["content"] == "noindex"


@pytest.mark.parametrize("tail", [".", ")", ",", "/", "./", ">", "。", "&rdquo;"])
async def test_what_was_copied_along_after_the_link_is_ignored(center: Center, tail: str) -> None:
    page = await Center(center.person, f"{center.url.rpartition('/')[2]}{tail}").look()
    action = page.form(f"switch-{DEALS}").attrs["action"]
    assert center.url.endswith(action)
    assert page.root.one("div", id="preferences-page").attrs["data-live"] == f"{action}/live"
    async with center.person.session.post(f"{center.url}{tail}", data=page.fields(f"switch-{DEALS}")) as answer:
        assert answer.status == 200
    assert not (await center.look()).switches[DEALS]


async def test_it_is_kept_by_nobody_between(center: Center) -> None:
    async with center.person.session.get(center.url) as answer:
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_each_press_is_stored_and_shown(center: Center, running: Running) -> None:
    page = await center.press(f"switch-{DEALS}")
    assert (page.switches, page.said) == (
        {DEALS: False, ORDERS: True},
        "You're unsubscribed from Deals and new roasts.",
    )
    page = await center.press(f"switch-{ORDERS}")
    assert page.switches == {DEALS: False, ORDERS: False}
    assert page.root.all("button", id="stop-all") == []
    page = await center.press(f"switch-{DEALS}")
    assert (page.switches, page.said) == ({DEALS: True, ORDERS: False}, "You're subscribed to Deals and new roasts.")
    assert (await center.look()).switches == page.switches
    events = await running.events(center.person)
    assert [(e.subscription, e.action) for e in events[1:]] == [
        (DEALS, Action.OPT_OUT),
        (ORDERS, Action.OPT_OUT),
        (DEALS, Action.OPT_IN),
    ]
    last = events[-1]
    assert (last.source, last.number, last.context.ip) == (Source.PREFERENCE_CENTER, "+12015550123", "127.0.0.1")
    assert last.words
    assert last.words.act == 'turned "Deals and new roasts" on'
    assert last.context.user_agent


async def test_one_press_stops_all_texts(center: Center, running: Running) -> None:
    page = await center.press("stop-all")
    assert (page.switches, page.said) == ({DEALS: False, ORDERS: False}, "You're unsubscribed from all texts.")
    contact = await running.contact(center.person)
    states = {c.subscription: c.state for c in contact.consents}
    assert {DEALS, ORDERS} <= states.keys()
    assert {*states.values()} == {ConsentState.OPTED_OUT}
    count = len(await running.events(center.person))
    status, page = await center.post({"change": "stop_all"})
    assert (status, page.said) == (200, "You're unsubscribed from all texts.")
    assert len(await running.events(center.person)) == count


async def test_the_same_press_twice_is_one_change(center: Center, running: Running) -> None:
    form = (await center.look()).fields(f"switch-{DEALS}")
    pages = [await center.post(form) for _ in range(2)]
    assert [(status, page.switches[DEALS]) for status, page in pages] == [(200, False)] * 2
    import asyncio

    form = (await center.look()).fields(f"switch-{DEALS}")
    pages = await asyncio.gather(*(center.post(form) for _ in range(4)))
    assert [(status, page.switches[DEALS]) for status, page in pages] == [(200, True)] * 4
    assert len(await running.events(center.person)) == 3


async def test_two_people_with_the_same_key_do_not_meet(center: Center, known_user: Visitor, running: Running) -> None:
    other = Center(known_user, await running.preference_token(known_user))
    form = {"change": "opt_out", "subscription": DEALS, "key": "the-same-key"}
    for one in (center, other):
        status, page = await one.post(form)
        assert (status, page.switches[DEALS]) == (200, False)


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({"change": "delete", "subscription": DEALS}, id="no such change"),
        pytest.param({"subscription": DEALS}, id="no change"),
        pytest.param({}, id="nothing"),
        pytest.param({"change": "opt_out"}, id="no subscription"),
        pytest.param({"change": "opt_in", "subscription": "0" * 24}, id="unknown subscription"),
        pytest.param({"change": "opt_in", "subscription": NEWS}, id="emails to somebody without an address"),
        pytest.param({"change": "opt_in", "subscription": "$ne\x00{}"}, id="no id at all"),
        pytest.param({"change": "OPT_OUT", "subscription": DEALS}, id="capitals"),
    ],
)
async def test_what_cannot_be_changed_is_said_and_the_page_stays(
    center: Center, running: Running, form: dict[str, str]
) -> None:
    status, page = await center.post(form)
    assert (status, page.switches) == (422, {DEALS: True, ORDERS: True})
    assert page.said in {
        "Choose a subscription to turn on or off.",
        "This subscription is no longer available. No changes were made.",
    }
    assert len(await running.events(center.person)) == 1


@pytest.mark.parametrize(
    ("type", "body"),
    [
        ("application/x-www-form-urlencoded", b"change=\xff"),
        ("application/x-www-form-urlencoded; charset=klingon", b"change=opt_out"),
        ("multipart/form-data; boundary=x", b"garbage"),
        ("application/json", b"{}"),
    ],
)
async def test_a_body_that_is_no_form_changes_nothing(center: Center, running: Running, type: str, body: bytes) -> None:
    status, page = await center.post(body, **{"Content-Type": type})
    assert (status, bool(page.said)) == (422, True)
    assert len(await running.events(center.person)) == 1


@pytest.mark.parametrize("state", [SubscriptionState.DRAFT, SubscriptionState.ARCHIVED])
async def test_what_is_not_live_is_neither_shown_nor_changed(
    center: Center, running: Running, state: SubscriptionState
) -> None:
    hidden = Subscription(
        id=new_id(),
        name="Secret plans",
        message_type=MessageType.SMS,
        consent_type=ConsentType.OPT_IN,
        state=state,
        created_at=now(),
        updated_at=now(),
    )
    await running.store.subscriptions.insert(hidden)
    assert hidden.id not in (await center.look()).switches
    for change in ("opt_in", "opt_out"):
        status, page = await center.post({"change": change, "subscription": hidden.id})
        assert (status, page.said) == (422, "This subscription is no longer available. No changes were made.")
        assert "Secret plans" not in page.html
    assert hidden.id not in {event.subscription for event in await running.events(center.person)}
    assert "Secret plans" not in (await center.press("stop-all")).html


async def test_a_link_changes_nobody_elses_choices(center: Center, known_user: Visitor, running: Running) -> None:
    other = await running.contact(known_user)
    form = {"change": "stop_all", "contact": other.id, "token": known_user.token or "", "conversation": "x"}
    assert (await center.post(form))[0] == 200
    assert (await running.contact(known_user)).consents == other.consents
    assert len(await running.events(known_user)) == 1


async def test_head_is_answered_without_a_page(center: Center) -> None:
    async with center.person.session.head(center.url) as answer:
        assert (answer.status, await answer.read()) == (200, b"")
        assert answer.content_type == "text/html"


async def test_without_a_number_there_is_nothing_to_choose(visitor: Visitor, running: Running) -> None:
    page = await Center(visitor, await running.preference_token(visitor)).look()
    assert page.switches == {}
    assert "There are no subscriptions to manage." in page.html


async def test_an_address_is_masked_and_its_emails_can_be_chosen(visitor: Visitor, running: Running) -> None:
    await running.act(visitor)
    contact = await running.contact(visitor)
    await running.store.contacts.update({"_id": contact.id}, {"$set": {"email": "adalovelace@shop.example"}})
    center = Center(visitor, await running.preference_token(visitor))
    page = await center.press(f"switch-{NEWS}")
    assert page.switches == {NEWS: True}
    assert "a•••@shop.example" in page.html
    assert "adalovelace" not in page.html
    assert page.root.all("button", id="stop-all") == []
    (event,) = await running.events(visitor)
    assert (event.email, event.number) == ("adalovelace@shop.example", None)


async def test_ids_in_the_page_are_each_there_once(center: Center) -> None:
    page = await center.look()
    ids = [node.attrs["id"] for node in page.root.walk() if "id" in node.attrs]
    assert len(ids) == len(set(ids))
    for node in page.root.walk():
        for name in ("aria-labelledby", "aria-describedby", "for"):
            assert set(node.attrs.get(name, "").split()) <= set(ids), (node.tag, node.attrs)


@pytest.fixture
def _two_catalogs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Spanish and Arabic, without a word in them: who writes the catalogs need not wait for this test."""
    for name in ("es", "ar"):
        header = f'msgid ""\nmsgstr ""\n"Language: {name}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        (tmp_path / f"{name}.po").write_text(header, encoding="utf-8")
    monkeypatch.setattr(i18n, "CATALOGS", tmp_path)
    caches = (i18n.locales, i18n.translator, i18n.choose_locale)
    for cache in caches:
        cache.cache_clear()
    yield
    monkeypatch.undo()
    for cache in caches:
        cache.cache_clear()


@pytest.mark.usefixtures("_two_catalogs")
@pytest.mark.parametrize(("locale", "direction"), [("es", "ltr"), ("ar", "rtl"), ("en", "ltr"), ("xx", "ltr")])
async def test_the_page_speaks_the_persons_language_and_reads_in_its_direction(
    center: Center, running: Running, locale: str, direction: str
) -> None:
    contact = await running.contact(center.person)
    await running.store.contacts.update({"_id": contact.id}, {"$set": {"locale": locale}})
    page = await center.look(**{"Accept-Language": "de"})
    root = page.root.one("html")
    assert (root.attrs["lang"], root.attrs["dir"]) == ("en" if locale == "xx" else locale, direction)
    assert page.root.one("bdi", dir="ltr").text == "(•••) •••-0123"


@pytest.mark.usefixtures("_two_catalogs")
@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("ar-EG,ar;q=0.9,en;q=0.8", "ar"),
        ("es-419", "es"),
        ("de, es;q=0.5", "es"),
        ("de", "en"),
        ("", "en"),
        ("*", "en"),
        ("é;q=x,,;,-,_", "en"),
        ("x" * 5000, "en"),
        ("../../etc/passwd", "en"),
    ],
)
async def test_a_page_of_nobody_speaks_the_browsers_language(running: Running, accepted: str, lang: str) -> None:
    for path in ("/p/unknown", "/messenger", "/demo"):
        async with running.session.get(running.base + path, headers={"Accept-Language": accepted}) as answer:
            html = read(await answer.text()).one("html")
        assert (html.attrs["lang"], html.attrs["dir"]) == (lang, "rtl" if lang == "ar" else "ltr")
    async with running.session.get(f"{running.base}/messenger?locale=ar", headers={"Accept-Language": "es"}) as answer:
        assert read(await answer.text()).one("html").attrs["lang"] == "ar"


async def test_texts_are_paused_and_limited_and_both_are_taken_back(center: Center, running: Running) -> None:
    form = (await center.look()).fields("save-pace")
    status, page = await center.post({**form, "pause": "month", "at_most": "week"})
    assert status == 200
    assert "Texts are paused until" in page.said
    assert "at most one marketing text a week" in page.said
    assert page.root.one("select", id="pause").all("option")[0].attrs["value"] == "keep"
    contact = await running.contact(center.person)
    assert contact.pace.is_paused(now())
    assert (await center.look()).switches[DEALS], "they stay subscribed"
    form = (await center.look()).fields("save-pace")
    _, page = await center.post({**form, "pause": "", "at_most": ""})
    assert page.said == "Your texts aren't paused or limited."
    assert not (await running.contact(center.person)).pace.is_paused(now())
