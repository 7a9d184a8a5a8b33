"""The step function with branches, loops and conditions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.flows.effects import (
    ChangeTag,
    Effect,
    HandOver,
    KeepAnswer,
    SetAttribute,
    StartFlow,
    Write,
    loaded_effects,
    stored_effects,
)
from bot.flows.engine import MOST_TURNS, RUNS_FOREVER, RUNS_IN_A_CIRCLE, advance, begun
from bot.flows.matching import PersonFacts
from bot.flows.script import Script
from bot.flows.steps.base import (
    WAIT_OF,
    Answered,
    CardCompleted,
    CardPending,
    ConsentChanged,
    Event,
    FactsNeeded,
    Started,
    TimeCame,
)
from bot.model.contact import Consent, ConsentState
from bot.model.conversation import Card, Text
from bot.model.event import Source
from bot.model.flow import RunStatus, State, Wait
from tests.people import AT, person

FACTS = PersonFacts(person("ada", name="Ada Byron", attributes={"size": "L"}), AT)
HOURS = {"time_zone": "Europe/Madrid", "days": {"monday": [{"opens": "09:00", "closes": "17:00"}]}}
"""`AT` is a Monday, 10:41 in Madrid."""


def script(*steps: dict[str, Any], **values: Any) -> Script:
    return Script(flow="flow", **{"steps": steps, **values})


def say(id: str, text: str = "") -> dict[str, Any]:
    return {"kind": "say", "id": id, "text": text or id}


def said(effects: Sequence[Effect]) -> list[str]:
    """Texts, and the titles of cards."""
    written = [effect.content for effect in effects if isinstance(effect, Write)]
    return [content.text if isinstance(content, Text) else content.title for content in written]


def play(flow: Script, *events: Event, facts: PersonFacts = FACTS, locale: str = "en") -> tuple[list[Effect], State]:
    """The effects of all events after the start, and the last state."""
    effects, state = advance(flow, begun(flow, locale), Started(AT), facts)
    made = [*effects]
    for event in events:
        effects, state = advance(flow, state, event, facts)
        made += effects
    return made, state


CHOICE = script(
    {
        "kind": "ask", "id": "which", "text": "Which?", "answer": "choice", "tries": 2, "attribute": "roast",
        "translations": {"es": "¿Cuál?"},
        "choices": [
            {"id": "dark", "label": "Dark", "translations": {"es": "Oscuro"}, "steps": [say("strong")]},
            {"id": "light", "label": "Light", "steps": [say("mild"), {"kind": "end", "id": "stop"}]},
            {"id": "any", "label": "Any"},
        ],
        "otherwise": [say("lost")],
    },
    say("bye"),
)  # fmt: skip


class TestChoices:
    @pytest.mark.parametrize(
        ("answer", "words", "kept"),
        [
            ("Dark", ["strong", "bye"], "Dark"),
            (" oscuro ", ["strong", "bye"], "Dark"),
            ("1", ["strong", "bye"], "Dark"),
            ("light", ["mild"], "Light"),
            ("Any", ["bye"], "Any"),
        ],
    )
    def test_a_branch_ends_or_continues_behind_its_step(self, answer: str, words: list[str], kept: str) -> None:
        effects, state = play(CHOICE, Answered(AT, answer))
        assert said(effects) == ["Which?", *words]
        assert SetAttribute("roast", kept) in effects
        assert (state.status, state.answers) == (RunStatus.ENDED, {"which": kept})

    def test_an_answer_that_is_none_of_them_is_asked_for_again_and_then_leads_elsewhere(self) -> None:
        effects, state = play(CHOICE, Answered(AT, "Tea"))
        assert said(effects) == ["Which?", "Choose one of these options."]
        assert (state.step, state.tries, state.waits) == ("which", 1, (Wait.ANSWER,))
        effects, _ = play(CHOICE, Answered(AT, "Tea"), Answered(AT, "Tea!"))
        assert said(effects)[2:] == ["lost", "bye"]

    def test_replies_are_in_the_language_of_the_run(self) -> None:
        (question,), _ = play(CHOICE, locale="es")
        assert isinstance(question, Write)
        assert isinstance(question.content, Text)
        assert question.content.text == "¿Cuál?"
        assert [reply.label for reply in question.content.replies or ()] == ["Oscuro", "Light", "Any"]


class TestForm:
    FORM = script(
        {
            "kind": "opt_in_form", "id": "form", "subscription": "deals", "title": "Sign up", "dismiss": "No, thanks",
            "seconds": 60, "completed": [say("thanks")], "pending": [say("confirm")], "dismissed": [say("fine")],
            "no_answer": [say("still")],
        },
        say("bye"),
    )  # fmt: skip

    @pytest.mark.parametrize(
        ("event", "words"),
        [
            (CardCompleted(AT), ["thanks", "bye"]),
            (CardPending(AT), ["confirm", "bye"]),
            (Answered(AT, "no, thanks"), ["fine", "bye"]),
            (TimeCame(AT), ["still", "bye"]),
            (Answered(AT, "How much?"), []),
        ],
    )
    def test_each_outcome_has_its_branch(self, event: Event, words: list[str]) -> None:
        assert said(play(self.FORM, event)[0]) == ["Sign up", *words]

    def test_it_waits_for_what_it_has_steps_for(self) -> None:
        (card,), state = play(self.FORM)
        assert isinstance(card, Write)
        assert isinstance(card.content, Card)
        assert [reply.label for reply in card.content.replies or ()] == ["No, thanks"]
        assert (state.waits, state.until) == ((Wait.PART, Wait.ANSWER, Wait.TIME), AT + timedelta(seconds=60))

    def test_without_steps_for_pending_it_waits_for_the_confirmation(self) -> None:
        plain = script({"kind": "opt_in_form", "id": "form", "subscription": "deals", "title": "Sign up"}, say("bye"))
        assert said(play(plain, CardPending(AT))[0]) == ["Sign up"]
        assert said(play(plain, CardPending(AT), CardCompleted(AT))[0]) == ["Sign up", "bye"]


class TestAnswers:
    @pytest.mark.parametrize(
        ("kind", "text", "kept", "effect"),
        [
            ("email", " ada@example.com ", "ada@example.com", KeepAnswer("email", "ada@example.com")),
            ("email", "ada", None, "Enter an email address like name@example.com."),
            ("phone", "201 555 0123", "(201) 555-0123", KeepAnswer("phone", "+12015550123")),
            ("phone", "12", None, None),
            ("name", "Ada", "Ada", KeepAnswer("name", "Ada")),
            ("name", "?", None, "Enter your name."),
            ("number", "12,5", "12.5", None),
            ("number", "many", None, "Enter a number like 12.5."),
        ],
    )
    def test_an_answer_is_checked_and_kept(
        self, kind: str, text: str, kept: str | None, effect: Effect | str | None
    ) -> None:
        flow = script({"kind": "ask", "id": "a", "text": "?", "answer": kind}, say("bye"))
        effects, state = play(flow, Answered(AT, text))
        assert state.answers.get("a") == kept
        assert (state.status is RunStatus.ENDED) == (kept is not None)
        if isinstance(effect, str):
            assert said(effects) == ["?", effect]
        elif effect:
            assert effect in effects

    def test_an_answer_that_never_came(self) -> None:
        flow = script({"kind": "ask", "id": "a", "text": "?", "seconds": 60, "no_answer": [say("late")]}, say("bye"))
        assert said(play(flow, TimeCame(AT))[0]) == ["?", "late", "bye"]


class TestConditions:
    def condition(self, *rules: dict[str, Any], **values: Any) -> Script:
        when = {"conditions": rules, **values}
        return script({"kind": "condition", "id": "if", "when": when, "then": [say("yes")], "otherwise": [say("no")]})

    @pytest.mark.parametrize(
        ("rules", "match", "word"),
        [
            ([{"field": "attribute", "key": "size", "values": ["L"]}], "all", "yes"),
            ([{"field": "attribute", "key": "size", "values": ["M"]}], "all", "no"),
            ([{"field": "attribute", "key": "size", "values": ["M"], "is_not": True}], "all", "yes"),
            ([{"field": "has_phone"}, {"field": "locale", "locales": ["en"]}], "all", "no"),
            ([{"field": "has_phone"}, {"field": "locale", "locales": ["en"]}], "any", "yes"),
            ([{"field": "consent", "subscription": "deals", "states": ["none"]}], "all", "yes"),
            ([], "all", "yes"),
        ],
    )
    def test_the_branch_depends_on_the_person(self, rules: list[dict[str, Any]], match: str, word: str) -> None:
        assert said(play(self.condition(*rules, match=match))[0]) == [word]

    def test_it_asks_for_facts(self) -> None:
        flow = self.condition()
        with pytest.raises(FactsNeeded):
            advance(flow, begun(flow, "en"), Started(AT))

    def test_the_consent_counts_that_is_current(self) -> None:
        yes = Consent(subscription="deals", state=ConsentState.OPTED_IN, at=AT, source=Source.FORM, event="e")
        flow = self.condition({"field": "consent", "subscription": "deals", "states": ["opted_in"]})
        assert said(play(flow, facts=PersonFacts(person("ada", consents=(yes,)), AT))[0]) == ["yes"]
        assert said(play(flow)[0]) == ["no"]

    def test_office_hours_are_those_of_the_flow(self) -> None:
        open_now = script({"kind": "wait", "id": "w", "until": "office_hours"}, say("open"), office_hours=HOURS)
        assert open_now.office_hours
        facts = PersonFacts(FACTS.contact, AT, hours=open_now.office_hours)
        assert said(play(open_now, facts=facts)[0]) == ["open"]
        closed = open_now.office_hours.model_copy(update={"closed": (AT.date(),)})
        effects, state = play(open_now, facts=PersonFacts(FACTS.contact, AT, hours=closed))
        assert (said(effects), state.until) == ([], (AT + timedelta(days=7)).replace(hour=8, minute=0))


def test_effects_besides_entries_are_data() -> None:
    flow = script(
        {"kind": "tag", "id": "t", "tag": "vip"},
        {"kind": "set_attribute", "id": "s", "attribute": "who", "value": "{{first_name}} {{attribute_size}}"},
        {"kind": "hand_over", "id": "h", "text": "One moment", "assignee": "ada"},
        say("never"),
    )
    effects, state = play(flow)
    assert effects == [
        ChangeTag("vip"), SetAttribute("who", "Ada L"), Write(Text(text="One moment")), HandOver("ada"),
    ]  # fmt: skip
    assert state.status is RunStatus.ENDED
    assert loaded_effects(stored_effects(effects)) == effects


def test_another_flow_is_started_last() -> None:
    effects, state = play(script(say("hi"), {"kind": "start_flow", "id": "s", "flow": "other"}, say("never")))
    assert (said(effects), effects[-1], state.status) == (["hi"], StartFlow("other"), RunStatus.ENDED)


class TestLoops:
    def test_a_question_can_be_asked_again(self) -> None:
        flow = script({"kind": "ask", "id": "a", "text": "?"}, say("b"), {"kind": "go_to", "id": "g", "step": "a"})
        effects, state = play(flow, Answered(AT, "x"), Answered(AT, "y"))
        assert said(effects) == ["?", "b", "?", "b", "?"]
        assert state.answers == {"a": "y"}

    def test_a_circle_is_stopped(self) -> None:
        _, state = play(script(say("a"), {"kind": "go_to", "id": "g", "step": "a"}))
        assert (state.status, state.error) == (RunStatus.FAILED, RUNS_IN_A_CIRCLE)

    def test_a_clock_that_never_ends_is_stopped_and_an_answer_starts_the_count_again(self) -> None:
        flow = script({"kind": "wait", "id": "w", "seconds": 1}, {"kind": "go_to", "id": "g", "step": "w"})
        _, state = play(flow, *[TimeCame(AT)] * MOST_TURNS)
        assert state.status is RunStatus.WAITING
        _, state = advance(flow, state, TimeCame(AT))
        assert (state.status, state.error) == (RunStatus.FAILED, RUNS_FOREVER)


# --- whatever a flow is like

LEAVES = st.sampled_from(["say", "ask", "form", "wait", "consent", "tag", "end", "hand_over", "go_to"])


def _step(kind: str, branches: list[list[Any]]) -> dict[str, Any]:
    one, two = [*branches, [], []][:2]
    match kind:
        case "ask":
            return {"kind": "ask", "text": "?", "answer": "email", "tries": 2, "otherwise": one}
        case "choice":
            each = [{"id": "x", "label": "X", "steps": one}, {"id": "y", "label": "Y", "steps": two}]
            return {"kind": "ask", "text": "?", "answer": "choice", "choices": each, "seconds": 60, "no_answer": one}
        case "form":
            named = {"pending": one, "dismissed": two, "dismiss": "No"}
            return {"kind": "opt_in_form", "subscription": "deals", "title": "T", **named}
        case "wait":
            return {"kind": "wait", "seconds": 60}
        case "consent":
            return {"kind": "wait_for_consent", "subscription": "deals", "seconds": 60, "no_answer": one}
        case "condition":
            rule = {"field": "attribute", "key": "size", "values": ["L"]}
            return {"kind": "condition", "when": {"conditions": [rule]}, "then": one, "otherwise": two}
        case "tag":
            return {"kind": "tag", "tag": "vip"}
        case "go_to":
            return {"kind": "go_to"}
        case "hand_over" | "end":
            return {"kind": kind}
    return {"kind": "say", "text": "Hi"}


STEPS = st.recursive(
    LEAVES.map(lambda kind: _step(kind, [])),
    lambda inner: st.builds(
        _step,
        st.sampled_from(["choice", "condition", "form", "ask", "consent"]),
        st.lists(st.lists(inner, max_size=3), max_size=2),
    ),
    max_leaves=12,
)


def _numbered(steps: list[dict[str, Any]], targets: list[int]) -> Script:
    """With an id for each step, and targets for those that go somewhere."""
    ids: list[str] = []

    def number(raw: Any) -> Any:
        if isinstance(raw, list):
            return [number(value) for value in raw]
        if not isinstance(raw, dict):
            return raw
        if "kind" not in raw:
            return {key: number(value) for key, value in raw.items()}
        ids.append(f"s{len(ids)}")
        return {"id": ids[-1], **{key: number(value) for key, value in raw.items()}}

    numbered = number(steps)

    def aim(raw: Any) -> Any:
        if isinstance(raw, list):
            return [aim(value) for value in raw]
        if not isinstance(raw, dict):
            return raw
        aimed = {key: aim(value) for key, value in raw.items()}
        return {**aimed, "step": ids[targets[0] % len(ids)]} if raw.get("kind") == "go_to" else aimed

    return script(*aim(numbered))


FLOWS = st.builds(_numbered, st.lists(STEPS, min_size=1, max_size=5), st.lists(st.integers(0, 50), min_size=1))
EVENTS: list[Event] = [
    Started(AT), CardCompleted(AT), CardPending(AT), Answered(AT, "x"), Answered(AT, "a@example.com"), TimeCame(AT),
    ConsentChanged(AT, "deals", ConsentState.OPTED_IN),
]  # fmt: skip
HAPPENINGS = st.lists(st.sampled_from(EVENTS), max_size=20)
OF_WAIT: dict[Wait, Event] = {
    Wait.PART: CardCompleted(AT), Wait.ANSWER: Answered(AT, "x"), Wait.TIME: TimeCame(AT),
    Wait.CONSENT: ConsentChanged(AT, "deals", ConsentState.OPTED_IN),
}  # fmt: skip


@given(FLOWS, HAPPENINGS)
@settings(deadline=None)
def test_every_state_that_is_reached_is_an_end_or_waits_for_something_that_moves_it(
    flow: Script, events: list[Event]
) -> None:
    _, state = play(flow, *events)
    if state.status is not RunStatus.WAITING:
        assert state.status in {RunStatus.ENDED, RunStatus.FAILED}
        return
    assert state.step in flow.places
    assert any(advance(flow, state, OF_WAIT[wait], FACTS) != ((), state) for wait in state.waits)


@given(FLOWS, HAPPENINGS)
@settings(deadline=None)
def test_replaying_the_events_gives_the_same(flow: Script, events: list[Event]) -> None:
    again = Script.model_validate(flow.model_dump())
    assert play(flow, *events) == play(again, *events)


@given(FLOWS, HAPPENINGS)
@settings(deadline=None)
def test_only_an_event_that_is_waited_for_does_something(flow: Script, events: list[Event]) -> None:
    _, state = play(flow, *events)
    for event in EVENTS:
        if WAIT_OF.get(type(event)) not in state.waits:
            assert advance(flow, state, event, FACTS) == ((), state)


@given(FLOWS, HAPPENINGS)
@settings(deadline=None)
def test_a_stored_state_continues_like_the_one_in_memory(flow: Script, events: list[Event]) -> None:
    _, state = play(flow, *events)
    assert State.model_validate(state.model_dump(exclude_none=True)) == state
