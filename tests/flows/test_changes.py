"""What changed between two versions of a flow, step by step."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.flows.changes import FieldChange, Spot, changes, own_fields
from bot.flows.document import FlowDocument
from bot.flows.steps import Ask


def say(id: str, text: str = "Hi", **values: Any) -> dict[str, Any]:
    return {"kind": "say", "id": id, "text": text, **values}


def flow(*steps: dict[str, Any], **values: Any) -> FlowDocument:
    return FlowDocument(steps=steps, **values)


def told(before: FlowDocument, after: FlowDocument) -> list[tuple[str, str]]:
    return [(change.what, change.step.id) for change in changes(before, after).steps]


def test_equal_flows_have_no_changes() -> None:
    assert not changes(flow(say("a"), say("b")), flow(say("a"), say("b")))


def test_steps_are_added_and_removed() -> None:
    found = changes(flow(say("a"), say("b")), flow(say("a"), say("c"), say("d"))).steps
    assert [(c.what, c.step.id, c.spot.behind) for c in found] == [
        ("removed", "b", "a"),
        ("added", "c", "a"),
        ("added", "d", "c"),
    ]


def test_a_step_of_another_kind_is_another_step() -> None:
    assert told(flow(say("a")), flow({"kind": "end", "id": "a"})) == [("removed", "a"), ("added", "a")]


def test_as_few_steps_as_possible_have_moved() -> None:
    before = flow(*(say(id) for id in "abcdef"))
    assert told(before, flow(*(say(id) for id in "fabcde"))) == [("moved", "f")]
    assert told(before, flow(*(say(id) for id in "acdbef"))) == [("moved", "b")]
    assert told(before, flow(*(say(id) for id in "abxcdef"))) == [("added", "x")]


def test_a_step_that_changes_its_branch_has_moved() -> None:
    def judged(then: list[dict[str, Any]], otherwise: list[dict[str, Any]]) -> FlowDocument:
        return flow({"kind": "condition", "id": "if", "when": {}, "then": then, "otherwise": otherwise})

    (change,) = changes(judged([say("a"), say("b")], []), judged([say("a")], [say("b", "Bye")])).steps[:1]
    assert (change.what, change.spot, change.before) == (
        "moved",
        Spot("if", "otherwise", ""),
        Spot("if", "then", "a"),
    )
    assert told(judged([say("a"), say("b")], []), judged([say("a")], [say("b", "Bye")])) == [
        ("moved", "b"),
        ("changed", "b"),
    ], "the condition itself has not changed"


def test_each_text_that_changed_has_its_old_and_new_words() -> None:
    before = say("a", "Hi", translations={"es": "Hola", "fr": "Salut"})
    after = say("a", "Hello", translations={"es": "Hola", "de": "Hallo"})
    (change,) = changes(flow(before), flow(after)).steps
    assert change.fields == (
        FieldChange(("text",), "Hi", "Hello"),
        FieldChange(("translations", "fr"), "Salut", None),
        FieldChange(("translations", "de"), None, "Hallo"),
    )


def test_choices_are_compared_by_their_ids() -> None:
    def ask(*choices: dict[str, Any]) -> dict[str, Any]:
        return {"kind": "ask", "id": "a", "text": "?", "answer": "choice", "choices": choices}

    dark, light = {"id": "dark", "label": "Dark", "steps": [say("d")]}, {"id": "light", "label": "Light"}
    (change,) = changes(flow(ask(dark, light)), flow(ask(light, {**dark, "label": "Very dark"}))).steps
    assert change.fields == (
        FieldChange(("choices",), ["dark", "light"], ["light", "dark"]),
        FieldChange(("choices", "dark", "label"), "Dark", "Very dark"),
    )
    assert ("choices", "dark", "steps") not in own_fields(Ask(**ask(dark)))


def test_settings_of_the_flow_are_compared() -> None:
    opened = [{"kind": "messenger_opened"}]
    found = changes(flow(say("a"), name="Deals"), flow(say("a"), name="Offers", triggers=opened)).settings
    assert found == (
        FieldChange(("name",), "Deals", "Offers"),
        FieldChange(("triggers",), None, opened),
    )


@given(st.permutations("abcdefgh"), st.integers(0, 8), st.permutations("abcdefgh"), st.integers(0, 8))
def test_what_is_not_told_kept_its_order(old: list[str], cut: int, new: list[str], other: int) -> None:
    before, after = old[cut:] or ["z"], new[other:] or ["z"]
    found = told(flow(*map(say, before)), flow(*map(say, after)))
    named = {id for _what, id in found}
    assert [id for id in before if id not in named] == [id for id in after if id not in named]
    assert {id for what, id in found if what == "added"} == {*after} - {*before}
    assert {id for what, id in found if what == "removed"} == {*before} - {*after}
