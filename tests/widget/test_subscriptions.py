"""Settings > Subscriptions over HTTP: what the pages do, and what no crafted request can do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.demo import DEALS, NEWS, ORDERS
from bot.model.base import new_id
from bot.model.event import Action
from bot.model.subscription import ConsentType, MessageType, Subscription, SubscriptionState
from bot.workspace.subscriptions import By
from tests.conftest import Visitor, eventually
from tests.people import change
from tests.widget.desk import Desk
from tests.widget.help import Card, Node, Running

LIST = "/settings/subscriptions"
SMS, EMAIL = "Your text preferences", "Your email preferences"
SOMEBODY = By("ben", "Ben")
MARKUP = '"><img src=x onerror=alert(1)><script>alert(1)</script>{{ "q" ~ "zq" }}'


@pytest.fixture
async def draft(running: Running, ada: Desk) -> AsyncIterator[Subscription]:
    """Gone from the lists afterwards: others of this server choose among the live ones."""
    draft = await _made(running, ada)
    yield draft
    await running.store.subscriptions.update(
        {"_id": draft.id}, {"$set": {"state": SubscriptionState.ARCHIVED}, "$unset": {"name_key": ""}}
    )


async def _made(running: Running, ada: Desk, **fields: str) -> Subscription:
    form = {"message_type": "sms", "consent_type": "opt_in", "name": f"Events {new_id()}", "description": "Tastings."}
    key = (await ada.look(f"{LIST}/new")).one("input", name="key").attrs["value"]
    status, _ = await ada.post(f"{LIST}/new", {**form, "key": key, **fields})
    assert status == 303
    wanted = " ".join({**form, **fields}["name"].split())
    found = await running.store.subscriptions.find({"name": wanted}, limit=9)
    return max(found, key=lambda subscription: subscription.created_at)


async def _now(running: Running, subscription: Subscription) -> Subscription:
    found = await running.store.subscriptions.get(subscription.id)
    assert found
    return found


def _form(page: Node, id: str) -> dict[str, str]:
    """What a browser sends of the form with this id, as it is drawn."""
    form = page.one("form", id=id)
    sent = {n.attrs["name"]: n.attrs.get("value", "") for n in form.all("input") if n.attrs.get("type") != "checkbox"}
    sent |= {n.attrs["name"]: "on" for n in form.all("input", type="checkbox") if "checked" in n.attrs}
    return sent | {n.attrs["name"]: n.text.strip("\n") for n in form.all("textarea")}


class TestNew:
    async def test_save_and_close_makes_a_draft_that_nobody_is_shown(
        self, running: Running, ada: Desk, visitor: Visitor
    ) -> None:
        draft = await _made(running, ada, name="  Tasting   evenings ", double_opt_in="on")
        assert (draft.name, draft.state, draft.double_opt_in) == ("Tasting evenings", SubscriptionState.DRAFT, True)
        assert ada.location == f"{LIST}?state=draft"
        assert "Tasting evenings is saved as a draft." in await ada.said()
        page = await ada.look(ada.location)
        assert "Tasting evenings" in page.text
        center = f"{running.base}/p/{await running.preference_token(visitor)}"
        async with visitor.session.get(center) as answer:
            assert "Tasting evenings" not in await answer.text()

    async def test_the_opt_out_type_warns(self, ada: Desk) -> None:
        page = await ada.look(f"{LIST}/new")
        assert "breaks the law" in page.one("fieldset", id="consent_type").text
        chosen = [n.attrs["value"] for n in page.all("input", type="radio") if "checked" in n.attrs]
        assert chosen == ["sms", "opt_in", "marketing"]

    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({"name": ""}, "name"),
            ({"name": " \u200b "}, "name"),
            ({"name": "x" * 121}, "name"),
            ({"description": "x" * 1001}, "description"),
            ({"message_type": "fax"}, "message_type"),
            ({"consent_type": ""}, "consent_type"),
            ({"message_type": "email", "double_opt_in": "on"}, ""),
        ],
    )
    async def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
        self, running: Running, ada: Desk, fields: dict[str, str], name: str
    ) -> None:
        before = await running.store.subscriptions.count_about()
        form = {
            "message_type": "sms",
            "consent_type": "opt_in",
            "name": "Kept",
            "description": "Typed",
            "key": new_id(),
        }
        status, page = await ada.post(f"{LIST}/new", {**form, **fields})
        assert status == 422
        if name:
            assert page.one("p", id=f"{name}-error").text.strip()
        assert page.all("div", role="alert")
        if "description" not in fields:
            assert page.one("textarea", id="description").text.strip() == "Typed"
        assert await running.store.subscriptions.count_about() == before

    async def test_a_taken_name_is_told_beside_it(self, ada: Desk, draft: Subscription) -> None:
        form = {"message_type": "sms", "consent_type": "opt_in", "name": draft.name.upper(), "key": new_id()}
        status, page = await ada.post(f"{LIST}/new", form)
        assert (status, "with this name already exists" in page.one("p", id="name-error").text) == (422, True)

    async def test_the_same_form_twice_makes_one(self, running: Running, ada: Desk) -> None:
        form = {"message_type": "sms", "consent_type": "opt_in", "name": f"Twice {new_id()}", "key": new_id()}
        answers = await asyncio.gather(*(ada.post(f"{LIST}/new", form) for _ in range(4)))
        assert [status for status, _ in answers] == [303] * 4
        assert len(await running.store.subscriptions.find({"name": form["name"]}, limit=9)) == 1

    @pytest.mark.parametrize("field", ["state", "version", "id", "_id", "translations", "created_at"])
    async def test_what_the_form_does_not_have_is_refused(self, running: Running, ada: Desk, field: str) -> None:
        before = await running.store.subscriptions.count_about()
        form = {"message_type": "sms", "consent_type": "opt_in", "name": new_id(), "key": new_id(), field: "live"}
        assert (await ada.post(f"{LIST}/new", form))[0] == 422
        assert await running.store.subscriptions.count_about() == before


class TestEdit:
    async def test_words_are_saved_and_the_history_says_who_when_and_what(
        self, running: Running, ada: Desk, draft: Subscription
    ) -> None:
        page = await ada.look(f"{LIST}/{draft.id}")
        form = {**_form(page, "words"), "description": "Tastings and classes.", "act": "save"}
        assert (await ada.post(f"{LIST}/{draft.id}", form))[0] == 303
        saved = await _now(running, draft)
        assert (saved.description, saved.version) == ("Tastings and classes.", 2)
        entry = (await ada.look(f"{LIST}/{draft.id}")).one("li", id="v2").text
        for words in ("Version 2", "Ada", "edited it", "Tastings.", "Tastings and classes."):
            assert words in entry

    async def test_a_limit_that_is_no_number_is_explained(
        self, running: Running, ada: Desk, draft: Subscription
    ) -> None:
        here = f"{LIST}/{draft.id}"
        form = {**_form(await ada.look(here), "words"), "cap_period": "week", "act": "save"}
        for typed in ("0", "101", "2.5", "1e1", "٣"):
            status, page = await ada.post(here, {**form, "cap": typed})
            assert (status, page.one("input", id="cap").attrs["value"]) == (422, typed)
            assert "Enter a whole number from 1 to 100." in page.one("p", id="cap-error").text
        assert (await ada.post(here, {**form, "cap": " 7 "}))[0] == 303
        assert (await _now(running, draft)).cap == 7

    async def test_translations_into_any_language_are_added_kept_and_removed(
        self, running: Running, ada: Desk, draft: Subscription
    ) -> None:
        here = f"{LIST}/{draft.id}"
        form = {**_form(await ada.look(here), "words"), "act": "add", "add_locale": "pt_BR", "description": "Typed"}
        status, page = await ada.post(here, form)
        assert (status, (await _now(running, draft)).version) == (200, 1)
        assert page.one("textarea", id="description").text.strip() == "Typed"
        words = {"translations.pt_BR.title": "Inscreva-se", "box": "I agree.", "language": "en_GB"}
        form = _form(page, "words") | {"translations.pt_BR.name": "Eventos", **words, "act": "save"}
        assert (await ada.post(here, form))[0] == 303
        saved = await _now(running, draft)
        assert (saved.translations["pt_BR"].name, saved.translations["pt_BR"].title) == ("Eventos", "Inscreva-se")
        assert (saved.box, saved.language) == ("I agree.", "en_GB")
        form = _form(await ada.look(here), "words") | {"act": "remove:pt_BR"}
        _, page = await ada.post(here, form)
        assert (await ada.post(here, _form(page, "words") | {"act": "save"}))[0] == 303
        saved = await _now(running, draft)
        assert (saved.translations, saved.description) == ({}, "Typed")

    async def test_a_translation_without_a_name_is_told_beside_it(self, ada: Desk, draft: Subscription) -> None:
        form = _form(await ada.look(f"{LIST}/{draft.id}"), "words") | {"translations.es.name": ""}
        status, page = await ada.post(f"{LIST}/{draft.id}", form)
        assert status == 422
        assert page.one("p", id="translations.es.name-error").text.strip()

    @pytest.mark.parametrize("locale", ["xx", "../../etc", "es.name", "", "e" * 200])
    async def test_a_language_that_nobody_speaks_is_refused(
        self, running: Running, ada: Desk, draft: Subscription, locale: str
    ) -> None:
        form = _form(await ada.look(f"{LIST}/{draft.id}"), "words") | {f"translations.{locale}.name": "x"}
        assert (await ada.post(f"{LIST}/{draft.id}", form))[0] == 422
        assert (await _now(running, draft)).version == 1

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("message_type", "email"),
            ("consent_type", "opt_out"),
            ("purpose", "informational"),
            ("state", "live"),
            ("name_key", "x"),
            ("csrf2", "x"),
        ],
    )
    async def test_message_type_consent_type_and_state_cannot_be_changed_by_a_crafted_request(
        self, running: Running, ada: Desk, draft: Subscription, field: str, value: str
    ) -> None:
        """Law 9."""
        form = _form(await ada.look(f"{LIST}/{draft.id}"), "words") | {field: value}
        assert (await ada.post(f"{LIST}/{draft.id}", form))[0] == 422
        now = await _now(running, draft)
        assert (now.message_type, now.consent_type, now.state, now.version) == (
            MessageType.SMS, ConsentType.OPT_IN, SubscriptionState.DRAFT, 1,
        )  # fmt: skip

    async def test_double_opt_in_is_for_texts_that_need_a_yes(self, running: Running, ada: Desk) -> None:
        form = _form(await ada.look(f"{LIST}/{NEWS}"), "words") | {"double_opt_in": "on"}
        assert (await ada.post(f"{LIST}/{NEWS}", form))[0] == 422

    async def test_who_saw_an_older_version_is_told_who_was_first_and_loses_nothing(
        self, running: Running, ada: Desk, draft: Subscription
    ) -> None:
        form = _form(await ada.look(f"{LIST}/{draft.id}"), "words") | {"description": "Mine"}
        await running.bot.subscriptions.put_live(draft.id, 1, SOMEBODY)
        status, page = await ada.post(f"{LIST}/{draft.id}", form)
        assert status == 409
        assert "Ben just changed this subscription" in page.one("div", role="alert").text
        assert page.one("textarea", id="description").text.strip() == "Mine"

    async def test_markup_is_shown_as_it_was_typed(self, running: Running, ada: Desk) -> None:
        made = await _made(running, ada, name=MARKUP[:100], description=MARKUP)
        form = {"message_type": "sms", "consent_type": "opt_in", "name": MARKUP, "description": MARKUP, "key": "<b>"}
        pages = [
            await ada.look(f"{LIST}?state=draft"),
            await ada.look(f"{LIST}/{made.id}"),
            await ada.look(f"{LIST}/{made.id}/archive"),
            await ada.look(f"{LIST}/preview/page"),
            (await ada.post(f"{LIST}/new", form))[1],
            (await ada.post(f"{LIST}/preview/page", form))[1],
        ]
        for page in pages:
            assert not page.all("img")
            assert all("alert" not in script.text for script in page.all("script"))
            assert "qzq" not in page.text


class TestStates:
    async def test_live_then_archived_then_restored(
        self, running: Running, ada: Desk, draft: Subscription, visitor: Visitor
    ) -> None:
        here = f"{LIST}/{draft.id}"
        assert (await ada.post(f"{here}/live", {"version": "1"}))[0] == 303
        assert "People can now opt in" in await ada.said()
        page = await ada.look(f"{here}/archive")
        for words in ("Open forms for it are closed", "Outbound messages that use it are paused"):
            assert words in page.text
        assert (await ada.post(f"{here}/archive", {"version": "2"}))[0] == 303
        assert (await _now(running, draft)).state is SubscriptionState.ARCHIVED
        assert (await ada.post(f"{here}/restore", {"version": "3", "name": draft.name}))[0] == 303
        now = await _now(running, draft)
        assert (now.state, now.version) == (SubscriptionState.LIVE, 4)
        acts = [p.text for p in (await ada.look(here)).all("p", class_="change-head")]
        assert [word for head in acts for word in ("restored", "archived", "live", "created") if word in head] == [
            "restored", "archived", "live", "created",
        ]  # fmt: skip

    async def test_an_archived_one_cannot_be_put_live_or_edited_by_a_crafted_request(
        self, running: Running, ada: Desk, draft: Subscription
    ) -> None:
        await running.bot.subscriptions.archive(draft.id, 1, SOMEBODY)
        for path, form in (("/live", {}), ("", {"name": "Mine"}), ("/archive", {})):
            status, _ = await ada.post(f"{LIST}/{draft.id}{path}", {"version": "2", **form})
            assert status == 422, path
        assert (await _now(running, draft)).state is SubscriptionState.ARCHIVED

    async def test_a_name_that_was_taken_meanwhile_is_asked_for_on_restoring(
        self, running: Running, ada: Desk, draft: Subscription
    ) -> None:
        await running.bot.subscriptions.archive(draft.id, 1, SOMEBODY)
        await _made(running, ada, name=draft.name)
        status, page = await ada.post(f"{LIST}/{draft.id}/restore", {"version": "2", "name": draft.name})
        assert (status, "with this name already exists" in page.one("p", id="name-error").text) == (422, True)
        other = f"{draft.name} again"
        assert (await ada.post(f"{LIST}/{draft.id}/restore", {"version": "2", "name": other}))[0] == 303
        assert (await _now(running, draft)).name == other

    @pytest.mark.parametrize("name", ["\u200b", "\u200b \u2060", "\x00"])
    async def test_a_name_that_nobody_can_see_is_refused_on_restoring_too(
        self, running: Running, ada: Desk, draft: Subscription, name: str
    ) -> None:
        await running.bot.subscriptions.archive(draft.id, 1, SOMEBODY)
        status, page = await ada.post(f"{LIST}/{draft.id}/restore", {"version": "2", "name": name})
        assert (status, "Name is required" in page.one("p", id="name-error").text) == (422, True)
        assert (await _now(running, draft)).name == draft.name

    async def test_a_draft_cannot_be_used(self, running: Running, draft: Subscription, visitor: Visitor) -> None:
        """Law 9: not offered, not chosen, whoever crafts the request."""
        token = await running.preference_token(visitor)
        form = {"change": "opt_in", "subscription": draft.id, "version": "x", "key": new_id()}
        async with visitor.session.post(f"{running.base}/p/{token}", data=form) as answer:
            assert answer.status == 422
        assert await running.events(visitor) == []

    async def test_archiving_closes_the_forms_of_those_who_come_back(
        self, running: Running, ada: Desk, visitor: Visitor
    ) -> None:
        seen = (await _deals(running)).version
        assert (await ada.post(f"{LIST}/{DEALS}/archive", {"version": str(seen)}))[0] == 303
        try:
            status, html = await visitor.submit()
            assert (status, Card(html).state) == (409, "closed")
        finally:
            form = {"version": str(seen + 1), "name": "Deals and new roasts"}
            assert (await ada.post(f"{LIST}/{DEALS}/restore", form))[0] == 303
        assert (await visitor.submit())[0] == 200


async def _deals(running: Running) -> Subscription:
    found = await running.store.subscriptions.get(DEALS)
    assert found
    return found


class TestCounts:
    async def test_the_list_counts_right_after_each_change(
        self, running: Running, ada: Desk, visitor: Visitor, draft: Subscription
    ) -> None:
        await running.act(visitor)
        contact = (await running.contact(visitor)).id

        async def shown() -> list[str]:
            rows = (await ada.look(f"{LIST}?state=draft")).all("tr")
            (row,) = [row for row in rows if draft.name in row.text]
            return [cell.text.strip() for cell in row.all("td", class_="number")]

        async def becomes(counts: list[str]) -> None:
            seen: list[str] = []

            async def is_shown() -> bool:
                seen[:] = await shown()
                return seen == counts

            try:
                await eventually(is_shown)
            except TimeoutError as error:
                error.add_note(str(seen))
                raise

        assert await shown() == ["0", "0"]
        await running.bot.ledger.record(change(contact, new_id(), subscription=draft.id))
        await becomes(["1", "0"])
        await running.bot.ledger.record(change(contact, new_id(), Action.OPT_OUT, subscription=draft.id))
        await becomes(["0", "1"])


class TestDoors:
    PAGES = (
        LIST,
        f"{LIST}/new",
        f"{LIST}/{DEALS}",
        f"{LIST}/{DEALS}/archive",
        f"{LIST}/preview",
        f"{LIST}/preview/page",
    )
    ACTS = (f"{LIST}/new", f"{LIST}/{DEALS}", *(f"{LIST}/{DEALS}/{act}" for act in ("archive", "live", "restore")))

    async def test_an_agent_is_refused(self, running: Running, ben: Desk) -> None:
        before = await _deals(running)
        for path in self.PAGES:
            assert (await ben.get(path))[0] == 403, path
        for path in (*self.ACTS, f"{LIST}/preview/page"):
            assert (await ben.post(path, {"version": "1", "name": "Mine"}))[0] == 403, path
        assert await _deals(running) == before

    @pytest.mark.parametrize("csrf", ["", "x", "0" * 64])
    async def test_without_the_token_of_the_session_nothing_is_done(
        self, running: Running, ada: Desk, csrf: str
    ) -> None:
        before = await running.store.subscriptions.find({}, limit=200)
        for path in (*self.ACTS, f"{LIST}/preview/page"):
            status, _ = await ada.post(path, {"csrf": csrf, "version": "1", "name": "Mine", "key": new_id()})
            assert status == 403, path
        assert await running.store.subscriptions.find({}, limit=200) == before

    async def test_who_is_not_signed_in_sees_nothing(self, running: Running) -> None:
        for path in self.PAGES:
            async with running.session.get(
                running.base + path, headers={"Accept": "text/html"}, allow_redirects=False
            ) as answer:
                assert (answer.status, answer.headers["Location"].startswith("/login?next=")) == (303, True)

    @pytest.mark.parametrize("id", ["0" * 24, ORDERS[:-1] + "0"])
    async def test_one_that_is_not_there_is_not_found(self, ada: Desk, id: str) -> None:
        for path in (f"{LIST}/{id}", f"{LIST}/{id}/archive"):
            assert (await ada.get(path))[0] == 404
        assert (await ada.post(f"{LIST}/{id}/live", {"version": "1"}))[0] == 404

    async def test_odd_addresses_are_answered(self, ada: Desk) -> None:
        for query in ("?state=nowhere", "?state="):
            assert (await ada.get(LIST + query))[0] == 200
            assert (await ada.get(f"{LIST}/{DEALS}{query}"))[0] == 200
        for cursor in ("x", "9" * 50):
            assert (await ada.get(f"{LIST}/{DEALS}?before={cursor}"))[0] == 422


class TestPreview:
    async def test_it_shows_what_is_live_drafts_and_what_is_typed_and_stores_nothing(
        self, running: Running, ada: Desk, draft: Subscription
    ) -> None:
        page = await ada.look(f"{LIST}/preview/page")
        names = [h.text for h in page.all("h3")]
        assert {"Deals and new roasts", draft.name} <= set(names)
        assert page.all("form") == []
        form = _form(await ada.look(f"{LIST}/{draft.id}"), "words") | {"name": "Only typed"}
        _, typed = await ada.post(f"{LIST}/preview/page", form)
        shown = [h.text for h in typed.all("h3")]
        assert ("Only typed" in shown, draft.name in shown) == (True, False)
        new = {"message_type": "email", "consent_type": "opt_out", "name": "Not saved", "description": "", "key": "x"}
        _, typed = await ada.post(f"{LIST}/preview/page", new)
        assert "Not saved" in [h.text for h in typed.all("h3")]
        assert (await _now(running, draft)).version == 1
        assert await running.store.subscriptions.find({"name": "Not saved"}, limit=1) == []

    @pytest.mark.parametrize(("channel", "first"), [("sms", SMS), ("email", EMAIL), ("fax", SMS)])
    async def test_the_channel_of_the_link_comes_first(self, ada: Desk, channel: str, first: str) -> None:
        page = await ada.look(f"{LIST}/preview/page?channel={channel}")
        assert page.all("h2")[0].text == first

    async def test_a_translation_that_is_typed_shows_in_its_language(self, ada: Desk, draft: Subscription) -> None:
        here = f"{LIST}/{draft.id}"
        form = _form(await ada.look(here), "words")
        _, page = await ada.post(here, form | {"act": "add", "add_locale": "ja"})
        chosen = [o.attrs["value"] for o in page.one("select", name="locale").all("option") if "selected" in o.attrs]
        assert chosen == ["ja"]
        typed = _form(page, "words") | {"translations.ja.name": "教室", "locale": "ja"}
        _, shown = await ada.post(f"{LIST}/preview/page", typed)
        assert "教室" in [h.text for h in shown.all("h3")]
        assert (await ada.post(here, typed | {"act": "save"}))[0] == 303

    async def test_the_channel_of_what_is_edited_comes_first(self, running: Running, ada: Desk) -> None:
        for id, first in ((NEWS, EMAIL), (ORDERS, SMS)):
            form = _form(await ada.look(f"{LIST}/{id}"), "words")
            _, page = await ada.post(f"{LIST}/preview/page", form)
            assert page.all("h2")[0].text == first

    async def test_the_standard_text_is_shown_in_each_language_that_we_speak(self, running: Running, ada: Desk) -> None:
        page = await ada.look(f"{LIST}/{DEALS}")
        texts = {a.attrs["name"]: a.attrs.get("placeholder", "") for a in page.all("textarea")}
        assert "You are now subscribed to Deals and new roasts" in texts["confirmation"]
        assert "Ofertas y nuevos tuestes" in texts["translations.es.confirmation"]

    async def test_it_speaks_any_language(self, running: Running, ada: Desk, draft: Subscription) -> None:
        form = _form(await ada.look(f"{LIST}/{draft.id}"), "words") | {"translations.pt_BR.name": "Eventos"}
        assert (await ada.post(f"{LIST}/{draft.id}", form | {"act": "save"}))[0] == 303
        page = await ada.look(f"{LIST}/preview/page?locale=pt_BR")
        assert "Eventos" in [h.text for h in page.all("h3")]
        spanish = await ada.look(f"{LIST}/preview/page?locale=es")
        assert "Ofertas y nuevos tuestes" in [h.text for h in spanish.all("h3")]
        arabic = await ada.look(f"{LIST}/preview/page?locale=ar")
        assert arabic.one("html").attrs["dir"] == "rtl"
        options: list[Any] = (await ada.look(f"{LIST}/preview")).one("select", id="locale").all("option")
        assert {"en", "es", "ar", "pt_BR"} <= {o.attrs["value"] for o in options}

    async def test_only_our_own_pages_may_frame_it(self, ada: Desk) -> None:
        async with ada.session.get(f"{ada.base}{LIST}/preview/page") as answer:
            assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
        async with ada.session.get(f"{ada.base}{LIST}") as answer:
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
