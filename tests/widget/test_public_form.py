"""Public forms: the card without a chat, its program page, poster and QR code, and signing up by a text."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import aiohttp
import imagesize
import pytest

from bot.app import make_bot
from bot.chat import tap_to_text
from bot.chat.public_forms import PublicForm
from bot.consent.checker import check_form, lacking
from bot.consent.offers import WordingFacts
from bot.consent.program_page import program_page
from bot.demo import DEALS, FORM, LEGAL, TITLE
from bot.i18n import locales, translator
from bot.model.base import new_id, now
from bot.model.contact import ConsentState, Contact
from bot.model.conversation import Card as CardModel
from bot.model.delivery import DeliveryKind, DeliveryState
from bot.model.event import Action, Actor, Grade, Source
from bot.model.form_template import FormTemplate
from bot.model.form_words import FormWords
from bot.model.subscription import Purpose
from bot.model.teammate import By
from bot.model.workspace import Workspace
from bot.workspace.wording import Wording
from tests.people import change, subscription, wording
from tests.widget.desk import HTML
from tests.widget.help import Card, Node, Running, read
from widget.forms import visit

ADA = By("ada", "Ada")
NUMBER, SHOP = "+1201555{:04d}", "(201) 555-0100"
URL = "http://sayso.test"


async def public_form(running: Running, **words: Any) -> FormTemplate:
    usual = {"title": TITLE, "legal_text": LEGAL.format(url=URL), "box": ""}
    translations = {code: FormWords(title=t, legal_text=x.format(url=URL)) for code, (t, x) in FORM.items()}
    card = CardModel(subscription=DEALS, **{"translations": translations, **usual, **words})
    made = await running.bot.forms.save(new_id(), card, ADA, new_id(), wording())
    return await running.bot.forms.set_public(made.id, True, ADA)


@dataclass
class Browser:
    """A person's browser in front of a form."""

    session: aiohttp.ClientSession
    base: str
    path: str
    page: Node = field(default_factory=lambda: Node("#root"))
    html: str = ""
    status: int = 0
    headers: Any = None

    async def open(self, path: str = "", **headers: str) -> Browser:
        async with self.session.get(self.base + (path or self.path), headers={**HTML, **headers}) as answer:
            return await self._take(answer)

    async def post(self, fields: dict[str, str], path: str = "", **headers: str) -> Browser:
        url = self.base + self.path.partition("?")[0] + path
        async with self.session.post(url, data=fields, headers={**HTML, **headers}, allow_redirects=False) as answer:
            return await self._take(answer)

    async def submit(self, number: str | None = None, **fields: str) -> Browser:
        named = self.card.root.one("form", class_="card-form").all("input", type="hidden")
        shown = {node.attrs["name"]: node.attrs.get("value", "") for node in named}
        typed = {"region": "US", "number": number} if number is not None else {}
        return await self.post({**shown, **typed, **fields})

    async def _take(self, answer: aiohttp.ClientResponse) -> Browser:
        self.status, self.headers, self.html = answer.status, answer.headers, await answer.text()
        self.page = read(self.html)
        return self

    @property
    def card(self) -> Card:
        return Card(self.html)

    @property
    def visit(self) -> str:
        return self.page.all("input", name="visit")[0].attrs["value"]


@asynccontextmanager
async def browser(running: Running, template: FormTemplate, *, cookies: bool = True) -> AsyncIterator[Browser]:
    jar = aiohttp.CookieJar(unsafe=True) if cookies else aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Browser(session, running.base, f"/f/{template.id}")


async def who(running: Running, number: str) -> Contact:
    (contact,) = await running.store.contacts.with_number(number, after="", limit=2)
    return await running.bot.ledger.contact(contact.id) or contact


async def counted(running: Running) -> tuple[int, ...]:
    store = running.store
    return tuple(
        [await table.collection.count_documents({}) for table in (store.contacts, store.conversations, store.events)]
    )


class TestForm:
    async def test_a_look_writes_nothing_and_sets_no_cookie(self, running: Running) -> None:
        template = await public_form(running)
        before = await counted(running)
        async with browser(running, template) as maya:
            await maya.open()
            assert (maya.status, maya.card.state, maya.card.title) == (200, "open", TITLE)
            assert "Set-Cookie" not in maya.headers
            assert "frame-ancestors 'none'" in maya.headers["Content-Security-Policy"]
            assert maya.headers["Cache-Control"] == "private, no-store"
        assert await counted(running) == before

    async def test_a_sign_up_is_recorded_with_the_words_and_the_address_of_the_form(self, running: Running) -> None:
        template, number = await public_form(running), NUMBER.format(1101)
        async with browser(running, template) as maya:
            await maya.open()
            await maya.submit("201 555 1101", page="https://elsewhere.example")
            assert (maya.status, maya.card.state, maya.card.locked) == (200, "completed", "(201) 555-1101")
        contact = await who(running, number)
        *_earlier, event = await running.store.events.after(contact.id, 0, limit=9)
        assert (event.source, event.grade, event.action) == (Source.FORM, Grade.WRITTEN_SHOWN, Action.OPT_IN)
        assert event.words
        assert (event.words.title, event.words.legal_text) == (TITLE, template.legal_text)
        assert event.context.page == f"{running.bot.public_url}/f/{template.id}"
        assert event.context.ip

    async def test_the_same_page_submitted_twice_signs_up_one_person(self, running: Running) -> None:
        template, number = await public_form(running), NUMBER.format(1102)
        async with browser(running, template, cookies=False) as maya:
            await maya.open()
            fields = {"visit": maya.visit, "version": maya.card.hidden("version"), "region": "US", "number": number}
            for _time, shown in enumerate(["(201) 555-1102", "(•••) •••-1102"]):
                await maya.post(fields)
                assert (maya.status, maya.card.state, maya.card.locked) == (200, "completed", shown)
            assert "Set-Cookie" not in maya.headers
            assert not maya.page.all("input", name="visit"), "nothing to press without the cookie"
        contact = await who(running, number)
        events = await running.store.events.after(contact.id, 0, limit=9)
        assert [e.action for e in events].count(Action.OPT_IN) == 1

    async def test_an_error_is_shown_in_place_keeps_what_was_typed_and_stores_nobody(self, running: Running) -> None:
        template = await public_form(running, box="I agree to get texts.", translations={})
        before = await counted(running)
        async with browser(running, template) as maya:
            await maya.open()
            await maya.submit("555")
            assert maya.status == 422
            assert maya.card.field.attrs["value"] == "555"
            assert maya.card.error
            assert "Check this box" in maya.page.one("p", id="form-box-error").text
            await maya.submit("2015551103")
            assert maya.status == 422
            assert await counted(running) == before
            await maya.submit("2015551103", box="on")
            assert maya.card.state == "completed"

    async def test_a_known_visitor_sees_their_number_masked_and_locked(self, running: Running) -> None:
        deals, more = await public_form(running), await public_form(running)
        async with browser(running, deals) as maya:
            await maya.open()
            await maya.submit("2015551104")
            await maya.open()
            assert (maya.card.state, maya.card.locked) == ("completed", "(•••) •••-1104")
            maya.path = f"/f/{more.id}"
            await maya.open()
            assert (maya.card.state, maya.card.locked) == ("already", "(•••) •••-1104")
            contact = await who(running, NUMBER.format(1104))
            await maya.post({"visit": maya.visit}, "/preferences")
            assert (maya.status, maya.headers["Location"][:3]) == (303, "/p/")
            seen = await running.bot.preferences.look(maya.headers["Location"][3:])
            assert seen.contact.id == contact.id

    async def test_another_number_than_the_saved_one_is_refused(self, running: Running) -> None:
        template = await public_form(running)
        async with browser(running, template) as maya:
            await maya.open()
            await maya.submit("2015551105")
            contact = await who(running, NUMBER.format(1105))
            await running.bot.ledger.record(change(contact.id, new_id(), Action.OPT_OUT, number=NUMBER.format(1105)))
            await maya.open()
            assert maya.card.locked == "(•••) •••-1105"
            assert maya.card.hidden("again")
            await maya.submit("2015551106")
            assert maya.status == 422
            assert not await running.store.contacts.with_number(NUMBER.format(1106), after="", limit=1)
            await maya.submit()
            assert (maya.status, maya.card.state, maya.card.locked) == (200, "completed", "(•••) •••-1105")

    async def test_the_next_person_at_a_shared_device_starts_anew(self, running: Running) -> None:
        template = await public_form(running)
        async with browser(running, template) as tablet:
            await tablet.open()
            await tablet.submit("2015551107")
            stale = tablet.visit
            await tablet.open()
            await tablet.post({"visit": tablet.visit}, "/forget")
            assert tablet.status == 303
            await tablet.open()
            assert tablet.card.state == "open"
            await tablet.submit("2015551108")
            assert tablet.card.state == "completed"
            await tablet.post({"visit": stale, "version": "x"})
            assert (tablet.status, tablet.card.locked) == (422, "(•••) •••-1108"), "not the page of somebody else"
        assert (await who(running, NUMBER.format(1107))).id != (await who(running, NUMBER.format(1108))).id

    async def test_a_page_that_was_left_on_a_shared_device_gives_nothing_away(self, running: Running) -> None:
        template = await public_form(running)
        async with browser(running, template) as tablet:
            await tablet.open()
            first = {"visit": tablet.visit, "version": tablet.card.hidden("version"), "region": "US"}
            await tablet.submit("2015551121")
            await tablet.post({"visit": tablet.visit}, "/forget")
            await tablet.post({**first, "number": "2015551122"})
            assert (tablet.status, tablet.card.state) == (422, "open")
            assert tablet.card.field.attrs["value"] == "2015551122"
            assert "1121" not in tablet.html
            assert not (known := await self.cookie(tablet)), known
            await tablet.post({"visit": first["visit"]}, "/preferences")
            assert tablet.status == 404
            await tablet.post({**first, "number": "2015551122"})
            await tablet.submit("2015551122")
            assert (tablet.status, tablet.card.state, tablet.card.locked) == (200, "completed", "(201) 555-1122")
            await tablet.post({"visit": tablet.visit}, "/preferences")
            seen = await running.bot.preferences.look(tablet.headers["Location"][3:])
        assert seen.contact.id == (await who(running, NUMBER.format(1122))).id
        assert seen.contact.id != (await who(running, NUMBER.format(1121))).id

    async def cookie(self, person: Browser) -> list[str]:
        return [cookie.value for cookie in person.session.cookie_jar if cookie.key.endswith("sayso_form")]

    async def test_a_click_on_the_page_of_the_last_person_does_not_sign_them_up(self, running: Running) -> None:
        template, number = await public_form(running), NUMBER.format(1123)
        async with browser(running, template) as tablet:
            await tablet.open()
            await tablet.submit(number)
            contact = await who(running, number)
            await running.bot.ledger.record(change(contact.id, new_id(), Action.OPT_OUT, number=number))
            await tablet.open()
            fields = {name: tablet.card.hidden(name) for name in ("visit", "version", "again")}
            await tablet.post({"visit": tablet.visit}, "/forget")
            await tablet.post(fields)
            assert (tablet.status, tablet.card.state) == (422, "open")
            await tablet.post({**fields, "number": "555"})
            assert (tablet.status, tablet.card.state, "1123" in tablet.html) == (422, "open", False)
        consent = (await who(running, number)).consent(DEALS)
        assert consent
        assert consent.state is ConsentState.OPTED_OUT

    @pytest.mark.parametrize("is_other_tab", [False, True])
    async def test_another_number_on_a_page_that_was_submitted_is_never_dropped(
        self, running: Running, is_other_tab: bool
    ) -> None:
        template, numbers = await public_form(running), [NUMBER.format(1124 + n + 2 * is_other_tab) for n in range(2)]
        async with browser(running, template) as maya:
            await maya.open()
            first = {"visit": maya.visit, "version": maya.card.hidden("version"), "region": "US"}
            if is_other_tab:
                await maya.open()
            await maya.submit(numbers[0])
            await maya.post({**first, "number": numbers[0]})
            assert (maya.status, maya.card.state) == (422 if is_other_tab else 200, "completed")
            await maya.post({**first, "number": numbers[1]})
            assert (maya.status, maya.card.state, maya.card.field.attrs["value"]) == (422, "open", numbers[1])
            assert "open for too long" in maya.card.notice
            await maya.submit(numbers[1])
            assert (maya.status, maya.card.state) == (200, "completed")
        assert (await who(running, numbers[0])).id != (await who(running, numbers[1])).id

    async def test_an_error_of_somebody_known_stores_nothing(self, running: Running) -> None:
        deals, more = await public_form(running), await public_form(running, box="I agree to get texts.")
        async with browser(running, deals) as maya:
            await maya.open()
            await maya.submit("2015551128")
            contact = await who(running, NUMBER.format(1128))
            await running.bot.ledger.record(change(contact.id, new_id(), Action.OPT_OUT, number=contact.phone))
            before = await counted(running)
            maya.path = f"/f/{more.id}?lang=es"
            await maya.open()
            await maya.submit()
            assert maya.status == 422
        assert await counted(running) == before
        assert (await who(running, NUMBER.format(1128))).locale == contact.locale

    async def test_a_page_of_another_site_cannot_submit_it(self, running: Running) -> None:
        template = await public_form(running)
        async with browser(running, template) as maya:
            await maya.open()
            fields = {"visit": maya.visit, "version": maya.card.hidden("version"), "number": "2015551109"}
            await maya.post(fields, **{"Sec-Fetch-Site": "cross-site"})
            assert maya.status == 403
            await maya.post(fields, **{"Origin": "https://elsewhere.example"})
            assert maya.status == 403
        assert not await running.store.contacts.with_number(NUMBER.format(1109), after="", limit=1)

    async def test_a_page_that_is_too_old_is_shown_again(
        self, running: Running, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        template = await public_form(running)
        async with browser(running, template) as maya:
            for token in ("x.y.z", ""):
                await maya.post({"visit": token, "version": "x", "number": "2015551110"})
                assert (maya.status, maya.card.state) == (422, "open")
                assert "open for too long" in maya.card.notice
            await maya.open()
            monkeypatch.setattr(visit, "OPEN_SECONDS", -1)
            await maya.submit("2015551110")
            assert maya.status == 422
        assert not await running.store.contacts.with_number(NUMBER.format(1110), after="", limit=1)

    async def test_it_speaks_the_language_of_the_person_or_the_one_asked_for(self, running: Running) -> None:
        template = await public_form(running)
        async with browser(running, template) as maya:
            await maya.open(**{"Accept-Language": "de-AT"})
            assert maya.card.title == FORM["de"][0]
            maya.path += "?lang=es"
            await maya.open(**{"Accept-Language": "de"})
            assert maya.card.title == FORM["es"][0]
            await maya.submit("2015551111")
            assert maya.card.state == "completed"
        contact = await who(running, NUMBER.format(1111))
        *_earlier, event = await running.store.events.after(contact.id, 0, limit=9)
        assert event.words
        assert (event.words.locale, contact.locale) == ("es", "es")

    @pytest.mark.parametrize("path", ["", "/terms", "/poster", "/qr.svg"])
    async def test_a_form_that_is_not_public_or_not_live_is_not_found(self, running: Running, path: str) -> None:
        template = await public_form(running)
        async with browser(running, template) as maya:
            await running.bot.forms.set_public(template.id, False, ADA)
            url = f"{running.base}/f/{template.id}{path}"
            async with maya.session.get(url, headers=HTML) as answer:
                assert answer.status == 404
            async with maya.session.get(f"{running.base}/f/{new_id()}{path}", headers=HTML) as answer:
                assert answer.status == 404
            await maya.post({"visit": "x"})
            assert (maya.status, "no longer available" in maya.page.text) == (404, True)

    async def test_an_erased_person_is_a_new_visitor(self, running: Running) -> None:
        template = await public_form(running)
        async with browser(running, template) as maya:
            await maya.open()
            await maya.submit("2015551112")
            contact = await who(running, NUMBER.format(1112))
            await running.bot.eraser.erase(contact.id, Actor(kind="teammate", id="ada"), Source.PROFILE)
            await maya.open()
            assert maya.card.state == "open"
            await maya.submit("2015551113")
            assert maya.card.state == "completed"


class TestDoubleOptIn:
    async def test_the_number_confirms_and_can_be_changed(self, own: Running) -> None:
        await own.store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
        template = await public_form(own)
        async with browser(own, template) as maya:
            await maya.open()
            await maya.submit("2015551201")
            assert (maya.card.state, maya.card.locked) == ("pending", "(201) 555-1201")
            event = maya.page.all("input", name="event")[0].attrs["value"]
            pressed = {"visit": maya.visit, "event": event}
            async with browser(own, template) as stranger:
                for path in ("/resend", "/change-number"):
                    await stranger.post(pressed, path)
                    assert (stranger.status, "1201" in stranger.html) == (422, False)
                    assert "Set-Cookie" not in stranger.headers
            await maya.post(pressed, "/resend")
            assert (maya.status, "We just texted you" in maya.page.text) == (422, True)
            await maya.post(pressed, "/change-number")
            assert (maya.status, maya.card.state) == (200, "open")
            await maya.submit("2015551202")
            assert maya.card.state == "pending"
            await own.bot.receive(NUMBER.format(1202), "YES", new_id())
            await maya.open()
            assert maya.card.state == "completed"
        consent = (await who(own, NUMBER.format(1202))).consent(DEALS)
        assert consent
        assert consent.state is ConsentState.OPTED_IN

    async def test_the_limits_of_forms_keep_back_the_text(self, own: Running) -> None:
        template = await public_form(own)
        own.bot.form_limits.network = 1
        states = []
        for n in range(1210, 1216):
            async with browser(own, template) as maya:
                await maya.open()
                await maya.submit(f"201555{n}")
                states.append(maya.card.state)
        assert states == ["completed"] * 4 + ["pending"] * 2, "clients on this machine count four times"

    async def test_near_a_limit_the_browser_proves_its_work(self, own: Running) -> None:
        abuse = {"abuse": {"asks_proof": True}}
        await own.store.workspaces.update({"_id": "workspace"}, {"$set": abuse})
        own.bot.workspace.cache_clear()
        template = await public_form(own)
        own.bot.form_limits.network = 1
        for n in range(1220, 1222):  # half of what clients on this machine have together
            async with browser(own, template) as maya:
                await maya.open()
                await maya.submit(f"201555{n}")
                assert maya.card.state == "completed"
        async with browser(own, template) as maya:
            await maya.open()
            await maya.submit("2015551222")
            assert (maya.status, maya.card.state) == (409, "open")
            assert maya.page.all("input", name="proof")[0].attrs["data-challenge"]
            await maya.submit("2015551222", proof="impossible")
            assert (maya.status, maya.card.state) == (200, "pending"), "as beyond the limit"
            await self._no_text_for(own, maya)

    async def _no_text_for(self, own: Running, browser: Browser) -> None:
        """Also if it asks for the text again, later."""
        assert "Text me instead" not in browser.page.text
        event = browser.page.all("input", name="event")[0].attrs["value"]
        (contact,) = await own.store.contacts.find({"consents.event": event}, limit=2)
        then = {"$set": {"consents.0.at": now() - timedelta(minutes=11)}}
        await own.store.contacts.collection.update_one({"_id": contact.id}, then)
        await browser.post({"visit": browser.visit, "event": event}, "/resend")
        assert (browser.status, "Try another browser" in browser.page.text) == (422, True)
        texts = await own.store.deliveries.find({"contact": contact.id}, limit=9)
        assert [text.state for text in texts] == [DeliveryState.BLOCKED]


class TestTapToText:
    @pytest.fixture
    async def template(self, own: Running) -> FormTemplate:
        await own.store.workspaces.update({"_id": "workspace"}, {"$set": {"texts_from": SHOP}})
        own.bot.workspace.cache_clear()
        return await public_form(own)

    async def shown(self, own: Running, template: FormTemplate, path: str = "") -> tuple[str, Node]:
        """The text that the page's link opens."""
        async with browser(own, template) as maya:
            await maya.open(f"/f/{template.id}{path}")
            if path.startswith("/poster"):
                return maya.page.all("p", class_="poster-text")[0].all("bdi")[0].text, maya.page
            href = maya.page.one("section", class_="tap").one("a", class_="button").attrs["href"]
            number, _, body = href.partition("?&body=")
            assert number == "sms:2015550100"
            return unquote(body), maya.page

    async def words(self, own: Running, number: str) -> Any:
        contact = await who(own, number)
        *_earlier, event = await own.store.events.after(contact.id, 0, limit=9)
        assert event.source is Source.KEYWORD
        return event

    async def test_a_text_records_exactly_the_words_of_the_page(self, own: Running, template: FormTemplate) -> None:
        before = await counted(own)
        text, page = await self.shown(own, template, "?lang=fr")
        assert re.fullmatch(r"JOIN [0-9A-Z]{8}", text)
        assert await counted(own) == before
        number = NUMBER.format(1301)
        await own.bot.receive(number, f"{text.lower()}\n\nSent from my iPhone", new_id())
        event = await self.words(own, number)
        assert (event.grade, event.number) == (Grade.KEYWORD, number)
        assert event.words.title == FORM["fr"][0]
        assert event.words.locale == "fr"
        for words in (event.words.title, event.words.button, event.words.legal_text.rpartition("\n\n")[2]):
            assert words in page.text, "what is recorded was shown"
        assert (event.words.keyword, event.words.box) == ("JOIN", None)
        assert (await who(own, number)).locale == "fr", "so are our texts"
        assert event.context.page == f"{own.bot.public_url}/f/{template.id}"

    async def test_a_poster_has_a_code_of_its_own_that_lasts(
        self, own: Running, template: FormTemplate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text, page = await self.shown(own, template, "/poster")
        on_page, _ = await self.shown(own, template)
        assert text != on_page
        later = now() + timedelta(days=400)
        monkeypatch.setattr(tap_to_text, "now", lambda: later)
        number = NUMBER.format(1302)
        await own.bot.receive(number, text, new_id())
        event = await self.words(own, number)
        assert event.context.page.endswith(f"/f/{template.id}/poster")
        for sentence in event.words.legal_text.split(". ")[:4]:
            assert sentence.split(" [")[0] in page.text

    async def test_the_code_of_a_page_expires_and_no_words_count_as_read(
        self, own: Running, template: FormTemplate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        text, _ = await self.shown(own, template)
        for n, (days, title) in enumerate([(7, TITLE), (15, "")]):
            later = now() + timedelta(days=days)
            monkeypatch.setattr(tap_to_text, "now", lambda at=later: at)
            number = NUMBER.format(1303 + n)
            await own.bot.receive(number, text, new_id())
            assert (await self.words(own, number)).words.title == title

    async def test_an_earlier_version_of_the_subscription_is_recorded_as_it_was_shown(
        self, own: Running, template: FormTemplate
    ) -> None:
        text, _ = await self.shown(own, template)
        deals = await own.store.subscriptions.get(DEALS)
        assert deals
        await own.bot.subscriptions.edit(DEALS, deals.version, Wording(name="Bean deals"), ADA)
        number = NUMBER.format(1306)
        await own.bot.receive(number, text, new_id())
        words = (await self.words(own, number)).words
        assert (words.subscription_name, words.subscription_version) == (deals.name, deals.version)

    async def test_a_poster_is_recorded_as_it_was_printed(self, own: Running, template: FormTemplate) -> None:
        printed, page = await self.shown(own, template, "/poster")
        edited = {"title": "Bean news", "legal_text": "Other terms.", "translations": {}}
        await own.store.form_templates.update({"_id": template.id}, {"$set": edited})
        await own.bot.taps.keep()
        reprinted, _ = await self.shown(own, template, "/poster")
        await own.bot.forms.remove(template.id, ADA)
        for text, title, number in [(printed, TITLE, 1311), (reprinted, "Bean news", 1312)]:
            await own.bot.receive(NUMBER.format(number), text, new_id())
            event = await self.words(own, NUMBER.format(number))
            assert event.words.title == title
            assert event.context.page.endswith(f"/f/{template.id}/poster")
        assert TITLE in page.text

    @pytest.mark.parametrize("path", ["", "/poster"])
    async def test_a_release_with_other_words_has_other_codes(
        self, own: Running, template: FormTemplate, monkeypatch: pytest.MonkeyPatch, path: str
    ) -> None:
        before, _ = await self.shown(own, template, path)
        agreed = tap_to_text.AGREE
        monkeypatch.setattr(tap_to_text, "AGREE", "You agree by texting.")
        release = await make_bot(own.bot.settings, own.store, own.bot.public_url)
        await release.taps.keep()
        after, page = await self.shown(own, template, path)
        assert "You agree by texting." in page.text
        for text, words, number in [(before, agreed, 1313), (after, "You agree by texting.", 1314)]:
            await own.bot.receive(NUMBER.format(number), text, new_id())
            event = await self.words(own, NUMBER.format(number))
            assert event.words.legal_text.endswith(f"\n\n{words}")

    async def test_no_code_is_shown_for_words_that_are_not_kept(self, own: Running, template: FormTemplate) -> None:
        card = CardModel(subscription=DEALS, title=TITLE, legal_text=LEGAL.format(url=URL))
        made = await own.bot.forms.save(new_id(), card, ADA, new_id(), wording())
        form, workspace = await own.bot.public_forms.find(made.id), await own.bot.workspace()
        assert await own.bot.taps.offer(form, workspace, translator("en"), tap_to_text.POSTER) is None
        await own.bot.forms.set_public(made.id, True, ADA)
        assert await own.bot.taps.offer(form, workspace, translator("en"), tap_to_text.POSTER)

    @pytest.mark.parametrize(
        ("text", "title"), [("JOIN B3B3B3B3", ""), ("JOIN", "Text JOIN to get 10% off")], ids=["unknown", "none"]
    )
    async def test_a_code_that_names_no_words_leaves_them_open(
        self, own: Running, template: FormTemplate, text: str, title: str
    ) -> None:
        """Whoever typed a code read a form, and not where the program is advertised."""
        number = NUMBER.format(1307)
        await own.bot.receive(number, text, new_id())
        event = await self.words(own, number)
        assert (event.words.title, event.context.page) == (title, None)
        assert bool(event.words.legal_text) == bool(title)
        assert event.words.act == f'texted "{text}"'

    async def test_a_code_that_names_no_words_is_no_written_consent(self, own: Running, template: FormTemplate) -> None:
        deals = await own.store.subscriptions.get(DEALS)
        assert deals
        wanted = Wording(**{**deals.model_dump(include={*Wording.model_fields}), "written_only": True})
        await own.bot.subscriptions.edit(DEALS, deals.version, wanted, ADA)
        text, _ = await self.shown(own, template)
        refused, shown, known = (NUMBER.format(n) for n in (1315, 1316, 1317))
        await own.bot.receive(refused, "JOIN B3B3B3B3", new_id())
        assert not (await who(own, refused)).consents
        (answer,) = await own.store.deliveries.find({"number": refused}, limit=2)
        assert (answer.kind, answer.answer) == (DeliveryKind.REPLY, "lost")
        for number, said in ((shown, text), (known, "JOIN")):
            await own.bot.receive(number, said, new_id())
            assert (await self.words(own, number)).words.title

    async def test_codes_follow_a_change_of_the_subscription_at_once(
        self, own: Running, template: FormTemplate
    ) -> None:
        before, _ = await self.shown(own, template)
        deals = await own.store.subscriptions.get(DEALS)
        assert deals
        await own.bot.subscriptions.edit(DEALS, deals.version, Wording(name="Bean deals"), ADA)
        for path in ("", "/poster"):
            text, _ = await self.shown(own, template, path)
            assert text != before

    async def test_more_words_reach_the_inbox_unless_the_code_is_known(
        self, own: Running, template: FormTemplate
    ) -> None:
        text, _ = await self.shown(own, template)
        chatty, lost = NUMBER.format(1308), NUMBER.format(1309)
        await own.bot.receive(chatty, f"{text} see you on Friday", new_id())
        assert (await self.words(own, chatty)).words.title == TITLE
        for n, said in enumerate(["JOIN B3B3B3B3 see you on Friday", "join us tomorrow", "JOIN tomorrow"]):
            await own.bot.receive(lost, said, new_id())
            (thread,) = await own.store.conversations.find({"number": lost}, limit=2)
            assert thread.last == n + 1
        assert not (await who(own, lost)).consents

    async def test_stop_wins_over_a_code(self, own: Running, template: FormTemplate) -> None:
        text, _ = await self.shown(own, template)
        number = NUMBER.format(1310)
        await own.bot.receive(number, f"{text} STOP", new_id())
        contact = await who(own, number)
        assert not contact.consents

    async def test_it_is_offered_only_with_a_keyword_and_a_number(self, own: Running, template: FormTemplate) -> None:
        await own.bot.keywords.pause("join", 1, ADA)
        async with browser(own, template) as maya:
            await maya.open()
            assert not maya.page.all("section", class_="tap")
            await maya.open(f"/f/{template.id}/poster")
            assert f"{own.bot.public_url}/f/{template.id}" in maya.page.text


class TestPapers:
    @pytest.mark.parametrize("purpose", list(Purpose))
    @pytest.mark.parametrize("locale", locales())
    def test_the_program_page_passes_the_checker(self, locale: str, purpose: Purpose) -> None:
        brand = Workspace(
            name="Harbor Coffee",
            legal_name="Harbor Coffee Roasters LLC",
            support="hello@harbor.example",
            terms_url="https://harbor.example/t",
            privacy_url="https://harbor.example/p",
        )
        deals, say = subscription(purpose=purpose), translator(locale)
        page = program_page(deals, brand, say)
        facts = WordingFacts.of(brand, program="Deals", purpose=purpose)
        assert lacking(check_form(page.text, facts, say)) == ()
        assert brand.support in page.text

    async def test_the_program_page_shows_it_all(self, running: Running) -> None:
        template = await public_form(running)
        async with browser(running, template) as maya:
            await maya.open(f"/f/{template.id}/terms")
            for words in ("Carriers are not liable", "STOP", "HELP", "rates may apply", "hello@harborcoffee.example"):
                assert words in maya.page.text, words
            assert "/demo/privacy" in maya.html

    async def test_the_poster_prints_every_disclosure_and_the_addresses_of_its_links(self, running: Running) -> None:
        template = await public_form(running)
        async with browser(running, template) as maya:
            await maya.open(f"/f/{template.id}/poster?lang=ar")
            assert FORM["ar"][0] in maya.page.text
            assert "/demo/terms)" in maya.page.text
            assert maya.page.one("main").attrs["dir"] == "rtl"

    async def test_the_qr_code_is_a_picture_of_the_address(self, running: Running) -> None:
        template = await public_form(running)
        async with browser(running, template) as maya:
            url = f"{running.base}/f/{template.id}/qr"
            async with maya.session.get(f"{url}.png") as answer:
                assert answer.content_type == "image/png"
                width, height = imagesize.get(io.BytesIO(await answer.read()))
                assert width == height > 300
            async with maya.session.get(f"{url}.svg") as answer:
                assert (answer.content_type, "<svg" in await answer.text()) == ("image/svg+xml", True)


def test_a_form_is_live_while_it_is_public_and_its_subscription_is() -> None:
    template = FormTemplate(
        id=new_id(), name="x", subscription=DEALS, title="x", by="x", created_at=now(), is_public=True
    )
    assert PublicForm(template, subscription()).is_live
    assert not PublicForm(template.model_copy(update={"expires_at": now()}), subscription()).is_live
