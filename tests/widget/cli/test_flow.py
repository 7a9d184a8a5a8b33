"""`sayso flow`: bot flows as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.store import Store
from tests.people import subscription
from tests.widget.cli.conftest import Invoke

FORM = {"kind": "opt_in_form", "id": "form", "subscription": "deals", "title": "Deals"}
ASK = {
    "kind": "ask", "id": "which", "text": "Which roast?", "answer": "choice", "attribute": "roast",
    "choices": [{"id": "dark", "label": "Dark", "steps": [FORM]}, {"id": "none", "label": "None"}],
}  # fmt: skip
BYE = {"kind": "say", "id": "bye", "text": "Bye, {{which}}!"}
FLOW = {"format": 1, "name": "Roasts", "triggers": [{"kind": "messenger_opened"}], "steps": [ASK, BYE]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path, FLOW)


def write(folder: Path, flow: dict[str, Any]) -> Path:
    path = folder / "flow.json"
    path.write_text(json.dumps(flow), encoding="utf-8")
    return path


async def test_a_good_flow_is_good(invoke: Invoke, file: Path) -> None:
    ran = await invoke("flow", "check", str(file))
    assert (ran.code, ran.out, ran.err) == (0, "OK: 3 steps.\n", "")


async def test_faults_are_told_with_their_places(invoke: Invoke, tmp_path: Path) -> None:
    file = write(tmp_path, {**FLOW, "steps": [BYE, {**BYE, "next": "x"}]})
    ran = await invoke("flow", "check", str(file))
    assert (ran.code, ran.out) == (1, "")
    assert 'Error: steps[1].next (bye): Unknown field "next". Remove it, or check its spelling.\n' in ran.err
    assert 'Error: steps[1].id (bye): Another step has the ID "bye".' in ran.err


async def test_a_flow_is_imported_published_paused_and_exported(
    invoke: Invoke, kept: Store, file: Path, tmp_path: Path
) -> None:
    await kept.subscriptions.keep(subscription())
    ran = await invoke("flow", "import", str(file))
    assert (ran.code, "attribute" in ran.err) == (1, True), "the workspace has no such attribute"
    file = write(tmp_path, {**FLOW, "steps": [{**ASK, "attribute": ""}, BYE]})
    ran = await invoke("flow", "import", str(file), "--live")
    assert ran.code == 0, ran.err
    id = ran.out.split()[0]
    assert ran.out == f"{id} is live.\n"
    write(tmp_path, {**FLOW, "steps": [BYE | {"text": "Bye"}]})
    assert (await invoke("flow", "import", str(file), "--id", id)).out == f"{id} is now at version 2.\n"
    assert json.loads((await invoke("flow", "export", id)).out) == {**FLOW, "steps": [BYE | {"text": "Bye"}]}
    assert (await invoke("flow", "pause", id)).out == f"{id} is paused.\n"
    assert (await invoke("flow", "live", id)).out == f"{id} is live.\n"
    assert (await invoke("flow", "order", id, "5")).out == f"5     {id}  Roasts\n"
    assert (await invoke("flow")).out == f"{id}  live    order 5     version 2     Roasts\n"
    assert (await invoke("flow", "export", "gone")).code == 2


async def test_a_flow_is_talked_to(invoke: Invoke, file: Path) -> None:
    ran = await invoke("flow", "try", str(file), typed="tea\ndark\n/yes\n")
    assert ran.code == 0, ran.err
    said = ran.out.replace("> ", "").splitlines()
    assert [line for line in said if line.startswith(("Bot:", "*", "The flow"))] == [
        "Bot: Which roast?",
        "Bot: Choose one of these options.",
        "* roast = Dark",
        "Bot: [form] Deals",
        "Bot: Bye, Dark!",
        "The flow has ended.",
    ]


async def test_a_talk_says_what_it_waits_for_and_what_a_command_lacks(invoke: Invoke, tmp_path: Path) -> None:
    form = {
        **FORM,
        "legal_text": "Msg & data rates may apply.",
        "button": "Join",
        "dismiss": "No, thanks",
        "seconds": 60,
    }
    hi = {"kind": "say", "id": "hi", "text": "Hi", "links": [{"label": "Shop", "url": "https://shop.example"}]}
    file = write(tmp_path, {**FLOW, "steps": [hi, form, {"kind": "wait", "id": "w", "seconds": 60}]})
    ran = await invoke(
        "flow", "try", str(file), typed="/dance\n\n/help\n/confirm\n/pending\n/yes\n/confirm\n/yes\n/wait\n"
    )
    assert ran.code == 0, ran.err
    for line in (
        "Bot: Hi\n  Shop: https://shop.example\n",
        "Bot: [form] Deals\n  Msg & data rates may apply.\n  [Join]\n  [No, thanks]\n",
        "(step form waits for the form or for a message or until ",
        "Unknown command: /dance. /help lists the commands.\n",
        "Type a message, or /help.\n",
        "Nothing has to be confirmed.\n",
        "(step w waits until ",
        "No form is open.\n",
        "The flow has ended.\n",
    ):
        assert line in ran.out, line


async def test_a_talk_by_sms_numbers_choices_and_asks_for_a_yes(invoke: Invoke, file: Path) -> None:
    ran = await invoke("flow", "try", str(file), "--sms", typed="1\nYES\n")
    assert ran.code == 0, ran.err
    said = ran.out.replace("> ", "").splitlines()
    assert [line for line in said if line.startswith(("Bot:", "*", "1", "The flow"))] == [
        "Bot: Which roast?", "1 Dark", "* roast = Dark", "Bot: [form] Deals", "* replied YES", "Bot: Bye, Dark!",
        "The flow has ended.",
    ]  # fmt: skip
