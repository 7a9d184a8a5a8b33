"""The list of contacts: filter, order, columns, pages and counts, all of it in the address."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest

from bot.contacts import finder
from bot.demo import DEALS, ORDERS
from bot.model.base import new_id
from bot.model.contact import ConsentState
from bot.model.filter import ConsentIs, Filter, Textable
from bot.model.teammate import TeammateRole
from tests.people import AT, NUMBER, change
from tests.widget.admins import new_teammate
from tests.widget.contacts.people import circle, ids, row
from tests.widget.desk import HTML, Desk
from tests.widget.help import Node, Running, read

STAMPS = [AT + timedelta(minutes=minutes) for minutes in range(3)]


def main(page: Node) -> str:
    return " ".join(page.one("main").text.split())


async def test_it_shows_who_matches_with_their_consents(ben: Desk, running: Running) -> None:
    people = await circle(running, {"name": "Grace Hopper"}, {"name": "Ada"})
    grace, ada = people.contacts
    await running.bot.ledger.record(change(grace.id, new_id(), number=NUMBER))
    page = await ben.look(people.path(columns=f"subscription:{DEALS},subscription:{ORDERS}"))
    assert "2 contacts" in main(page)
    assert "Opted in" in row(page, grace).text
    assert "On by default" in row(page, grace).text, "orders are opt-out"
    assert "Opted in" not in row(page, ada).text
    assert row(page, grace).one("a").attrs["href"] == f"/contacts/{grace.id}"

    opted_in = ConsentIs(subscription=DEALS, states=(ConsentState.OPTED_IN,))
    page = await ben.look(people.path("/contacts", opted_in))
    assert ids(page) == [grace.id]
    assert "Deals and new roasts" in page.one("section", class_="filters").text


async def test_pages_go_on_by_key_and_skip_nobody(ada: Desk, running: Running) -> None:
    """All were created at the same three moments, and some have the same name."""
    people = await circle(running, *({"name": f"Person {i % 7}", "created_at": STAMPS[i % 3]} for i in range(120)))
    for sort in ("created", "-created", "name", "-name", "last_seen"):
        page, found = await ada.look(people.path(sort=sort)), list[str]()
        while True:
            found += ids(page)
            more = page.all("tr", id="more-rows")
            if not more:
                break
            link = more[0].one("a")
            rows = read(await _fragment(ada, link.attrs["hx-get"]))
            page = await ada.look(link.attrs["href"])
            assert ids(rows) == ids(page)
        assert len(found) == 120, sort
        assert set(found) == {contact.id for contact in people.contacts}, sort


async def _fragment(desk: Desk, path: str) -> str:
    async with desk.session.get(desk.base + path, headers={"HX-Request": "true"}) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_the_order_is_a_link_in_the_head(ada: Desk, running: Running) -> None:
    people = await circle(running, {"name": "Cy"}, {"name": "Ada"}, {"name": "Ben"})
    page = await ada.look(people.path())
    assert [h.text.strip() for h in page.all("th", aria_sort="descending")] == ["Created"]
    (link,) = [a for a in page.all("a", class_="sort") if a.text.strip() == "Name"]
    page = await ada.look(link.attrs["href"])
    assert [page.one("tr", id=f"contact-{id}").one("a").text for id in ids(page)] == ["Ada", "Ben", "Cy"]
    (link,) = [a for a in page.all("a", class_="sort") if a.text.strip() == "Name"]
    page = await ada.look(link.attrs["href"])
    assert [page.one("tr", id=f"contact-{id}").one("a").text for id in ids(page)] == ["Cy", "Ben", "Ada"]


async def test_columns_are_chosen_in_the_address(ada: Desk, running: Running) -> None:
    people = await circle(running, {"name": "Ada", "email": "ada@shop.example", "external_id": f"u-{new_id()}"})
    page = await ada.look(people.path(columns="email,tags,external_id,unknown,subscription:gone"))
    heads = [h.text.strip() for h in page.one("thead").all("th")]
    assert heads == ["Name", "Email", "Tags", "User ID"]
    cells = [" ".join(td.text.split()) for td in row(page, people.contacts[0]).all("td")[1:]]
    assert cells == ["ada@shop.example", people.tag.name, people.contacts[0].external_id]
    ticked = [
        box.attrs["value"] for box in page.all("input", name="columns", type="checkbox") if "checked" in box.attrs
    ]
    assert ticked == ["email", "tags", "external_id"], "in their order"


async def test_a_column_says_who_can_be_texted_now_and_why_not(ada: Desk, running: Running) -> None:
    people = await circle(running, {"name": "Ada"}, {"name": "Ben"}, {"name": "Cy"}, {"name": "Dee"})
    yes, _silent, stopped, started = people.contacts
    free, lost, again = "+12015550241", "+12015550242", "+12015550243"
    for contact, number in ((yes, free), (stopped, lost), (started, again)):
        await running.bot.ledger.record(change(contact.id, new_id(), number=number))
    try:
        await running.bot.stops.stop(lost, "STOP", new_id())
        await running.bot.stops.stop(again, "STOP", new_id())
        await running.bot.stops.lift(again, "START", new_id())
        page = await ada.look(people.path(columns=f"textable:{DEALS}"))
        assert page.one("thead").all("th")[-1].text.strip().startswith("Can be texted now: ")
        cells = {c.id: row(page, c).all("td")[-1].one("span", class_="badge") for c in people.contacts}
        assert [cells[c.id].text for c in people.contacts] == ["Yes", "No", "No", "No"]
        reasons = [cells[c.id].attrs["title"] for c in people.contacts]
        assert [reason.split()[0] for reason in reasons] == ["Opted", "There's", "This", "Opted"]
        found = await ada.look(people.path("/contacts", Textable(subscription=DEALS)))
        assert ids(found) == [yes.id], "as the filter"
    finally:
        await running.bot.stops.lift(lost, "START", new_id())


async def test_chosen_columns_are_kept_for_the_teammate_and_can_be_shared(running: Running, ada: Desk) -> None:
    people = await circle(running, {"name": "Ada", "email": "ada@shop.example"})
    filter = people.filter().as_text()
    async with new_teammate(running, TeammateRole.AGENT) as eve:
        form = {"filter": filter, "columns": "tags,email,unknown", "sort": "name"}
        assert (await eve.desk.post("/contacts/columns", form))[0] == 303
        assert eve.desk.location.endswith("&sort=name&columns=tags,email")
        for path, desk, heads in (
            (people.path(columns="tags,email"), eve.desk, ["Name", "Tags", "Email"]),
            (people.path(columns="role"), eve.desk, ["Name", "Role"]),
            (eve.desk.location, ada, ["Name", "Tags", "Email"]),
        ):
            page = await desk.look(path)
            assert [h.text.strip() for h in page.one("thead").all("th")] == heads
        async with eve.desk.session.get(eve.desk.base + people.path(sort="name"), headers=HTML) as answer:
            assert answer.url.query["columns"] == "tags,email", "the address shows others the same"
            assert answer.url.query["sort"] == "name"
        assert "Email" not in (await ada.look(people.path())).one("thead").text
        await eve.desk.post("/contacts/columns", {"filter": filter})
        assert "Last seen" in (await eve.desk.look(people.path())).one("thead").text, "the usual ones again"


@pytest.mark.parametrize("words", ["(201) 555-0123", "+1 201 555 0123", "2015550123", "grace.h@shop", "hopper"])
async def test_one_search_finds_by_name_email_and_number_in_any_format(ada: Desk, running: Running, words: str) -> None:
    values = {"name": "Grace Hopper", "email": "grace.h@shop.example", "phone": NUMBER}
    people = await circle(running, values, {"name": "Ben"})
    page = await ada.look(people.path(q=words))
    assert ids(page) == [people.contacts[0].id]
    assert page.one("input", type="search", name="q").attrs["value"] == words


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ({"filter": "x"}, 422, "This filter is invalid."),
        ({"filter": '{"groups": 1}'}, 422, "This filter is invalid."),
        ({"filter": '{"groups":[{"conditions":[{"field":"age"}]}]}'}, 422, "This filter is invalid."),
        ({"filter": Filter.of(ConsentIs(subscription="gone", states=(ConsentState.PENDING,))).as_text()}, 422,
         "no longer exists"),
        ({"segment": "0" * 24}, 404, "This segment doesn't exist or was archived."),
        ({"before": "x"}, 422, "Couldn't load more."),
    ],
)  # fmt: skip
async def test_an_address_that_makes_no_sense_says_so(ada: Desk, query: dict[str, str], status: int, told: str) -> None:
    answered, page = await ada.get(f"/contacts?{urlencode(query)}")
    assert (answered, ids(page)) == (status, [])
    assert told in main(page)
    assert any(a.attrs["href"] == "/contacts" for a in page.one("main").all("a"))


async def test_a_count_is_exact_up_to_a_bound_and_then_an_estimate(
    ada: Desk, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = await circle(running, *({} for _ in range(12)))
    page = await ada.look(people.path())
    assert page.one("p", class_="selection-count").text == "12 contacts"
    assert page.one("button", id="select-everyone").text == "Select all 12"
    monkeypatch.setattr(finder, "NARROW", 5)
    monkeypatch.setattr(finder, "SAMPLE", 1)
    page = await ada.look(people.path())
    assert re.fullmatch(r"About [\d,]+ contacts", page.one("p", class_="selection-count").text)
    assert page.one("button", id="select-everyone").text.startswith("Select all (about ")


async def test_an_empty_list_says_what_to_do(ada: Desk, running: Running) -> None:
    people = await circle(running)
    assert "No contacts match" in main(await ada.look(people.path()))
    people = await circle(running, {"name": "Ada"})
    (ada_,) = people.contacts
    assert "No contacts match" in main(await ada.look(people.path(q="nobody at all")))
    page = await ada.look(people.path(before=f"2000-01-01T00:00:00.000Z,{ada_.id}"))
    assert "This is the end of the list." in main(page)


async def test_a_stopped_number_shows_on_its_rows(ada: Desk, running: Running) -> None:
    number = "+12015550158"
    people = await circle(running, {"name": "Ada"})
    (contact,) = people.contacts
    await running.bot.ledger.record(change(contact.id, new_id(), number=number))
    await running.bot.receive(number, "STOP", new_id())
    assert "Texted STOP" in row(await ada.look(people.path()), contact).text
    await running.bot.receive(number, "START", new_id())


async def test_the_navigation_and_the_search_lead_here(ben: Desk, running: Running) -> None:
    page = await ben.look("/contacts")
    assert page.one("nav", class_="rail").one("a", aria_current="page").attrs["href"] == "/contacts"
    hits = await ben.look(f"/search?q={quote('contacts')}")
    assert "/contacts" in [a.attrs.get("href") for a in hits.one("main").all("a")]
