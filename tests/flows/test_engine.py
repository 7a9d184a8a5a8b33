"""The step function: pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.flows.document import FlowDocument
from bot.flows.effects import Effect, Write
from bot.flows.engine import advance
from bot.flows.script import Script, flow_version
from bot.flows.steps import Ask, End, OptInForm, Say, Step, WaitForConsent, WaitStep
from bot.flows.steps.base import Answered, CardCompleted, ConsentChanged, Event, Started, TimeCame
from bot.model.contact import ConsentState
from bot.model.conversation import Card, CardState, Text
from bot.model.flow import FlowVersion, RunStatus, State, Wait
from tests.people import AT

HI, BYE = Say(id="hi", text="Hi"), Say(id="bye", text="Bye")
QUESTION = Ask(id="ask", text="Which roast?")
FORM = OptInForm(id="form", subscription="deals", title="Sign up", button="Yes", legal_text="Terms")
PAUSE = WaitStep(id="pause", seconds=60)
UNTIL_YES = WaitForConsent(id="yes", subscription="deals", seconds=60)
THE_END = End(id="end")
ASKED = {"flow": "flow", "flow_version": 1, "flow_step": "form"}
CARD = Card(subscription="deals", title="Sign up", button="Yes", legal_text="Terms", **ASKED)
ENDED = State(status=RunStatus.ENDED)
START, DONE, SAID, TIME = Started(AT), CardCompleted(AT), Answered(AT, "Kenya"), TimeCame(AT)
YES = ConsentChanged(AT, "deals", ConsentState.OPTED_IN)
EVENTS: list[Event] = [START, DONE, SAID, TIME, YES]
CONTINUES: dict[Wait, Event] = {Wait.PART: DONE, Wait.ANSWER: SAID, Wait.TIME: TIME, Wait.CONSENT: YES}


def contents(effects: Sequence[Effect]) -> list[Text | Card]:
    return [effect.content for effect in effects if isinstance(effect, Write)]


def texts(effects: Sequence[Effect]) -> list[str]:
    return [content.text for content in contents(effects) if isinstance(content, Text)]


def script(*steps: Step) -> Script:
    return Script(flow="flow", version=1, steps=steps)


def waiting(step: str, *waits: Wait) -> State:
    return State(status=RunStatus.WAITING, step=step, waits=waits)


@pytest.mark.parametrize(
    ("steps", "state", "event", "written", "then"),
    [
        ([HI, THE_END], State(), START, ["Hi"], ENDED),
        ([HI, BYE], State(), START, ["Hi", "Bye"], ENDED),
        ([THE_END, HI], State(), START, [], ENDED),
        ([HI, FORM, BYE], State(), START, ["Hi", CARD], waiting("form", Wait.PART)),
        ([HI, QUESTION, BYE], State(), START, ["Hi", "Which roast?"], waiting("ask", Wait.ANSWER)),
        ([HI, FORM, BYE, THE_END], waiting("form", Wait.PART), DONE, ["Bye"], ENDED),
        ([HI, FORM], waiting("form", Wait.PART), DONE, [], ENDED),
        ([QUESTION, FORM], waiting("ask", Wait.ANSWER), SAID, [CARD], waiting("form", Wait.PART)),
        ([PAUSE, BYE], waiting("pause", Wait.TIME), TIME, ["Bye"], ENDED),
    ],
)
def test_a_run_continues_up_to_where_it_waits_or_ends(
    steps: list[Step], state: State, event: Event, written: list[str | Card], then: State
) -> None:
    effects, state = advance(script(*steps), state, event)
    assert [
        e.content.text if isinstance(e.content, Text) else e.content for e in effects if isinstance(e, Write)
    ] == written
    assert state.model_copy(update={"answers": {}}) == then


def test_an_answer_is_kept_and_later_texts_use_it() -> None:
    thanks = Say(id="thanks", text="{{ask}}, {{ ask }}{{nobody}} and {{nobody|milk}}!")
    _, state = advance(script(QUESTION, FORM, thanks), waiting("ask", Wait.ANSWER), Answered(AT, " {{hi}} "))
    assert (state.step, state.answers) == ("form", {"ask": "{{hi}}"})
    effects, state = advance(script(QUESTION, FORM, thanks), state, DONE)
    assert texts(effects) == ["{{hi}}, {{hi}} and milk!"]
    assert (state.status, state.answers) == (RunStatus.ENDED, {"ask": "{{hi}}"})


def test_a_text_without_words_is_not_written_and_a_long_one_is_cut() -> None:
    state = State(answers={"a": "x" * 1000})
    effects, _ = advance(script(Say(id="one", text="{{nobody}}"), Say(id="two", text="{{a}}" * 5)), state, START)
    assert [len(text) for text in texts(effects)] == [4000]


def test_a_wait_for_consent_continues_with_its_state_or_its_time() -> None:
    steps, state = script(UNTIL_YES, BYE), waiting("yes", Wait.CONSENT, Wait.TIME)
    for other in (ConsentChanged(AT, "news", ConsentState.OPTED_IN), ConsentChanged(AT, "deals", ConsentState.PENDING)):
        assert advance(steps, state, other) == ((), state)
    for event in (YES, TIME):
        effects, after = advance(steps, state, event)
        assert (texts(effects), after) == (["Bye"], ENDED)


def test_a_pause_names_its_end() -> None:
    _, state = advance(script(HI, PAUSE, BYE), State(), START)
    assert (state.waits, state.until) == ((Wait.TIME,), AT + timedelta(seconds=60))


def test_a_card_has_the_words_of_its_step_and_is_open() -> None:
    effects, _ = advance(script(FORM), State(), START)
    (content,) = contents(effects)
    assert content == CARD
    assert isinstance(content, Card)
    assert (content.state, content.event, content.number) == (CardState.OPEN, None, None)


KINDS: list[Step] = [HI, QUESTION, FORM, PAUSE, UNTIL_YES, THE_END]
SCRIPTS = st.lists(st.sampled_from(KINDS), min_size=1, max_size=30).map(
    lambda steps: Script.model_validate({"steps": [{**s.model_dump(), "id": f"s{i}"} for i, s in enumerate(steps)]})
)


def play(flow: Script, events: list[Event]) -> tuple[list[object], list[State]]:
    """Effects and states, from the start of a run to after the last of the events."""
    state, written, states = State(), list[object](), list[State]()
    for event in [START, *events]:
        effects, state = advance(flow, state, event)
        written += effects
        states.append(state)
    return written, states


@given(SCRIPTS)
def test_every_flow_ends_and_writes_each_step_before_its_end_once(flow: Script) -> None:
    state, written, turns = State(), 0, 0
    event: Event = START
    while state.status is not RunStatus.ENDED:
        effects, state = advance(flow, state, event)
        written, turns = written + len(effects), turns + 1
        assert turns <= len(flow.steps) + 1
        assert (state.status is RunStatus.WAITING) == bool(state.waits)
        if state.waits:
            event = CONTINUES[state.waits[0]]
    reached = next((i for i, step in enumerate(flow.steps) if isinstance(step, End)), len(flow.steps))
    assert written == sum(not isinstance(step, WaitStep | WaitForConsent) for step in flow.steps[:reached])


@given(SCRIPTS, st.lists(st.sampled_from(EVENTS), max_size=40))
def test_the_same_events_give_the_same_again(flow: Script, events: list[Event]) -> None:
    assert play(flow, events) == play(flow, events)


@given(SCRIPTS, st.lists(st.sampled_from(EVENTS), max_size=40))
def test_whatever_comes_a_run_waits_or_ends_and_takes_each_step_once(flow: Script, events: list[Event]) -> None:
    written, states = play(flow, events)
    assert len(written) <= len(flow.steps)
    order = [step.id for step in flow.steps]
    places = [len(order) if s.status is RunStatus.ENDED else order.index(s.step) for s in states]
    assert places == sorted(places), "a run never goes back"


@given(SCRIPTS, st.lists(st.sampled_from(EVENTS), max_size=40))
def test_an_event_that_is_not_waited_for_changes_nothing(flow: Script, events: list[Event]) -> None:
    _, states = play(flow, events)
    for event in EVENTS:
        if event not in [CONTINUES[wait] for wait in states[-1].waits]:
            assert advance(flow, states[-1], event) == ((), states[-1])


def test_each_step_needs_an_id_of_its_own() -> None:
    with pytest.raises(ValidationError, match="Give each step a unique ID"):
        script(HI, HI)


@pytest.mark.parametrize(
    "step",
    [
        {"kind": "say", "id": "a", "text": ""},
        {"kind": "say", "id": "A b", "text": "x"},
        {"kind": "say", "id": "a", "text": "x" * 4001},
        {"kind": "ask", "id": "a"},
        {"kind": "opt_in_form", "id": "a", "subscription": "deals", "title": ""},
        {"kind": "opt_in_form", "id": "a", "title": "x"},
        {"kind": "wait", "id": "a", "seconds": 0},
        {"kind": "run_code", "id": "a"},
        {"kind": "end", "id": "a", "next": "b"},
    ],
)
def test_a_faulty_step_is_refused(step: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Script.model_validate({"steps": [step]})


def test_a_version_survives_the_way_to_the_database_and_back() -> None:
    version = flow_version("f", 3, FlowDocument(steps=(HI, QUESTION, FORM, PAUSE, THE_END)), AT)
    assert Script.of(FlowVersion.load(version.stored())) == Script(
        flow="f", version=3, steps=(HI, QUESTION, FORM, PAUSE, THE_END)
    )


class TestOldLabels:
    """Flows that were published before their labels were checked."""

    def test_a_long_or_blank_label_does_not_stop_the_flow(self) -> None:
        long = "No, " + "x" * 100
        form = FORM.model_copy(update={"dismiss": "No", "dismiss_translations": {"es": long, "fr": "{{first|}}"}})
        shown = {}
        for locale in ("es", "fr"):
            effects, state = advance(script(form, BYE), State(locale=locale), START)
            assert state.step == "form"
            (card,) = contents(effects)
            shown[locale] = [reply.label for reply in card.replies or ()]
        assert shown == {"es": [long[:60]], "fr": []}
        effects, _ = advance(script(form, BYE), waiting("form", Wait.PART, Wait.ANSWER), Answered(AT, long[:60]))
        assert texts(effects) == ["Bye"]

    def test_a_label_is_meant_as_it_is_shown(self) -> None:
        long, steps = "Dark " + "x" * 100, (Say(id="nice", text="Nice"),)
        ask = Ask.model_validate(
            {
                "id": "ask", "text": "Which?", "answer": "choice",
                "choices": [
                    {"id": "dark", "label": " Dark ", "translations": {"es": long}, "steps": steps},
                    {"id": "none", "label": "{{first|}}"},
                ],
            }
        )  # fmt: skip
        effects, _ = advance(script(ask), State(), START)
        (asked,) = contents(effects)
        assert [reply.label for reply in asked.replies or ()] == ["Dark"]
        for answer in ("dark", long[:60], "1"):
            effects, _ = advance(script(ask), waiting("ask", Wait.ANSWER), Answered(AT, answer))
            assert texts(effects) == ["Nice"]
