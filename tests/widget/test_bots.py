"""The pages of flows: the list and its order, drafts with their conflicts and faults, publishing, conditions."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from bot.demo import DEALS
from bot.flows.counting import day_of
from bot.flows.drafts import MOST_BYTES
from bot.flows.steps import KINDS
from bot.model.base import new_id, now
from bot.model.teammate import By
from bot.store.flow_days import FlowDayKey
from tests.widget.desk import BEN, HTML, Desk, at_desk
from tests.widget.help import Running
from widget.bots.kinds import STEPS, TRIGGERS
from widget.web.assets import TEMPLATES

SAYSO = By("", "Sayso")
HELLO = {
    "triggers": [{"kind": "words_in_message", "words": ["zebra"]}],
    "steps": [{"kind": "say", "id": "hi", "text": "Hi"}],
}


async def created(desk: Desk, name: str = "") -> str:
    status, _ = await desk.post("/bots", {"name": name or f"Flow {new_id()}"})
    assert status == 303
    return desk.location.rpartition("/")[2]


async def saved(desk: Desk, flow: str, document: Any, revision: int = 0) -> tuple[int, dict[str, Any]]:
    return await sent(desk, f"{flow}/draft?revision={revision}", document)


async def sent(desk: Desk, path: str, document: Any) -> tuple[int, dict[str, Any]]:
    desk.token = desk.token or await desk.csrf()
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    headers = {"X-CSRF-Token": desk.token, "Content-Type": "application/json"}
    async with desk.session.post(f"{desk.base}/bots/{path}", data=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def act(desk: Desk, flow: str, act: str, **form: str) -> str:
    """The flash message."""
    status, page = await desk.post(f"/bots/{flow}/{act}", form)
    assert status == 303, page.text
    return await desk.said()


@pytest.mark.parametrize("folder", ["steps", "triggers"])
def test_each_kind_has_its_template_and_no_other(folder: str) -> None:
    kinds = {"steps": STEPS, "triggers": TRIGGERS}[folder]
    assert {path.stem for path in (TEMPLATES / "bots" / folder).glob("*.html")} == {*kinds}
    assert {*STEPS} == {*KINDS}


async def test_a_flow_is_created_edited_published_paused_and_resumed(running: Running, ada: Desk) -> None:
    flow = await created(ada, "Zebras")
    page = await ada.look(f"/bots/{flow}")
    assert json.loads(page.one("script", id="flow-document").text) == {"steps": [], "name": "Zebras"}
    assert len([node for node in page.all("template") if node.attrs.get("id", "").startswith("step-")]) == len(STEPS)
    status, answer = await saved(ada, flow, {"name": "Zebra", **HELLO})
    assert (status, answer["revision"], answer["faults"]) == (200, 1, [])
    assert "Zebra" in (await ada.look("/bots")).text
    assert await act(ada, flow, "publish", revision="1", note="First words") == "Version 1 is published."
    assert "First words" in (await ada.look(f"/bots/{flow}/versions")).text
    assert await act(ada, flow, "pause") == "Zebra is paused. Conversations in it finish."
    row = next(li for li in (await ada.look("/bots")).all("li") if li.attrs.get("data-id") == flow)
    assert "Message contains zebra" in row.text
    assert "Version 1 by Ada" in row.text
    assert await act(ada, flow, "resume") == "Zebra is live."
    await running.bot.flows.set_state(flow, "paused", SAYSO)
    done = [e.action for e in await running.store.audit_log.find({"subject": {"$in": ["Zebra", "Zebras"]}}, limit=20)]
    assert {*done} >= {"flow.created", "flow.edited", "flow.published", "flow.paused", "flow.put_live"}


async def test_a_draft_has_faults_and_is_not_published(ada: Desk) -> None:
    flow = await created(ada)
    form = {"kind": "opt_in_form", "id": "form", "title": "Join"}
    status, answer = await saved(ada, flow, {**HELLO, "steps": [form]})
    assert status == 200
    assert [(f["path"], f["text"]) for f in answer["faults"]] == [("steps[0].subscription", "Fill in this field.")]
    assert await act(ada, flow, "publish", revision="1") == "This flow has errors, so nothing was saved."
    assert "Publish this flow first." in (await ada.post(f"/bots/{flow}/resume", {}))[1].text


async def test_what_a_field_lacks_is_told_once_in_words(ada: Desk) -> None:
    flow = await created(ada)
    variant = {"id": "b", "title": "Free"}
    words = {"es": {"title": "Ofertas"}, "fr": {"title": "Offres"}}
    form = {"kind": "opt_in_form", "id": "form", "subscription": DEALS, "title": "Deals", "legal_text": "Yes.",
            "translations": words, "variants": [variant]}  # fmt: skip
    _, answer = await saved(ada, flow, {**HELLO, "steps": [form]})
    told = {fault["path"]: fault["text"] for fault in answer["faults"]}
    assert len(told) == len(answer["faults"])
    assert told["steps[0].legal_text"].startswith("Missing from the legal text: Brand name, ")
    assert told["steps[0].variants[0].translations"] == (
        "The form is translated into Spanish, French. Add this translation to the variant."
    )


async def test_of_two_teammates_the_later_one_is_told(ada: Desk) -> None:
    flow = await created(ada)
    assert (await saved(ada, flow, HELLO))[1]["revision"] == 1
    status, theirs = await saved(ada, flow, {"steps": []})
    assert (status, theirs["revision"], theirs["by_name"], json.loads(theirs["text"])) == (409, 1, "Ada", HELLO)
    assert await act(ada, flow, "publish", revision="0") == "Ada saved a newer version."
    assert (await saved(ada, flow, {"steps": []}, 1))[0] == 200


async def test_changes_that_conflict_are_kept_as_another_flow(running: Running, ada: Desk) -> None:
    flow = await created(ada, "Beans")
    status, made = await sent(ada, f"{flow}/draft/copy", {**HELLO, "name": "My beans"})
    assert (status, made["name"]) == (200, "Copy of My beans")
    copy = await running.bot.flow_drafts.get(made["id"])
    assert json.loads(copy.text) == {**HELLO, "name": "Copy of My beans"}
    assert (await running.bot.flows.get(made["id"])).state == "draft"
    assert (await sent(ada, f"{flow}/draft/copy", b"[]"))[0] == 422
    assert (await sent(ada, "unknown/draft/copy", HELLO))[0] == 404
    async with at_desk(running.base, BEN) as ben:
        assert (await sent(ben, f"{flow}/draft/copy", HELLO))[0] == 403


async def test_a_draft_is_discarded(running: Running, ada: Desk) -> None:
    flow = await created(ada)
    await saved(ada, flow, HELLO)
    await act(ada, flow, "publish", revision="1")
    await running.bot.flows.set_state(flow, "paused", SAYSO)
    await saved(ada, flow, {"steps": []}, 1)
    assert await act(ada, flow, "discard", revision="2") == "Draft discarded."
    draft = await running.bot.flow_drafts.get(flow)
    assert (json.loads(draft.text)["steps"], draft.revision, draft.is_published) == (HELLO["steps"], 3, True)


async def test_a_version_from_a_file_is_what_the_next_draft_continues(running: Running, ada: Desk) -> None:
    flow = await created(ada)
    await saved(ada, flow, HELLO)
    await act(ada, flow, "publish", revision="1")
    await running.bot.flows.set_state(flow, "paused", SAYSO)
    other = {**HELLO, "steps": [{"kind": "say", "id": "hi", "text": "From a file"}]}
    await running.bot.flows.publish(flow, json.dumps(other), SAYSO)
    draft = await running.bot.flow_drafts.get(flow)
    assert (json.loads(draft.text)["steps"], draft.base, draft.revision) == (other["steps"], 2, 2)
    # An editor that still shows the version before doesn't save over it.
    status, theirs = await saved(ada, flow, HELLO, 1)
    assert (status, json.loads(theirs["text"])["steps"], theirs["revision"]) == (409, other["steps"], 2)
    assert await act(ada, flow, "publish", revision="1") == "Sayso saved a newer version."
    assert (await saved(ada, flow, HELLO, 2))[1]["revision"] == 3
    assert (await saved(ada, flow, HELLO, 2))[0] == 409


async def test_a_draft_undoes_a_newer_version_only_knowingly(running: Running, ada: Desk) -> None:
    say, end = {"kind": "say", "id": "hi", "text": "Second"}, {"kind": "end", "id": "end"}
    flow, other = await created(ada), {**HELLO, "steps": [say]}
    await saved(ada, flow, HELLO)
    await act(ada, flow, "publish", revision="1")
    await running.bot.flows.set_state(flow, "paused", SAYSO)
    await saved(ada, flow, other, 1)
    await act(ada, flow, "publish", revision="2")
    await saved(ada, flow, {**HELLO, "steps": [say, end]}, 2)
    await running.bot.flows.roll_back(flow, 1, SAYSO)
    refused = "Not published: version 3 is newer than this draft. To replace it, publish again."
    assert await act(ada, flow, "publish", revision="3") == refused
    page = await ada.look(f"/bots/{flow}")
    assert "Publish anyway" in page.one("form", id="publish").text
    assert json.loads(page.one("script", id="flow-document").text)["steps"][1]["id"] == "end"
    assert await act(ada, flow, "publish", revision="3", replaces="2") == refused
    assert await act(ada, flow, "publish", revision="3", replaces="3") == "Version 4 is published."
    assert "Publish anyway" not in (await ada.look(f"/bots/{flow}")).text


ODD_STEPS = [
    {"kind": ["go_to"], "id": "odd"},
    {"kind": "tag", "id": "odd", "tag": ["x"]},
    {"kind": "set_attribute", "id": "odd", "attribute": ["x"], "value": "x"},
    {"kind": "start_flow", "id": "odd", "flow": {"x": 1}},
]


@pytest.mark.parametrize("step", ODD_STEPS, ids=str)
async def test_a_draft_with_odd_values_can_be_opened(ada: Desk, step: dict[str, Any]) -> None:
    flow = await created(ada)
    status, answer = await saved(ada, flow, {**HELLO, "steps": [step]})
    assert (status, bool(answer["faults"])) == (200, True)
    assert f"/bots/{flow}/publish" in {form.attrs["action"] for form in (await ada.look(f"/bots/{flow}")).all("form")}


async def test_half_a_character_is_not_saved(ada: Desk) -> None:
    flow = await created(ada)
    status, answer = await saved(ada, flow, {**HELLO, "name": "\ud800"})
    assert (status, "broken character" in json.dumps(answer)) == (422, True)
    assert (await saved(ada, flow, HELLO))[1]["revision"] == 1


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"7", b"{", b'{"a": NaN}', b"\xff", b'{"a":' * 50_000, b"[" * 100_000,
        b'{"n": ' + b"9" * 5000 + b"}",
        json.dumps({"steps": [], "name": "x" * MOST_BYTES}).encode(),
    ],
    ids=["empty", "list", "number", "broken", "nan", "bytes", "deep", "deep lists", "digits", "large"],
)  # fmt: skip
async def test_a_bad_draft_is_refused(ada: Desk, body: bytes) -> None:
    flow = await created(ada)
    assert (await saved(ada, flow, body))[0] in {413, 422}
    assert (await saved(ada, flow, {"steps": "x", "triggers": 7, "name": ["x"]}))[0] == 200
    assert "</script>" not in (await ada.look(f"/bots/{flow}")).one("script", id="flow-document").text


async def test_flows_are_tried_in_the_order_of_the_list(running: Running, ada: Desk) -> None:
    first, second, third = [await created(ada) for _ in range(3)]

    async def order() -> list[str]:
        return [flow.id for flow in await running.bot.flows.all() if flow.id in {first, second, third}]

    assert await order() == [first, second, third]
    assert await act(ada, third, "move", before=first) == "Order saved."
    assert await order() == [third, first, second]
    await act(ada, third, "move", before="")
    assert await order() == [first, second, third]
    assert (await ada.post("/bots/unknown/move", {"before": ""}))[0] == 404


async def test_a_draft_is_removed_and_restored_and_a_flow_that_was_live_is_not(running: Running, ada: Desk) -> None:
    draft, live = await created(ada, "Never live"), await created(ada)
    await saved(ada, draft, HELLO)
    await ada.post(f"/bots/{draft}/remove", {})
    said = (await ada.look("/bots")).one("div", id="said")
    assert said.text.strip().startswith("Never live is removed.")
    assert "Never live" not in [node.text for node in (await ada.look("/bots")).all("h2")]
    for path in ("", "/draft", "/export.json", "/versions"):
        assert (await ada.get(f"/bots/{draft}{path}"))[0] == 404
    assert (await saved(ada, draft, HELLO))[0] == 404
    assert (await ada.post(f"/bots/{draft}/remove", {}))[0] == 404
    done = await running.store.audit_log.find({"subject": "Never live", "action": "flow.removed"}, limit=9)
    assert len(done) == 1
    assert (await ada.post(said.one("form").attrs["action"], {}))[0] == 303
    assert await ada.said() == "Never live is restored."
    flow = await running.bot.flows.get(draft)
    assert (flow.state, json.loads((await running.bot.flow_drafts.get(draft)).text)) == ("draft", HELLO)
    assert (await ada.post(f"/bots/{draft}/restore", {}))[0] == 404
    await saved(ada, live, HELLO)
    await act(ada, live, "publish", revision="1")
    await act(ada, live, "pause")
    status, page = await ada.post(f"/bots/{live}/remove", {})
    assert (status, "This flow has been live. Pause it instead." in page.text) == (422, True)


async def test_a_row_shows_the_figures_of_30_days(running: Running, ada: Desk) -> None:
    flow = await created(ada)
    await saved(ada, flow, HELLO)
    await act(ada, flow, "publish", revision="1")
    await running.bot.flows.set_state(flow, "paused", SAYSO)
    for ago, version, shown in ((0, 1, 1000), (29, 2, 234), (30, 1, 5)):
        key = FlowDayKey(flow, version, day_of(now()) - timedelta(days=ago))
        counts = {"shown": shown, "completed:form": 3, "completed:other": 1, "confirmed:form/b": 2}
        await running.store.flow_days.add({key: counts})
    row = next(li for li in (await ada.look("/bots")).all("li") if li.attrs.get("data-id") == flow)
    assert [node.text for node in row.one("a", class_="flows-figures").all("b")] == ["1,234", "8", "4"]


async def test_conditions_are_edited_in_words(ada: Desk) -> None:
    async def part(path: str) -> tuple[int, str, dict[str, Any]]:
        async with ada.session.get(ada.base + path, headers={**HTML, "HX-Request": "true"}) as answer:
            return answer.status, await answer.text(), json.loads(answer.headers.get("HX-Trigger", "{}"))

    _, kinds, _ = await part("/bots/-/conditions")
    assert "During office hours" in kinds
    assert "us_state" not in kinds
    _, editor, _ = await part("/bots/-/conditions?kind=consent")
    assert "Apply" in editor
    status, again, _ = await part(f"/bots/-/conditions/apply?kind=consent&subscription={DEALS}")
    assert (status, "Choose at least one." in again) == (422, True)
    status, _, made = await part(f"/bots/-/conditions/apply?kind=consent&subscription={DEALS}&states=opted_in")
    assert status == 204
    consent = {"field": "consent", "subscription": DEALS, "states": ["opted_in"]}
    assert made["condition-made"]["condition"] == consent
    _, _, hours = await part("/bots/-/conditions/apply?kind=no_office_hours")
    assert hours["condition-made"]["condition"] == {"field": "office_hours", "is_not": True}
    token = await ada.csrf()
    body = {"conditions": [consent, {"field": "office_hours"}, {"field": "us_state", "states": ["NJ"]}, {}]}
    async with ada.session.post(
        f"{ada.base}/bots/-/conditions/words", json=body, headers={"X-CSRF-Token": token}
    ) as answer:
        words = await answer.json()
    assert words == [made["condition-made"]["words"], "During office hours", "", ""]


async def test_an_agent_finds_no_flows(running: Running) -> None:
    async with at_desk(running.base, BEN) as ben:
        assert (await ben.get("/bots"))[0] == 403
        assert (await saved(ben, "unknown", HELLO))[0] == 403
