"""The contact's panel: what an agent reads of a person, and writes down for them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.consent.attestations import Attestation
from bot.demo import DEALS, NEWS, ORDERS
from bot.model.base import iso, new_id, now
from bot.model.contact import Contact
from bot.model.event import Action, Actor, Context, Evidence, How, Source, Words
from bot.model.teammate import By
from tests.people import change, tells_number
from tests.widget.desk import HTML, Desk
from tests.widget.help import Node, Running, read
from widget.web.times import COOKIE

HX = {"HX-Request": "true"}
NASTY = '<img src=x onerror="alert(1)">'


async def contact(running: Running, **values: Any) -> Contact:
    time = now()
    made = Contact(id=new_id(), created_at=time, updated_at=time, **{"phone": "+12015550123", **values})
    await running.store.contacts.insert(made)
    return made


def panel(someone: Contact, query: str = "") -> str:
    return f"/inbox/contacts/{someone.id}/panel{query}"


async def fragment(desk: Desk, path: str) -> Node:
    async with desk.session.get(desk.base + path, headers=HTML | HX) as answer:
        assert answer.status == 200, await answer.text()
        return read(await answer.text())


def states(page: Node) -> dict[str, tuple[str, str]]:
    """By name: the state, and what is said of it."""
    return {
        li.one("h3").text: (li.attrs["data-state"], " ".join(li.one("p").text.split()))
        for li in page.all("li", class_="cp-choice")
    }


async def send(desk: Desk, someone: Contact, subscription: str = DEALS, **form: str) -> tuple[int, Node]:
    usual = {"subscription": subscription, "change": "opt_in", "key": new_id(), "how": "spoken", "given_at": given()}
    headers = {k: form.pop(k) for k in list(form) if k.startswith("HX")}
    return await desk.post(
        f"/inbox/contacts/{someone.id}/consents", {**usual, **form}, **({"HX-Request": "true"} | headers)
    )


def given(ago: timedelta = timedelta(minutes=-1)) -> str:
    """A date and time field, in UTC: by default the next minute, so that it is newer than anything before."""
    return (now() - ago).strftime("%Y-%m-%dT%H:%M")


async def line(running: Running, someone: Contact) -> list[Any]:
    return await running.store.events.after(someone.id, 0, limit=99)


class TestReading:
    async def test_an_agent_sees_who_it_is(self, running: Running, ben: Desk) -> None:
        someone = await contact(
            running,
            name="Maya",
            email="maya@example.com",
            time_zone="America/New_York",
            page="https://shop.example/roasts",
            last_seen_at=now(),
            attributes={"plan": "gold", "orders": 3},
        )
        page = await ben.look(panel(someone))
        words = page.one("dl").text + page.one("table").text
        for word in ("Maya", "maya@example.com", "(201) 555-0123", "United States", "New York", "gold", "3"):
            assert word in words
        assert page.one("dl").one("a").attrs["href"] == "https://shop.example/roasts"

    async def test_who_has_no_name_has_one_made_up(self, running: Running, ben: Desk) -> None:
        someone = await contact(running, phone=None)
        assert f"Visitor {someone.id[-4:]}" in (await ben.look(panel(someone))).one("h1").text

    async def test_a_number_that_is_none_is_marked(self, running: Running, ben: Desk) -> None:
        page = await ben.look(panel(await contact(running, phone="12")))
        assert "Invalid" in page.one("dl").text
        assert "Visitor" in page.one("h1").text

    async def test_every_state_is_in_words(self, running: Running, ben: Desk) -> None:
        someone = await contact(running, email="maya@example.com")
        assert states(await fragment(ben, panel(someone))) == {
            "Deals and new roasts": ("off", "No response yet"),
            "Harbor letter": ("off", "No response yet"),
            "Order updates": ("on", "On by default"),
        }
        record = running.bot.ledger.record
        await record(change(someone.id, "1", number="+12015550123"))
        await record(change(someone.id, "2", Action.OPT_OUT, subscription=ORDERS, source=Source.PREFERENCE_CENTER))
        found = states(await fragment(ben, panel(someone)))
        assert found["Deals and new roasts"][0] == "on"
        assert found["Deals and new roasts"][1].startswith("Opted in")
        assert found["Deals and new roasts"][1].endswith("· Form")
        assert found["Order updates"][1].endswith("· Preference center")
        await record(change(someone.id, "3", Action.REQUEST_CONFIRMATION))
        page = await fragment(ben, panel(someone))
        assert states(page)["Deals and new roasts"] == ("pending", "Waiting for YES · (201) 555-0123")
        (choice,) = (li for li in page.all("li", class_="cp-choice") if li.attrs["data-state"] == "pending")
        assert [b.text for b in choice.all("button")] == ["Cancel"]

    async def test_a_stopped_number_has_no_switch_that_works(self, running: Running, ben: Desk) -> None:
        phone = "+12015550244"  # nobody else's in this workspace: it stays stopped
        someone = await contact(running, phone=phone)
        await running.bot.stops.stop(phone, "STOP", new_id())
        page = await fragment(ben, panel(someone))
        assert "START" in states(page)["Order updates"][1]
        switches = [b for b in page.all("button", role="switch") if b.has("aria-disabled", "true")]
        assert len(switches) == 2
        status, page = await send(ben, someone)
        assert status == 422
        assert "START" in page.text
        assert {e.source for e in await line(running, someone)} == {Source.KEYWORD}, "of the STOP"
        await running.bot.stops.lift(phone, "START", new_id())

    async def test_who_has_no_number_is_asked_for_one(self, running: Running, ben: Desk) -> None:
        someone = await contact(running, phone=None)
        found = states(await fragment(ben, panel(someone)))
        assert found["Deals and new roasts"] == ("unreachable", "No valid number yet")
        assert found["Harbor letter"] == ("unreachable", "No email address yet")
        form = await ben.look(f"/inbox/contacts/{someone.id}/opt-in/{DEALS}")
        assert form.one("input", name="number").attrs["type"] == "tel"
        form = await ben.look(f"/inbox/contacts/{(await contact(running)).id}/opt-in/{DEALS}")
        assert form.all("input", name="number") == []

    async def test_the_history_is_in_words_with_what_was_shown(self, running: Running, ben: Desk) -> None:
        someone, talk = await contact(running), new_id()
        words = Words(
            title="Sign up",
            button="Join",
            legal_text="Read our [Terms](https://shop.example/terms).",
            subscription_name="Deals",
            locale="en",
            act='pressed "Join"',
        )
        record = running.bot.ledger.record
        await record(change(someone.id, "1", words=words, context=Context(conversation=talk)))
        texted = words.model_copy(update={"act": 'texted "Stop!"', "title": "", "legal_text": "", "button": ""})
        await record(change(someone.id, "2", Action.OPT_OUT, source=Source.KEYWORD, words=texted))
        told = Evidence(how=How.SPOKEN)  # as an earlier version recorded it, with words
        by, no = Actor(kind="teammate", id=new_id()), (await line(running, someone))[-1]
        told = told.model_copy(update={"given_at": no.at + timedelta(seconds=1)})
        await record(
            change(someone.id, "2b", source=Source.PROFILE, actor=by, evidence=told, words=words, warned_of=no.event)
        )
        await record(change(someone.id, "3", Action.EXPIRE, source=Source.SYSTEM))
        await record(change(someone.id, "4", Action.CAPTURE_PHONE, subscription=None))
        page = await fragment(ben, panel(someone, f"?conversation={talk}"))
        entries = page.all("li", class_="cp-entry")
        assert [e.one("strong").text if not e.all("details") else e.all("strong")[0].text for e in entries] == [
            "Provided a number",
            "Confirmation expired",
            "A teammate recorded verbal consent",
            'Texted "Stop!"',
            "Opted in on the form in this conversation",
        ]
        assert [bool(entry.all("details")) for entry in entries] == [False, False, False, False, True]
        shown = entries[-1].one("details")
        assert shown.one("a").attrs["href"] == "https://shop.example/terms"
        assert "Join" in shown.text
        assert "(201) 555-0123" in entries[-1].text
        elsewhere = await fragment(ben, panel(someone))
        assert "in this conversation" not in elsewhere.text

    async def test_earlier_entries_are_a_click_away(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        for i in range(23):
            await running.bot.ledger.record(change(someone.id, f"{i}"))
        page = await fragment(ben, panel(someone))
        assert len(page.all("li", class_="cp-entry")) == 20
        more = await fragment(ben, page.one("li", class_="cp-more").one("a").attrs["href"])
        assert len(more.all("li", class_="cp-entry")) == 3
        assert more.all("li", class_="cp-more") == []
        assert len((await ben.look(f"/inbox/contacts/{someone.id}/history?before=4")).all("li", class_="cp-entry")) == 3
        assert (await ben.get(f"/inbox/contacts/{someone.id}/history?before=٣x"))[0] == 422

    async def test_texts_of_people_are_data(self, running: Running, ben: Desk) -> None:
        someone = await contact(running, name=NASTY, page="javascript:alert(1)", attributes={NASTY: NASTY})
        await send(ben, someone, note=NASTY)
        for path in (panel(someone), f"/inbox/contacts/{someone.id}/opt-in/{NEWS}"):
            page = await ben.look(path)
            assert [i for i in page.all("img") if i.attrs.get("src") == "x"] == []
            assert [a for a in page.all("a") if a.attrs.get("href", "").startswith("javascript")] == []
        assert NASTY in (await ben.look(panel(someone))).one("p", class_="cp-note").text

    async def test_reading_changes_nothing(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        before = await running.store.contacts.collection.find_one({"_id": someone.id})
        for path in ("panel", "history", f"opt-in/{DEALS}", f"opt-out/{ORDERS}", "opt-out"):
            await ben.look(f"/inbox/contacts/{someone.id}/{path}")
        assert await running.store.contacts.collection.find_one({"_id": someone.id}) == before

    async def test_nobody_and_nothing_is_not_found(self, running: Running, ben: Desk) -> None:
        assert (await ben.get(f"/inbox/contacts/{new_id()}/panel"))[0] == 404
        someone = await contact(running)
        for form in ("opt-in", "opt-out"):
            assert (await ben.get(f"/inbox/contacts/{someone.id}/{form}/{new_id()}"))[0] == 404


class TestWriting:
    async def test_a_spoken_yes_is_recorded_with_the_agents_name(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        status, page = await send(ben, someone, note="By phone")
        assert (status, states(page)["Deals and new roasts"][0]) == (200, "on")
        (event,) = await line(running, someone)
        ben_himself = await running.store.teammates.by_email("ben@example.com")
        assert ben_himself
        assert (event.actor.kind, event.actor.id) == ("teammate", ben_himself.id)
        assert (event.evidence.how, event.evidence.note) == ("spoken", "By phone")
        assert event.context.ip == "127.0.0.1"
        entry = page.one("ol", class_="cp-history")
        assert f"{ben_himself.name} recorded verbal consent" in entry.text
        assert "Deals and new roasts" in entry.text
        assert [time.attrs["datetime"] for time in entry.all("time")] == [iso(event.at), iso(event.evidence.given_at)]
        assert event.words is None
        assert entry.all("details") == [], "nobody was shown any words"

    async def test_spoken_consent_to_marketing_is_kept_and_not_sent_on(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        asked = await fragment(ben, f"/inbox/contacts/{someone.id}/opt-in/{DEALS}")
        assert "Messages won't be sent" in asked.one("fieldset", id="how").text
        _status, page = await send(ben, someone, note="By phone")
        assert "requires written consent" in page.one("div", class_="cp-said").text
        assert "only sent with written consent" in page.one("p", id=f"cp-note-{DEALS}").text
        assert [b.text for b in page.all("button")].count("Record written consent") == 1
        _status, page = await send(ben, someone, how="paper", note="In the shop")
        assert "only sent with written consent" not in page.one("p", id=f"cp-note-{DEALS}").text
        assert "Record written consent" not in [b.text for b in page.all("button")]

    async def test_the_law_on_marketing_is_told_of_marketing_only(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        for subscription, is_told in ((DEALS, True), (ORDERS, False)):
            asked = await fragment(ben, f"/inbox/contacts/{someone.id}/opt-in/{subscription}")
            assert ("US law requires" in asked.text) is is_told

    async def test_consent_on_paper_is_enough(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        _status, page = await send(ben, someone, how="paper", note="In the shop")
        assert "Opted in to" in page.one("div", class_="cp-said").text
        assert "only sent with written consent" not in page.one("p", id=f"cp-note-{DEALS}").text

    async def test_a_number_that_was_wrong_is_kept_in_the_history(self, running: Running, ben: Desk) -> None:
        someone = await contact(running, phone="12")
        status, page = await send(ben, someone, number="(201) 555-0123")
        assert status == 200
        assert "Replaced 12" in page.one("ol", class_="cp-history").text
        assert "Invalid" not in page.one("dl").text

    async def test_when_it_was_given_is_in_the_readers_time_zone(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        ben.session.cookie_jar.update_cookies({COOKIE: "America/New_York"})
        await send(ben, someone, given_at="2026-11-20T09:41")
        (event,) = await line(running, someone)
        assert iso(event.evidence.given_at) == "2026-11-20T14:41:00.000Z"
        page = await ben.look(f"/inbox/contacts/{someone.id}/opt-in/{NEWS}")
        assert "America/New York" in page.one("p", id="given_at-hint").text

    async def test_off_asks_first(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        page = await fragment(ben, panel(someone))
        assert [form for form in page.all("form") if "hx-post" in form.attrs] == [], "no switch acts at once"
        asked = await fragment(ben, f"/inbox/contacts/{someone.id}/opt-out/{ORDERS}")
        assert "This can't be undone" in asked.text
        status, page = await send(ben, someone, ORDERS, change="opt_out", how="")
        assert (status, states(page)["Order updates"][0]) == (200, "off")
        assert [e.action for e in await line(running, someone)] == [Action.OPT_OUT]

    async def test_all_texts_are_one_press_and_a_confirmation(self, running: Running, ben: Desk) -> None:
        someone = await contact(running, email="maya@example.com")
        await running.bot.ledger.record(change(someone.id, "1"))
        await running.bot.ledger.record(change(someone.id, "2", subscription=NEWS, number=None, email=someone.email))
        (asks,) = (b for b in (await fragment(ben, panel(someone))).all("button") if b.text == "Opt out of all texts")
        asked = await ben.look(f"/inbox/contacts/{someone.id}/opt-out")
        assert "out of all texts" in asked.one("h1").text
        assert asks.attrs["aria-haspopup"] == "dialog"
        status, page = await send(ben, someone, "", change="opt_out_of_texts", how="")
        assert status == 200
        assert {name: state for name, (state, _) in states(page).items()} == {
            "Deals and new roasts": "off",
            "Harbor letter": "on",
            "Order updates": "off",
        }
        assert "Opted out of all texts." in page.one("div", class_="cp-said").text
        assert [b for b in page.all("button") if b.text == "Opt out of all texts"] == []
        assert not await running.bot.stops.is_stopped("+12015550123"), "only a STOP does that"

    async def test_a_double_click_is_one_event(self, running: Running, ben: Desk) -> None:
        someone, key = await contact(running), new_id()
        for _ in range(2):
            assert (await send(ben, someone, key=key))[0] == 200
        assert len(await line(running, someone)) == 1

    @pytest.mark.parametrize(
        ("form", "field", "sentence"),
        [
            ({"how": ""}, "how", "Choose how they consented."),
            ({"given_at": ""}, "given_at", "Enter when they consented."),
            ({"given_at": "2026-13-01T10:00"}, "given_at", "Enter when they consented."),
            ({"given_at": "2099-01-01T10:00"}, "given_at", "in the future"),
            ({"how": "other"}, "note", "Describe how they consented."),
            ({"number": ""}, "number", "Phone number is required."),
            ({"number": "555-01", "note": "By phone"}, "number", "Too short"),
        ],
    )
    async def test_what_is_wrong_stands_beside_its_field(
        self, running: Running, ben: Desk, form: dict[str, str], field: str, sentence: str
    ) -> None:
        someone = await contact(running, phone=None)
        status, page = await send(ben, someone, **{"number": "(201) 555-0123", **form})
        assert status == 422
        assert sentence in page.one("p", id=f"{field}-error").text
        if "note" in form:
            assert page.one("textarea").text.strip() == form["note"]
            assert page.one("input", name="number").attrs["value"] == form["number"]
        assert await line(running, someone) == []

    async def test_another_number_than_the_saved_one_is_refused(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        status, page = await send(ben, someone, number="(201) 555-0124")
        assert (status, "saved number" in page.one("p", id="number-error").text) == (422, True)
        assert await line(running, someone) == []

    async def test_without_javascript_it_goes_back_to_the_conversation(self, running: Running, ben: Desk) -> None:
        someone, talk = await contact(running), new_id()
        path = f"/inbox/contacts/{someone.id}/consents"
        form = {"subscription": DEALS, "change": "opt_in", "key": new_id(), "how": "paper", "given_at": given()}
        assert (await ben.post(path, {**form, "conversation": talk}))[0] == 303
        assert ben.location == f"/inbox/{talk}"
        (event,) = await line(running, someone)
        assert event.context.conversation is None, "it is not theirs"
        form = {"subscription": DEALS, "change": "opt_out", "key": new_id()}
        assert (await ben.post(path, form))[0] == 303
        assert ben.location == panel(someone)
        assert "Opted out of" in await ben.said()

    async def test_without_javascript_a_fault_is_a_page_with_the_form(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        form = {"subscription": DEALS, "change": "opt_in", "key": new_id()}
        status, page = await ben.post(f"/inbox/contacts/{someone.id}/consents", form)
        assert (status, page.one("p", id="how-error").text) == (422, "Choose how they consented.")
        assert page.one("h1")

    async def test_a_no_is_told_before_a_yes_is_written(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        assert "This person opted out on" not in (await ben.look(f"/inbox/contacts/{someone.id}/opt-in/{DEALS}")).text
        no = (await running.bot.ledger.record(change(someone.id, "1", Action.OPT_OUT))).event
        page = await ben.look(f"/inbox/contacts/{someone.id}/opt-in/{DEALS}")
        assert "This person opted out on" in page.text
        assert page.one("input", name="warned_of").attrs["value"] == no.event
        assert page.one("input", name="override").attrs["type"] == "checkbox"

    async def test_only_newer_consent_and_a_confirmed_warning_override_a_no(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        no = (await running.bot.ledger.record(change(someone.id, "1", Action.OPT_OUT))).event
        confirmed = {"warned_of": no.event, "override": "on"}
        status, page = await send(ben, someone, **confirmed, given_at=given(timedelta(days=1)), note="By phone")
        assert (status, "opted out after that" in page.one("p", id="given_at-error").text) == (422, True)
        assert page.one("textarea").text.strip() == "By phone"
        assert page.one("input", id="override").has("checked", "")
        for form in ({"warned_of": no.event}, {"warned_of": "another", "override": "on"}, {}):
            status, page = await send(ben, someone, **form)
            assert (status, "Confirm that they asked" in page.one("p", id="override-error").text) == (422, True)
        assert len(await line(running, someone)) == 1
        assert (await send(ben, someone, **confirmed))[0] == 200
        assert len(await line(running, someone)) == 2

    async def test_a_late_retry_is_told(self, running: Running, ben: Desk) -> None:
        someone, key = await contact(running), new_id()
        await send(ben, someone, key=key)
        await send(ben, someone, change="opt_out")
        status, page = await send(ben, someone, key=key)
        assert (status, "just changed elsewhere" in page.text) == (409, True)

    async def test_what_the_form_does_not_have_is_refused(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        for form in ({"actor": "eve"}, {"key": "x"}, {"change": "confirm"}, {"note": "x" * 1001}, {"how": "guessed"}):
            assert (await send(ben, someone, **form))[0] == 422
        assert (await send(ben, someone, new_id()))[0] == 422
        assert await line(running, someone) == []

    async def test_a_stranger_and_a_forged_token_change_nothing(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        path = f"/inbox/contacts/{someone.id}/consents"
        form = {"subscription": DEALS, "change": "opt_in", "key": new_id(), "how": "spoken"}
        assert (await ben.post(path, {**form, "csrf": "x.y"}))[0] == 403
        assert (await ben.post(path, form, **{"Sec-Fetch-Site": "cross-site"}))[0] == 403
        async with running.session.post(running.base + path, data=form, headers=HTML) as answer:
            assert answer.status == 401
        async with running.session.get(running.base + panel(someone), headers=HX) as answer:
            assert answer.status == 401
            assert not tells_number(await answer.text())
        assert await line(running, someone) == []

    async def test_every_way_of_saying_yes_is_named(self, running: Running, ben: Desk) -> None:
        someone = await contact(running)
        no = None
        for how in How:
            evidence = Evidence(how=how, note="So", given_at=now() + timedelta(seconds=1))
            told = Attestation(by=By("x" * 24, "Eve"), key=how, evidence=evidence, warned_of=no)
            await running.bot.attestations.opt_in(someone.id, DEALS, told, await running.bot.workspace())
            await running.bot.attestations.opt_out(someone.id, DEALS, told)
            no = (await line(running, someone))[-1].event
        said = [li.all("strong")[0].text for li in (await fragment(ben, panel(someone))).all("li", class_="cp-entry")]
        assert said[::2] == ["Opted out by A teammate"] * 4
        assert said[1::2] == [
            "A teammate recorded consent",
            "A teammate recorded written consent",
            "A teammate recorded consent on paper",
            "A teammate recorded verbal consent",
        ]
