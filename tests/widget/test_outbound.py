"""The outbound pages over HTTP: writing, previewing, testing, sending and following a message."""

from __future__ import annotations

import csv
import itertools
import json
from datetime import datetime

import pytest

from bot.demo import DEALS
from bot.jobs import outbound_messages
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.delivery import Delivery, DeliveryState
from bot.model.filter import ContactIs, Filter
from bot.model.outbound_message import AutomaticPause, OutboundMessage, PauseCause
from bot.model.teammate import By
from tests.conftest import eventually
from tests.people import change, person
from tests.widget.desk import Desk
from tests.widget.help import Running, read
from widget.contacts.query import ContactsQuery

HTMX = {"HX-Request": "true"}
NUMBERS = itertools.count(2000)
"""Each test texts phones of its own: at most three marketing texts a day reach one."""
TEXT = "Harbor Coffee: Hi {{first_name|there}}, the Sidamo is back."


@pytest.fixture
async def people(running: Running) -> list[Contact]:
    """Three whom no other test knows: two get it, one doesn't."""
    word = f"z{new_id()}"
    made = [person(new_id(), name=f"Ann{i} {word}", phone=f"+1201555{next(NUMBERS):04d}") for i in (61, 62, 63)]
    await running.store.contacts.insert_many(made)
    for contact in made[:2]:
        await running.bot.ledger.record(change(contact.id, f"in-{contact.id}", number=contact.phone))
    return made


async def draft(running: Running, desk: Desk, people: list[Contact]) -> OutboundMessage:
    """Made as the list of contacts makes one: for those of a filter."""
    filter = Filter(query=(people[0].name or "").split()[1]).as_text()
    assert (await desk.post("/outbound/new", {"filter": filter}))[0] == 303
    return await running.bot.outbound.get(desk.location.rpartition("/")[2])


def form(message: OutboundMessage, **values: str) -> dict[str, str]:
    return {
        "version": str(message.version), "name": "June roast", "subscription": DEALS, "audience": "filter",
        "language": "en", "texts.en": TEXT, "texts.es": "", **values,
    }  # fmt: skip


async def written(running: Running, desk: Desk, people: list[Contact]) -> OutboundMessage:
    message = await draft(running, desk, people)
    assert (await desk.post(f"/outbound/{message.id}", form(message)))[0] == 303
    return await running.bot.outbound.get(message.id)


async def test_the_composer_saves_by_itself_and_shows_what_a_phone_shows(
    running: Running, ada: Desk, people: list[Contact]
) -> None:
    message = await draft(running, ada, people)
    page = await ada.look(f"/outbound/{message.id}")
    assert "selected" in page.one("option", value="filter").attrs
    assert f"“{message.filter.query}”" in page.one("div", id="audience-filter").text
    status, side = await ada.post(f"/outbound/{message.id}", form(message), **HTMX)
    assert (status, side.one("input", name="version").attrs["value"]) == (200, str(message.version + 1))
    bubble = side.one("p", class_="phone-bubble").text
    assert bubble.startswith("Harbor Coffee: Hi Maya, the Sidamo is back.\nReply STOP to opt out.")
    assert "1 segment" in " ".join(side.text.split())
    saved = await running.bot.outbound.get(message.id)
    assert (saved.texts, saved.subscription, saved.filter) == ({"en": TEXT}, DEALS, message.filter)
    status, side = await ada.post(f"/outbound/{message.id}", form(message), **HTMX)
    assert (status, "changed" in side.text, (await running.bot.outbound.get(message.id)).version) == (200, False, 2)
    status, side = await ada.post(f"/outbound/{message.id}", form(message, name="July"), **HTMX)
    assert "Someone else changed this message." in side.text
    assert (await running.bot.outbound.get(message.id)).name == "June roast"


async def test_what_to_mend_is_said_beside_the_text(running: Running, ada: Desk, people: list[Contact]) -> None:
    message = await draft(running, ada, people)
    status, side = await ada.post(
        f"/outbound/{message.id}",
        form(message, subscription="", **{"texts.en": "Hi {{first_nam}} {{name}} – it’s here"}),
        **HTMX,
    )
    text = " ".join(side.text.split())
    assert status == 200
    assert "Choose a subscription." in text
    assert "Unknown variables: first_nam" in text
    assert "Add a fallback for people without a value: \u2066{{name|there}}\u2069" in text
    assert "the message doesn't name Harbor Coffee" in text
    assert "instead of 160: \u2066– ’\u2069" in text
    version = side.one("form").one("input", name="version").attrs["value"]
    assert (await ada.post(f"/outbound/{message.id}/plain", {"version": version}))[0] == 303
    assert (await running.bot.outbound.get(message.id)).texts["en"] == "Hi {{first_nam}} {{name}} - it's here"
    status, page = await ada.post(f"/outbound/{message.id}", form(message, version="x"))
    assert status == 422
    status, page = await ada.post(f"/outbound/{message.id}", form(message, **{"texts.en": "x" * 1201}))
    assert (status, "Too long. Use up to 1200 characters." in page.text) == (422, True)


async def test_the_audience_is_changed_by_the_filter_of_the_contacts(
    running: Running, ada: Desk, people: list[Contact]
) -> None:
    message = await draft(running, ada, people)
    wanted = Filter.of(ContactIs(ids=(people[1].id,)), query=message.filter.query)
    asked = ContactsQuery(wanted, draft=message.id)
    page = await ada.look(asked.address())
    assert page.one("input", name="filter").attrs["value"] == wanted.as_text()
    assert page.one("form", id="message"), "without a script, a page of its own"
    async with ada.session.get(ada.base + asked.address(), headers=HTMX) as answer:
        chips = read(await answer.text())
    assert [a.attrs["aria-label"] for a in chips.all("a", class_="chip-remove")] == [
        f"Remove filter: {wanted.query}", "Remove filter: Selected contacts 1 contact",
    ]  # fmt: skip
    assert (await running.bot.outbound.get(message.id)).filter == message.filter, "looking at it saves nothing"

    assert (await ada.post(f"/outbound/{message.id}", form(message, filter="{")))[0] == 422
    assert (await ada.post(f"/outbound/{message.id}", form(message, filter=wanted.as_text())))[0] == 303
    saved = await running.bot.outbound.get(message.id)
    assert saved.filter == wanted
    text = " ".join((await ada.look(f"/outbound/{message.id}/audience")).text.split())
    assert "1 person would get it now. 1 Will get it" in text

    editor = asked.address("/contacts/filter/apply", kind="has_phone", at="0.")
    async with ada.session.get(ada.base + editor, headers=HTMX) as answer:
        path = json.loads(answer.headers["HX-Trigger"])["filter-applied"]["path"]
    assert "has_phone" in (await ada.look(path)).one("input", name="filter").attrs["value"]


async def test_the_list_of_contacts_leads_to_a_message(running: Running, ada: Desk, people: list[Contact]) -> None:
    word = (people[0].name or "").split()[1]
    page = await ada.look(f"/contacts?q={word}")
    assert page.one("button", formaction="/outbound/new").text.strip() == "Message these people"
    shown = {"filter": Filter(query=word).as_text()}
    for sent, wanted in (
        ({**shown, "id": people[0].id}, Filter.of(ContactIs(ids=(people[0].id,)))),
        ({**shown, "id": people[0].id, "everyone": "1"}, Filter(query=word)),
    ):
        assert (await ada.post("/outbound/new", sent))[0] == 303
        assert (await running.bot.outbound.get(ada.location.rpartition("/")[2])).filter == wanted
    assert (await ada.post("/outbound/new", {"id": "x"}))[0] == 303
    assert await ada.said() == "Invalid value: id."


async def test_the_preview_says_who_gets_it_and_why_others_do_not(
    running: Running, ada: Desk, people: list[Contact]
) -> None:
    message = await written(running, ada, people)
    page = await ada.look(f"/outbound/{message.id}/audience")
    text = " ".join(page.text.split())
    assert "2 people would get it now. 2 Will get it" in text
    assert "1 Not opted in" in text
    assert {a.attrs["href"] for a in page.all("a")} == {f"/contacts/{c.id}" for c in people}
    await ada.post(f"/outbound/{message.id}", form(message, subscription=""))
    assert "Choose a live SMS subscription." in (await ada.look(f"/outbound/{message.id}/audience")).text


async def test_many_are_sampled_first_and_then_counted(
    running: Running, ada: Desk, people: list[Contact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("widget.outbound.audience.FIRST", 2)
    message = await written(running, ada, people)
    path = f"/outbound/{message.id}/audience"
    first = await ada.look(path)
    assert "from a sample of 2 contacts. Counting everyone…" in first.text
    rest = first.one("div", class_="outbound-counting").attrs["hx-get"]
    text = " ".join((await ada.look(rest)).text.split())
    assert ("2 people would get it now." in text, "1 Not opted in" in text, "sample" in text) == (True, True, False)

    monkeypatch.setattr("widget.outbound.audience.EXACT", 2)
    later = {"when": "later", "send_at": f"{now().year + 1}-06-01T09:30"}
    assert (await ada.look(f"{path}?when=local&send_at={later['send_at']}")).one("form").attrs["action"] == (
        f"/outbound/{message.id}/count"
    )
    status, _page = await ada.post(f"/outbound/{message.id}/count", later)
    assert status == 200

    async def is_counted() -> bool:
        page = await ada.look(f"{path}?when=later&send_at={later['send_at']}")
        return "2 people would get it at that time." in page.text and "Counted" in page.text

    await eventually(is_counted)
    assert "Count everyone" in (await ada.look(path)).text, "now is another question"


async def test_the_cost_is_estimated_once_there_are_prices(running: Running, ada: Desk, people: list[Contact]) -> None:
    message = await written(running, ada, people)
    path = f"/outbound/{message.id}/audience"
    assert "Estimated segments: 2." in (await ada.look(path)).text
    price = {"price_country": "US", "price": "0,5", "currency": "eur"}
    for wrong in ({"price": "free"}, {"price": "-1"}, {"currency": "COFFEE"}, {"price_country": "XX"}):
        assert (await ada.post("/settings/senders/prices", {**price, **wrong}))[0] == 422
    assert (await ada.post("/settings/senders/prices", price))[0] == 303
    assert "€0.5" in (await ada.look("/settings/senders")).text
    assert "Estimated cost: €1.00 (segments: 2)." in (await ada.look(path)).text
    for status in (303, 404):
        assert (await ada.post("/settings/senders/prices/US/remove", {}))[0] == status
    assert "Estimated segments: 2." in (await ada.look(path)).text


async def test_each_can_get_it_at_their_own_time(running: Running, ada: Desk, people: list[Contact]) -> None:
    message = await written(running, ada, people)
    local = {"version": str(message.version), "when": "local", "send_at": f"{now().year + 1}-06-01T09:30"}
    asked = f"/outbound/{message.id}/audience?when=local&send_at={local['send_at']}"
    assert "Everyone will get it by" in (await ada.look(asked)).text
    status, page = await ada.post(f"/outbound/{message.id}/send", {**local, "send_at": "2020-06-01T09:30"})
    assert (status, "Choose a time in the future." in page.text) == (422, True)
    for when in ("local", "later"):
        wrong = {**local, "when": when, "send_at": "9999-12-31T23:59"}
        status, page = await ada.post(f"/outbound/{message.id}/send", wrong)
        assert (status, "Choose a date and time." in page.text) == (422, True)
        assert (await ada.get(f"/outbound/{message.id}/audience?when={when}&send_at=9999-12-31T23:59"))[0] == 200
    assert (await ada.post(f"/outbound/{message.id}/send", local))[0] == 303
    page = await ada.look(f"/outbound/{message.id}")
    assert page.one("span", role="status").text == "Scheduled"
    assert "each person's local time. Everyone will get it by" in " ".join(page.text.split())
    assert (await running.bot.outbound.get(message.id)).local_at == local["send_at"]
    assert (await ada.get("/outbound"))[0] == 200


async def test_it_is_sent_and_followed_to_each_phone(
    running: Running, ada: Desk, people: list[Contact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound_messages, "CONFIRMED_ABOVE", 1)
    monkeypatch.setattr("widget.outbound.compose.CONFIRMED_ABOVE", 1)
    message = await draft(running, ada, people)
    assert (await ada.post(f"/outbound/{message.id}/review", form(message)))[0] == 303
    page = await ada.look(ada.location)
    version = page.one("input", name="version").attrs["value"]
    assert "Type 2 to confirm." in page.text
    status, page = await ada.post(f"/outbound/{message.id}/send", {"version": version, "when": "now", "confirmed": "3"})
    assert (status, "Type 2 to confirm." in page.one("p", id="confirmed-error").text) == (422, True)
    assert "Nothing was sent." in page.one("div", role="alert").text
    assert not page.all("p", id="confirmed-hint"), "it would say the same"
    status, page = await ada.post(f"/outbound/{message.id}/send", {"version": version, "when": "later", "send_at": "x"})
    assert (status, "Choose a date and time." in page.text) == (422, True)
    ordered = {"version": version, "when": "now", "send_at": "", "confirmed": "2"}
    assert (await ada.post(f"/outbound/{message.id}/send", ordered))[0] == 303
    assert await ada.said() == "Sending has started."
    assert (await ada.post(f"/outbound/{message.id}/send", ordered))[0] == 303, "a second click"
    assert ada.location == f"/outbound/{message.id}"

    async def has_left() -> bool:
        found = await running.store.deliveries.of_message(message.id, limit=9)
        return len(found) == 2 and all(d.state is DeliveryState.SENT for d in found)

    await eventually(has_left)

    async def is_shown_as_sent() -> bool:
        return (await ada.look(f"/outbound/{message.id}/delivery")).one("span", role="status").text == "Sent"

    await eventually(is_shown_as_sent)
    page = await ada.look(f"/outbound/{message.id}")
    newest = page.one("section", aria_labelledby="texts-title")
    assert {row.one("th").text.strip() for row in newest.one("tbody").all("tr")} == {c.name for c in people[:2]}
    live = (await ada.look(f"/outbound/{message.id}/delivery")).one("section", id="newest")
    assert [cell.text for cell in live.all("td", data_label="Result")] == ["Sent", "Sent"]
    assert "Included: 2" in page.text
    row = next(r for r in (await ada.look("/outbound")).one("tbody").all("tr") if "June roast" in r.text)
    assert "Sent" in row.text


async def test_a_large_audience_is_counted_before_its_number_is_typed(
    running: Running, ada: Desk, people: list[Contact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbound_messages, "CONFIRMED_ABOVE", 1)
    monkeypatch.setattr("widget.outbound.compose.CONFIRMED_ABOVE", 1)
    monkeypatch.setattr("bot.jobs.audience_counts.ASKED", 1)
    message = await written(running, ada, people)
    path = f"/outbound/{message.id}/send"
    page = await ada.look(path)
    assert "We count the whole audience first" in page.text
    send = page.one("main").all("button", class_="btn--brand")[-1]
    assert "disabled" in send.attrs
    ordered = {"version": str(message.version), "when": "now", "confirmed": "3"}
    status, page = await ada.post(path, ordered)
    assert (status, "Try again when the count is done." in page.text) == (422, True)
    assert (await ada.post(f"{path}/count", {}))[0] == 303

    async def is_counted() -> bool:
        return "Type 2 to confirm." in (await ada.look(f"{path}/count")).text

    await eventually(is_counted)
    assert (await ada.post(path, {**ordered, "confirmed": "2"}))[0] == 303


async def test_one_that_is_scheduled_can_be_canceled(running: Running, ada: Desk, people: list[Contact]) -> None:
    message = await written(running, ada, people)
    later = {"version": str(message.version), "when": "later", "send_at": f"{now().year + 1}-06-01T09:30"}
    assert (await ada.post(f"/outbound/{message.id}/send", later))[0] == 303
    page = await ada.look(f"/outbound/{message.id}")
    assert page.one("span", role="status").text == "Scheduled"
    for _press in range(2):
        assert (await ada.post(f"/outbound/{message.id}/cancel", {}))[0] == 303
    assert (await ada.look(f"/outbound/{message.id}")).one("span", role="status").text == "Canceled"
    assert (await ada.get(f"/outbound/{message.id}/send"))[0] == 303


async def test_a_test_goes_to_the_number_that_was_typed(running: Running, ada: Desk, people: list[Contact]) -> None:
    message = await written(running, ada, people)
    status, page = await ada.post(f"/outbound/{message.id}/test", {"number": "12", "key": new_id()})
    assert (status, "12" in page.one("input", id="number").attrs["value"]) == (422, True)
    assert "Too short: numbers in the United States" in page.one("p", id="number-error").text
    assert page.one("input", id="name").attrs["value"] == message.name, "the message is still there"
    assert (await ada.post(f"/outbound/{message.id}/test", {"number": "(201) 555-0164", "key": new_id()}))[0] == 303
    assert await ada.said() == "Test sent to +12015550164."

    async def is_there() -> bool:
        return any("Hi there" in text.body for text in await running.bot.phone.texts("+12015550164"))

    await eventually(is_there)


async def test_drafts_are_duplicated_and_deleted(running: Running, ada: Desk, people: list[Contact]) -> None:
    message = await written(running, ada, people)
    assert (await ada.post(f"/outbound/{message.id}/duplicate", {}))[0] == 303
    copy = ada.location.rpartition("/")[2]
    assert (await running.bot.outbound.get(copy)).texts == message.texts
    assert (await ada.post(f"/outbound/{copy}/delete", {}))[0] == 303
    assert (await ada.get(f"/outbound/{copy}"))[0] == 404


async def test_agents_do_not_send(running: Running, ben: Desk, ada: Desk, people: list[Contact]) -> None:
    message = await written(running, ada, people)
    for path in ("/outbound", f"/outbound/{message.id}", f"/outbound/{message.id}/audience"):
        assert (await ben.get(path))[0] == 403
    for act in ("/send", "/test", "/cancel", "/delete", ""):
        assert (await ben.post(f"/outbound/{message.id}{act}", form(message)))[0] == 403
    assert "/outbound" not in {a.attrs["href"] for a in (await ben.look("/inbox")).all("a")}


async def test_a_short_link_redirects_to_the_stored_address_alone(
    running: Running, ada: Desk, people: list[Contact]
) -> None:
    message = await draft(running, ada, people)
    text = "Harbor Coffee: https://shop.example/a?b=caf\u00e9 and that's it"
    wanted = form(message, counts_clicks="on", **{"texts.en": text})
    status, side = await ada.post(f"/outbound/{message.id}", wanted, **HTMX)
    assert (status, "/l/" in side.one("p", class_="phone-bubble").text) == (200, True)
    message = await running.bot.outbound.get(message.id)
    await running.bot.outbound.order(message.id, message.version, By("ada", "Ada"))
    (copy, _other) = await eventually(lambda: _all_sent(running, message, 2))
    link = running.bot.deliveries.links.short_urls(copy, 1)[0].rpartition("/")[2]

    async def get(path: str, method: str = "GET", **headers: str) -> tuple[int, str]:
        url = f"{running.base}/l/{path}"
        async with running.session.request(method, url, headers=headers, allow_redirects=False) as answer:
            return answer.status, answer.headers.get("Location", "")

    async def clicked() -> bool:
        found = await running.store.deliveries.get(copy.id)
        return found is not None and found.clicked_at is not None

    there = (302, "https://shop.example/a?b=caf%C3%A9")
    phone = {"User-Agent": "Mozilla/5.0 (iPhone) Safari/604.1"}
    assert await get(link, "HEAD", **phone) == there
    assert await get(link, **{"User-Agent": "Slackbot-LinkExpanding 1.0"}) == there
    assert await get(link, **phone, Purpose="prefetch") == there
    assert not await clicked()
    for pasted in (f"{link}.", f"{link})", f"{link}/", f"{link},", f"{link}%3E", link):
        assert await get(pasted, **phone) == there
    assert await clicked()
    assert (await get(f"{link}x?to=https://evil.example", **phone))[0] == 404
    assert (await get(f"{link}?to=https://evil.example", **phone)) == there


async def _all_sent(running: Running, message: OutboundMessage, count: int) -> list[Delivery] | None:
    found = await running.store.deliveries.of_message(message.id, limit=9)
    return found if [d.state for d in found] == [DeliveryState.SENT] * count else None


async def test_the_report_has_figures_a_chart_with_its_table_and_each_text_its_story(
    running: Running, ada: Desk, people: list[Contact]
) -> None:
    message = await draft(running, ada, people)
    await ada.post(f"/outbound/{message.id}", form(message))
    message = await running.bot.outbound.get(message.id)
    await running.bot.outbound.order(message.id, message.version, By("ada", "Ada"))
    copy, _other = await eventually(lambda: _all_sent(running, message, 2))
    await running.store.deliveries.note_first([(copy.id, "replied_at", now())])
    running.bot.figures._kept.clear()
    page = await ada.look(f"/outbound/{message.id}")
    figures = page.one("dl", class_="figures")
    told = {tile.one("dt").text: tile.one("dd").text for tile in figures.all("div")}
    replies = {"Opt-outs": "0", "Replies": "1 50.0%"}
    assert told == {"Sent": "2", "Delivered": "2 100.0%", "Failed": "0", **replies, "Segments": told["Segments"]}
    assert int(told["Segments"]) >= 2
    sent, answers = page.all("figure", class_="chart")
    for chart, counts in ((sent, [2, 2]), (answers, [1])):
        rows = [[int(cell.text) for cell in row.all("td")] for row in chart.one("tbody").all("tr")]
        assert [sum(column) for column in zip(*rows, strict=True)] == counts
        assert len(chart.all("rect")) == sum(n > 0 for row in rows for n in row), "a bar for each number"
    listing = await ada.look(f"/outbound/{message.id}/deliveries?state=sent")
    assert f"/contacts/{copy.contact}" in [a.attrs["href"] for a in listing.one("tbody").all("a")]
    assert "No texts." in (await ada.look(f"/outbound/{message.id}/deliveries?state=failed")).text
    story = await ada.look(f"/outbound/deliveries/{copy.id}")
    steps = [step.text for step in story.all("li", class_="story-step")]
    titles = ("Queued", "Permission checked", "Handed over to the provider", "Replied")
    assert [any(title in step for title in titles) for step in steps] == [True] * 4
    assert copy.event in steps[1]
    assert copy.body_hash
    assert copy.body_hash in steps[1]
    assert copy.local_times
    assert [f"{datetime.fromisoformat(at):%-I:%M:%S}" in steps[1] for at in copy.local_times] == [True]
    assert "GMT-0" in steps[1], "it is the person's time"
    profile = await ada.look(f"/contacts/{copy.contact}")
    assert f"/outbound/deliveries/{copy.id}" in [a.attrs.get("href") for a in profile.all("a")]
    assert (await ada.get("/outbound/deliveries/outbound:none"))[0] == 404


async def test_the_texts_are_a_table_for_a_spreadsheet(running: Running, ada: Desk, people: list[Contact]) -> None:
    message = await draft(running, ada, people)
    await ada.post(f"/outbound/{message.id}", form(message))
    message = await running.bot.outbound.get(message.id)
    await running.bot.outbound.order(message.id, message.version, By("ada", "Ada"))
    copy, _other = await eventually(lambda: _all_sent(running, message, 2))
    async with ada.session.get(f"{running.base}/outbound/{message.id}/deliveries.csv") as answer:
        rows = list(csv.DictReader((await answer.text()).splitlines()))
    assert {row["contact"] for row in rows} == {contact.id for contact in people[:2]}
    mine = next(row for row in rows if row["contact"] == copy.contact)
    assert (mine["number"], mine["result"], mine["consent_event"]) == (f"'{copy.number}", "sent", copy.event)
    assert (int(mine["segments"]), mine["cost"]) == (copy.segments, "")


async def test_one_that_paused_itself_says_why_in_the_list_and_on_its_page(
    running: Running, ada: Desk, people: list[Contact]
) -> None:
    message = await written(running, ada, people)
    later = {"version": str(message.version), "when": "later", "send_at": f"{now().year + 1}-06-01T09:30"}
    assert (await ada.post(f"/outbound/{message.id}/send", later))[0] == 303
    await ada.post(f"/outbound/{message.id}/pause", {})
    pause = AutomaticPause(cause=PauseCause.OPT_OUTS, count=12, of=180, most=5, at=now())
    await running.store.outbound_messages.note_pause(message.id, pause)
    why = "Paused automatically: 12 of 180 texts led to an opt-out (6.7%). The limit is 5%."
    assert why in (await ada.look("/outbound")).text
    page = await ada.look(f"/outbound/{message.id}")
    assert why in page.text
    assert "Resume anyway" in [button.text.strip() for button in page.all("button")]
    assert (await ada.post(f"/outbound/{message.id}/resume", {}))[0] == 303
    assert why not in (await ada.look("/outbound")).text
    (noted,) = (await running.bot.outbound.get(message.id)).pauses
    assert noted.resumed_by == "Ada"
    await ada.post(f"/outbound/{message.id}/cancel", {})


async def test_settings_and_metrics_show_the_queue(running: Running, ada: Desk) -> None:
    page = await ada.look("/settings/delivery")
    assert page.one("nav", class_="subnav")
    labels = [term.text for term in page.one("dl", class_="figures").all("dt")]
    assert labels == ["Due now", "Longest wait", "Waiting in total", "Result pending", "Unconfirmed in 24 hours"]
    async with running.session.get(f"{running.base}/metrics") as answer:
        text = await answer.text()
    for name in ("waiting", "due", "oldest_due_seconds", "unacknowledged", "unknown_today"):
        assert f"\nsayso_texts_{name} " in text
