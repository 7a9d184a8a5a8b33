"""Flows by API: checked, created, published, switched. Nothing faulty is saved, and each fault has its place."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.testing import CliRunner

from bot.flows.counting import day_of
from bot.flows.drafts import LONGEST_NAME
from bot.flows.schema import schema
from bot.model.base import new_id, now
from bot.model.teammate import By
from bot.store.flow_days import FlowDayKey
from tests.widget.api.client import ApiClient, Reply
from tests.widget.desk import HTML, at_desk
from tests.widget.help import Running, read
from widget import cli
from widget.api.flows import LARGEST

Json = dict[str, Any]
SAY: Json = {"kind": "say", "id": "hi", "text": "Hi"}


def flow(*steps: Json, **values: Any) -> Json:
    return {"format": 1, "name": "Greeting", "steps": [*steps] or [SAY], **values}


def go_to(step: str) -> Json:
    return {"kind": "go_to", "id": "again", "step": step}


async def created(api: ApiClient, **values: Any) -> str:
    reply = await api.post("/flows", {"document": flow(), **values})
    assert reply.status == 200
    return str(reply.body["id"])


def faults(reply: Reply) -> list[tuple[str | None, str]]:
    return [(error["field"], error["message"]) for error in reply.body["errors"]]


HOSTILE = [
    (flow(SAY, SAY), "steps[1].id", 'Another step has the ID "hi". Use a unique ID.'),
    (flow(go_to("gone")), "steps[0].step", 'There is no step "gone" in this flow. Choose another step.'),
    (
        flow(SAY, go_to("hi")),
        "steps[1]",
        'This repeats the steps from "hi" on without waiting. Add a question, a form or a wait between them.',
    ),
    (flow({**SAY, "texts": "Hi"}), "steps[0].texts", 'Unknown field "texts". Remove it, or check its spelling.'),
    (flow({**SAY, "text": "<b>Hi</b>"}), "steps[0].text", "HTML isn't supported: remove <b> from this text."),
    (flow({**SAY, "text": "x" * 400_000}), "steps[0].text", "Shorten this text to 4000 characters."),
]


@pytest.mark.parametrize(("document", "path", "message"), HOSTILE)
async def test_a_faulty_flow_is_refused_with_the_place_of_each_fault(
    api: ApiClient, document: Json, path: str, message: str
) -> None:
    id = await created(api)
    checked = await api.post("/flows/check", {"document": document})
    assert (checked.status, checked.body["valid"]) == (200, False)
    told = [(f["path"], f["message"]) for f in checked.body["faults"] if f["severity"] == "error"]
    assert told == [(path, message)]
    for reply in (
        await api.post("/flows", {"document": document}),
        await api.post(f"/flows/{id}/publish", {"document": document}),
    ):
        assert (reply.status, {*reply.codes}) == (422, {"flow_faulty"})
        assert faults(reply) == told
    assert (await api.get(f"/flows/{id}")).body["version"] == 1


@pytest.mark.parametrize(
    ("document", "path", "message"),
    [*HOSTILE, (flow({**SAY, "text": "x" * 1_000_000}), "", "This file is too large (1,000 kB).")],
)
async def test_page_and_command_line_say_the_same(
    running: Running, tmp_path: Path, document: Json, path: str, message: str
) -> None:
    file, text = tmp_path / "flow.json", json.dumps(document)
    file.write_text(text, encoding="utf-8")
    ran = await asyncio.to_thread(CliRunner().invoke, cli.app, ("flow", "check", str(file)))
    (line,) = [line for line in ran.stderr.splitlines() if line.startswith("Error: ")]
    assert ran.exit_code == 1
    assert line.startswith(f"Error: {path}")
    assert message in line
    async with at_desk(running.base) as desk:
        data = aiohttp.FormData({"csrf": await desk.csrf(), "key": new_id()})
        data.add_field("file", text.encode(), filename="flow.json")
        async with desk.session.post(f"{running.base}/bots/-/import", data=data, headers=HTML) as answer:
            page = read(await answer.text())
        assert answer.status == 422
        assert line.removeprefix("Error: ") in " ".join(page.one("ul", id="faults").text.split())


async def test_a_body_that_is_no_flow_is_refused(api: ApiClient) -> None:
    id = await created(api)
    for path in ("/flows", "/flows/check", f"/flows/{id}/publish"):
        large = await api.post(path, json.dumps({"document": flow({**SAY, "text": "x" * 1_000_000})}).encode())
        assert large.error == (413, "request_too_large", f"The body has more than {LARGEST} bytes.")
        assert (await api.post(path, {"document": []})).codes == ["type_mismatch"]
        assert (await api.post(path, b'{"document": ' + b"[" * 10_000)).codes == ["bad_request"]
        assert (await api.post(path, {"flow": flow()})).status == 400
    deep: Json = {}
    for _depth in range(50):
        deep = {"steps": [deep]}
    checked = await api.post("/flows/check", {"document": deep})
    assert [fault["path"] for fault in checked.body["faults"]] == [""]


@pytest.mark.parametrize(
    "document",
    [
        flow({"kind": ["go_to"], "id": "odd"}),
        flow({"kind": "tag", "id": "odd", "tag": ["x"]}),
        flow({"kind": "start_flow", "id": "odd", "flow": {"x": 1}}),
    ],
    ids=["kind", "tag", "flow"],
)
async def test_odd_values_are_faults(api: ApiClient, document: Json) -> None:
    assert not (await api.post("/flows/check", {"document": document})).body["valid"]
    assert (await api.post("/flows", {"document": document})).codes[0] == "flow_faulty"


async def test_warnings_are_told_and_prevent_nothing(api: ApiClient) -> None:
    checked = (await api.post("/flows/check", {"document": flow()})).body
    assert checked["valid"]
    assert [(fault["path"], fault["severity"]) for fault in checked["faults"]] == [("triggers", "warning")]


async def test_a_flow_is_created_published_switched_and_ordered(running: Running, api: ApiClient) -> None:
    id = await created(api)
    assert (await api.get(f"/flows/{id}")).body["state"] == "draft"
    assert (await api.post(f"/flows/{id}/live")).body["state"] == "live"
    assert (await api.post(f"/flows/{id}/pause")).body["state"] == "paused"
    assert (await api.put(f"/flows/{id}", {"order": 7})).body["order"] == 7
    second = flow({**SAY, "text": "Hello"})
    published = await api.post(f"/flows/{id}/publish", {"document": second, "note": "Warmer"})
    assert (published.body["version"], published.body["document"]["steps"]) == (2, second["steps"])
    assert (published.body["note"], published.body["published_by"]) == ("Warmer", "Ada")
    assert (await api.get(f"/flows/{id}/document")).body == published.body
    assert (await api.get(f"/flows/{id}/versions/1")).body["document"]["steps"] == [SAY]
    newest = (await api.get(f"/flows/{id}/versions?per_page=1")).body
    assert ([v["version"] for v in newest["data"]], newest["next"]) == ([2], 2)
    older = (await api.get(f"/flows/{id}/versions?before={newest['next']}")).body
    assert ([v["version"] for v in older["data"]], older["next"]) == ([1], None)
    listed = (await api.get("/flows")).body["data"]
    assert [(f["state"], f["version"], f["order"]) for f in listed if f["id"] == id] == [("paused", 2, 7)]


async def test_a_flow_that_does_not_exist_is_not_found(api: ApiClient) -> None:
    id, mine = new_id(), await created(api)
    for reply in (
        await api.get(f"/flows/{id}"),
        await api.get(f"/flows/{id}/document"),
        await api.get(f"/flows/{id}/versions"),
        await api.get(f"/flows/{mine}/versions/2"),
        await api.get(f"/flows/{mine}/versions/x"),
        await api.put(f"/flows/{id}", {"order": 1}),
        await api.post(f"/flows/{id}/publish", {"document": flow()}),
        await api.post(f"/flows/{id}/live"),
        await api.post(f"/flows/{id}/pause"),
    ):
        assert reply.error == (404, "not_found", "Resource Not Found")


async def test_the_schema_is_served_to_everyone(running: Running) -> None:
    async with running.session.get(f"{running.base}/api/flows/schema") as answer:
        assert (answer.status, await answer.json()) == (200, schema())


async def test_a_flow_is_copied_rolled_back_deleted_and_restored(api: ApiClient) -> None:
    id = await created(api, live=True)
    await api.post(f"/flows/{id}/publish", {"document": flow({**SAY, "text": "Hello"})})
    back = (await api.post(f"/flows/{id}/versions/1/roll_back")).body
    assert (back["version"], back["restores"], back["document"]["steps"][0]["text"]) == (3, 1, "Hi")
    for version in (0, 9):
        assert (await api.post(f"/flows/{id}/versions/{version}/roll_back")).status == 404
    assert (await api.get(f"/flows/{id}")).body["version"] == 3
    assert (await api.delete(f"/flows/{id}")).codes == ["parameter_invalid"], "it was live"
    await api.post(f"/flows/{id}/pause")
    key = new_id()
    copies = [await api.post(f"/flows/{id}/duplicate", {"name": "Copy"}, Idempotency_Key=key) for _ in range(2)]
    (copy,) = {reply.body["id"] for reply in copies}
    assert copies[0].body["state"] == "draft"
    assert (await api.delete(f"/flows/{copy}")).body == {"type": "flow", "id": copy, "deleted": True}
    assert (await api.get(f"/flows/{copy}")).status == 404
    restored = await api.post(f"/flows/{copy}/restore")
    assert (restored.status, restored.body.get("name")) == (200, "Copy"), restored
    await api.delete(f"/flows/{copy}")


async def test_a_draft_that_was_never_published_is_duplicated(running: Running, api: ApiClient) -> None:
    draft = await running.bot.flow_drafts.copy(json.dumps(flow(go_to("gone"))), "Unfinished", By("ada", "Ada"))
    name = "x" * LONGEST_NAME
    made = (await api.post(f"/flows/{draft.id}/duplicate", {"name": name})).body
    assert (made["name"], made["state"], made["version"]) == (name, "draft", 0)
    text = json.loads((await running.bot.flow_drafts.get(made["id"])).text)
    assert text == flow(go_to("gone"), name=name)
    for id in (draft.id, made["id"]):
        await api.delete(f"/flows/{id}")


async def test_the_figures_of_a_flow_are_counted_by_day(running: Running, api: ApiClient) -> None:
    id = await created(api)
    await running.store.flow_days.add({FlowDayKey(id, 1, day_of(now())): Counter(shown=1)})
    found = (await api.get(f"/flows/{id}/figures?days=7&version=1")).body
    assert (found["counts"], found["completed"], len(found["days"])) == ({"shown": 1}, 0, 1)
    assert (await api.get(f"/flows/{id}/figures?version=2")).body["counts"] == {}
    assert (await api.get(f"/flows/{id}/figures?days=91")).status == 400
    assert (await api.get("/flows/none/figures")).status == 404
