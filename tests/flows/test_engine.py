"""The step function: pure."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.flows.engine import advance
from bot.model.conversation import Card, CardState, Text
from bot.model.flow import Effect, End, Flow, OptInForm, Place, RunStatus, Say, Step
from tests.people import AT

HI, BYE = Say(id="hi", text="Hi"), Say(id="bye", text="Bye")
FORM = OptInForm(id="form", subscription="deals", title="Sign up", button="Yes", legal_text="Terms")
END = End(id="end")
CARD = Card(subscription="deals", title="Sign up", button="Yes", legal_text="Terms")


@pytest.mark.parametrize(
    ("steps", "at", "written", "then"),
    [
        ([HI, END], 0, ["Hi"], Place(step=1, status=RunStatus.ENDED)),
        ([HI, BYE], 0, ["Hi", "Bye"], Place(step=2, status=RunStatus.ENDED)),
        ([HI, FORM, BYE, END], 0, ["Hi", CARD], Place(step=2, status=RunStatus.WAITING)),
        ([HI, FORM, BYE, END], 2, ["Bye"], Place(step=3, status=RunStatus.ENDED)),
        ([FORM, FORM.model_copy(update={"id": "again"})], 0, [CARD], Place(step=1, status=RunStatus.WAITING)),
        ([FORM, FORM.model_copy(update={"id": "again"})], 1, [CARD], Place(step=2, status=RunStatus.WAITING)),
        ([HI, FORM], 2, [], Place(step=2, status=RunStatus.ENDED)),
        ([END, HI], 0, [], Place(step=0, status=RunStatus.ENDED)),
        ([END, HI], 1, ["Hi"], Place(step=2, status=RunStatus.ENDED)),
    ],
)
def test_it_goes_on_up_to_where_the_flow_waits_or_ends(
    steps: list[Step], at: int, written: list[str | Card], then: Place
) -> None:
    place, effects = advance(steps, Place(step=at))
    assert place == then
    assert [e.content.text if isinstance(e.content, Text) else e.content for e in effects] == written


def test_a_card_is_the_form_s_own_words_and_open() -> None:
    _, (effect,) = advance([FORM], Place())
    assert effect == Effect(content=CARD)
    assert isinstance(effect.content, Card)
    assert (effect.content.state, effect.content.event, effect.content.number) == (CardState.OPEN, None, None)


KINDS = st.lists(st.sampled_from([HI, FORM, END]), min_size=1, max_size=30)


@settings(deadline=None)
@given(KINDS)
def test_any_flow_ends_and_writes_each_step_before_its_end_once(kinds: list[Step]) -> None:
    steps = [step.model_copy(update={"id": f"s{i}"}) for i, step in enumerate(kinds)]
    place, written, turns = Place(), 0, 0
    while place.status is not RunStatus.ENDED:
        before = place
        place, effects = advance(steps, place)
        assert place.step >= before.step
        cards = [isinstance(e.content, Card) for e in effects]
        assert True not in cards[:-1], "a card is the last effect"
        assert (place.status is RunStatus.WAITING) == (bool(cards) and cards[-1])
        written, turns = written + len(effects), turns + 1
        assert turns <= len(steps) + 1
    reached = next((i for i, step in enumerate(steps) if isinstance(step, End)), len(steps))
    assert written == reached


@settings(deadline=None)
@given(KINDS, st.integers(0, 29))
def test_the_same_place_gives_the_same_again(kinds: list[Step], at: int) -> None:
    assert advance(kinds, Place(step=at)) == advance(tuple(kinds), Place(step=at))


def test_each_step_needs_an_id_of_its_own() -> None:
    with pytest.raises(ValidationError, match="each step needs an id of its own"):
        Flow(id="f", name="x", steps=(HI, HI), created_at=AT, updated_at=AT)


@pytest.mark.parametrize(
    "step",
    [
        {"kind": "say", "id": "a", "text": ""},
        {"kind": "say", "id": "A b", "text": "x"},
        {"kind": "say", "id": "a", "text": "x" * 4001},
        {"kind": "opt_in_form", "id": "a", "subscription": "deals", "title": ""},
        {"kind": "opt_in_form", "id": "a", "title": "x"},
        {"kind": "run_code", "id": "a"},
        {"kind": "end", "id": "a", "next": "b"},
    ],
)
def test_a_step_that_is_none_is_refused(step: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Flow.model_validate({"_id": "f", "name": "x", "steps": [step], "created_at": AT, "updated_at": AT})


def test_a_flow_survives_the_way_to_the_database_and_back() -> None:
    flow = Flow(id="f", name="x", steps=(HI, FORM, END), created_at=AT, updated_at=AT)
    assert Flow.load(flow.stored()) == flow
