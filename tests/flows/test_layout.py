"""The map of a flow: every step has a place of its own, below what leads to it."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.flows.document import FlowDocument
from bot.flows.layout import BELOW, EMPTY, HEIGHT, OTHERWISE, WIDTH, flow_map, shown_branches
from bot.flows.steps import Ask, OptInForm

SAY = {"kind": "say", "text": "Hi"}


def flow(*steps: dict[str, Any]) -> FlowDocument:
    return FlowDocument(steps=steps)


def say(id: str) -> dict[str, Any]:
    return {**SAY, "id": id}


def condition(id: str, then: list[dict[str, Any]], otherwise: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": "condition", "id": id, "when": {}, "then": then, "otherwise": otherwise}


def test_steps_stand_below_each_other() -> None:
    drawn = flow_map(flow(say("a"), say("b")))
    a, b = drawn.boxes
    assert (a.x, b.y) == (b.x, a.y + HEIGHT + BELOW)
    assert drawn.arrows == [((a.x + WIDTH // 2, a.y + HEIGHT), (a.x + WIDTH // 2, b.y))]


def test_branches_stand_beside_each_other_and_meet_again() -> None:
    drawn = flow_map(flow(condition("if", [say("yes"), say("more")], []), say("after")))
    at = {box.step.id: box for box in drawn.boxes}
    assert at["after"].y > at["more"].y + HEIGHT
    assert [label.branch for label in drawn.labels] == ["then", "otherwise"]
    assert len(drawn.lines) == 3, "the empty branch, and where both meet"


def test_what_ends_the_flow_leads_nowhere() -> None:
    drawn = flow_map(flow(condition("if", [{"kind": "end", "id": "a"}], [{"kind": "end", "id": "b"}]), say("after")))
    assert drawn.lines == []
    assert len(drawn.arrows) == 2


def test_only_outcomes_that_can_happen_are_branches() -> None:
    form = {"id": "f", "subscription": "deals", "title": "Deals"}
    assert not shown_branches(OptInForm(**form))
    assert list(shown_branches(OptInForm(**form, completed=[say("a")]))) == ["completed"]
    assert list(shown_branches(OptInForm(**form, completed=[say("a")], dismiss="No"))) == ["completed", OTHERWISE]
    assert list(shown_branches(OptInForm(**form, pending=[say("a")]))) == ["pending", OTHERWISE]
    ask = Ask(id="q", text="?", answer="choice", choices=[{"id": "a", "label": "A"}])
    assert list(shown_branches(ask)) == ["choice:a", OTHERWISE]
    assert not shown_branches(Ask(id="q", text="?", seconds=5))


@st.composite
def trees(draw: st.DrawFn) -> FlowDocument:
    ids = iter(range(1000))

    def some(depth: int) -> list[dict[str, Any]]:
        return [one(depth) for _ in range(draw(st.integers(0 if depth else 1, 3)))]

    def one(depth: int) -> dict[str, Any]:
        id = f"s{next(ids)}"
        if depth < 3 and draw(st.booleans()):
            return condition(id, some(depth + 1), some(depth + 1))
        return say(id)

    return flow(*some(0))


@given(trees())
def test_no_two_steps_overlap_and_all_are_on_the_map(document: FlowDocument) -> None:
    drawn = flow_map(document)
    assert {box.step.id for box in drawn.boxes} == {step.id for step in document.all_steps()}
    for a, b in combinations(drawn.boxes, 2):
        assert abs(a.x - b.x) >= WIDTH or abs(a.y - b.y) >= HEIGHT
    for box in drawn.boxes:
        assert 0 <= box.x <= drawn.width - WIDTH
        assert 0 <= box.y <= drawn.height - HEIGHT
    for label in drawn.labels:
        assert EMPTY // 2 <= label.x <= drawn.width - EMPTY // 2
    corners = [corner for line in (*drawn.arrows, *drawn.lines) for corner in line]
    assert all(0 <= x <= drawn.width and 0 <= y <= drawn.height for x, y in corners)
