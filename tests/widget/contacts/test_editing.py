"""Editing the filter by forms, and segments: saved, renamed, duplicated, archived."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from bot.demo import DEALS
from bot.model.audit import AuditAction
from bot.model.base import new_id
from bot.model.contact import Role
from bot.model.filter import Filter, RoleIs
from bot.model.flow import Flow, FlowVersion, version_id
from bot.workspace.audit import AuditFilter
from tests.people import AT
from tests.widget.contacts.people import circle, ids
from tests.widget.desk import Desk
from tests.widget.help import Node, Running

LEADS = Filter.of(RoleIs(roles=(Role.LEAD,)))


def filter_of(location: str) -> Filter:
    return Filter.from_text(parse_qs(urlsplit(location).query)["filter"][0])


async def test_a_condition_is_added_and_changed_without_scripts(ada: Desk) -> None:
    page = await ada.look("/contacts")
    kinds = await ada.look(page.one("a", id="add-filter").attrs["href"])
    assert kinds.one("div", class_="kinds").all("a")[0].text == "Subscription opt-ins"
    editor = await ada.look(kinds.one("div", class_="kinds").all("a")[0].attrs["href"])
    form = editor.one("main").one("form")
    hidden = {field.attrs["name"]: field.attrs["value"] for field in form.all("input", type="hidden")}
    path = form.attrs["action"]

    status, page = await ada.get(f"{path}?{urlencode({**hidden, 'subscription': DEALS})}")
    assert status == 422
    assert "Choose at least one." in page.text
    (chosen,) = [o for o in page.one("select", name="subscription").all("option") if "selected" in o.attrs]
    assert chosen.attrs["value"] == DEALS

    location = await _leads(ada, f"{path}?{urlencode({**hidden, 'subscription': DEALS, 'states': 'opted_in'})}")
    (condition,) = filter_of(location).conditions
    assert condition.model_dump()["states"] == ("opted_in",)

    chip = (await ada.look(location)).one("a", class_="chip-words")
    assert chip.text == "Deals and new roasts opted in"
    ticked = [
        box.attrs["value"] for box in (await ada.look(chip.attrs["href"])).all("input", name="states", checked="")
    ]
    assert ticked == ["opted_in"]


async def _leads(desk: Desk, path: str, **headers: str) -> str:
    async with desk.session.get(desk.base + path, headers=headers, allow_redirects=False) as answer:
        return answer.headers.get("Location") or answer.headers["HX-Redirect"]


async def test_a_dialog_is_answered_with_the_address_of_the_list(ada: Desk) -> None:
    query = urlencode({"at": "", "kind": "role", "roles": "lead"})
    location = await _leads(ada, f"/contacts/filter/apply?{query}", **{"HX-Request": "true"})
    assert filter_of(location) == LEADS


async def test_a_place_or_kind_that_is_none_is_refused(ada: Desk) -> None:
    for query, status in (({"at": "7."}, 422), ({"at": "x"}, 422), ({"kind": "age"}, 404), ({"filter": "x"}, 422)):
        assert (await ada.get(f"/contacts/filter?{urlencode(query)}"))[0] == status
        assert (await ada.get(f"/contacts/filter/apply?{urlencode({'kind': 'stopped', **query})}"))[0] == status


class TestSegments:
    async def test_one_is_saved_shown_and_changed(self, ben: Desk, running: Running) -> None:
        people, name = await circle(running, {"role": Role.LEAD}, {"role": Role.USER}), f"Leads {new_id()}"
        form = {"name": name, "filter": people.filter(RoleIs(roles=(Role.LEAD,))).as_text()}
        status, _ = await ben.post("/contacts/segments", form)
        path = ben.location
        assert status == 303
        page = await ben.look(path)
        assert "filter" not in path, "the segment can change"
        assert ids(page) == [people.contacts[0].id]
        assert page.one("span", class_="views-current").text == name

        id = path.rpartition("=")[2]
        await ben.post(f"/contacts/segments/{id}/filter", {"filter": people.filter().as_text()})
        assert len(ids(await ben.look(path))) == 2
        # Whoever looks for more in it is not in it any more, until they save it.
        page = await ben.look(f"{path}&{urlencode({'filter': LEADS.as_text()})}")
        assert "Save changes" in page.one("main").text

    async def test_names_are_unique_and_needed(self, ada: Desk) -> None:
        name = f"Twins {new_id()}"
        for number, (typed, status) in enumerate(((name, 303), (name.upper(), 422), ("", 422))):
            answered, page = await ada.post("/contacts/segments", {"name": typed, "filter": LEADS.as_text()})
            assert answered == status, number
        assert page.one("input", type="hidden", name="filter").attrs["value"] == LEADS.as_text()

    async def test_one_is_renamed_duplicated_archived_and_restored(self, ada: Desk, running: Running) -> None:
        name = f"Old {new_id()}"
        await ada.post("/contacts/segments", {"name": name, "filter": LEADS.as_text()})
        id = ada.location.rpartition("=")[2]
        here, name = f"/contacts/segments/{id}", f"New {new_id()}"
        await ada.post(f"{here}/rename", {"name": name})
        page = await ada.look(here)
        assert (page.one("h1").text, f"/contacts?segment={id}" in _values(page)) == (name, True)
        assert "Role is Lead" in page.one("main").text
        assert "No message or bot uses this segment." in page.one("main").text
        await ada.post(f"{here}/duplicate", {})
        assert (await ada.look(ada.location)).one("h1").text == f"{name} 2"
        await _paused_flow(running, f"Bot {name}", [{"kind": "branch", "if": {"segment": id}}])
        assert f"Bot {name}" in (await ada.look(here)).one("main").text
        await ada.post(f"{here}/archive", {})
        assert (await ada.get(f"/contacts?segment={id}"))[0] == 404
        assert (await ada.get(here))[0] == 404
        assert f"Restore {name}" in {
            b.attrs.get("aria-label") for b in (await ada.look("/contacts/segments")).all("button")
        }
        await ada.post(f"{here}/restore", {})
        assert (await ada.get(f"/contacts?segment={id}"))[0] == 200
        log = await running.bot.audit.page(AuditFilter())
        assert [entry.action for entry in log.items if entry.subject == name][:2] == [
            AuditAction.SEGMENT_RESTORED,
            AuditAction.SEGMENT_ARCHIVED,
        ]

    async def test_the_search_finds_it(self, ben: Desk) -> None:
        name = f"Regulars {new_id()}"
        await ben.post("/contacts/segments", {"name": name, "filter": LEADS.as_text()})
        hits = await ben.look(f"/search?{urlencode({'q': name})}")
        assert ben.location in [a.attrs.get("href") for a in hits.one("main").all("a")]


async def _paused_flow(running: Running, name: str, steps: list[dict[str, Any]]) -> None:
    flow = Flow(id=new_id(), name=name, state="paused", created_at=AT, updated_at=AT)
    await running.store.flows.insert(flow)
    version = FlowVersion(id=version_id(flow.id, 1), flow=flow.id, version=1, document={"steps": steps}, created_at=AT)
    await running.store.flow_versions.insert(version)


def _values(page: Node) -> str:
    return " ".join(field.attrs.get("value", "") for field in page.all("input"))
