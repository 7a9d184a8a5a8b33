"""The step function: pure. A script, a state and an event give the effects and the next state."""

from __future__ import annotations

from dataclasses import dataclass

from bot.errors import marked as _
from bot.flows.effects import Effect, Notify, SendSms, Write
from bot.flows.matching import StepFacts
from bot.flows.script import Script
from bot.flows.steps.base import Answered, CardCompleted, CardPending, Event, Outcome, Started, Turn
from bot.model.flow import RunStatus, State

MOST_AT_ONCE = 500
"""Steps of one transition."""
MOST_TURNS = 1000
"""Transitions of a run since the contact did something."""
BY_CONTACT = (Answered, CardCompleted, CardPending)
RUNS_IN_A_CIRCLE = _("The flow was stopped: it repeated its steps without waiting for anything.")
RUNS_FOREVER = _("The flow was stopped: it repeated its steps too often without an answer.")
STEP_MISSING = _("The flow was stopped: its next step doesn't exist.")


@dataclass(frozen=True, slots=True)
class Transition:
    effects: tuple[Effect, ...]
    state: State
    entered: tuple[str, ...] = ()
    """The steps that the run came to, in order."""


def advance(
    script: Script, state: State, event: Event, facts: StepFacts | None = None
) -> tuple[tuple[Effect, ...], State]:
    """The effects and the next state, see `transition`."""
    made = transition(script, state, event, facts)
    return made.effects, made.state


def transition(script: Script, state: State, event: Event, facts: StepFacts | None = None) -> Transition:
    """Runs until a step waits or the flow ends.

    An event that the run doesn't wait for changes nothing and has no effects.

    Without `facts`, raises FactsNeeded if a step asks about the person. With the same arguments the result is always
    the same.
    """
    entered: list[str] = []
    effects, after = _transition(script, state, event, facts, entered)
    named = (e.asked_by(script.flow, script.version) if isinstance(e, Write | SendSms | Notify) else e for e in effects)
    return Transition(tuple(named), after, tuple(entered))


def begun(script: Script, reader: str, *, by_text: bool = False) -> State:
    """The state of a run before its first step. `reader`: the contact's language. `by_text`: it talks by SMS."""
    return State(locale=script.language(reader), by_text=by_text or None)


def _transition(
    script: Script, state: State, event: Event, facts: StepFacts | None, entered: list[str]
) -> tuple[list[Effect], State]:
    if state.status is RunStatus.RUNNING and isinstance(event, Started):
        return _from(script, script.first, state, event, facts, [], entered)
    if state.status is not RunStatus.WAITING or state.step not in script.places:
        return [], state
    outcome = script.step(state.step).resume(_turn(state, event, facts))
    if outcome is None:
        return [], state
    if outcome.is_unusable:
        return [*outcome.effects], state.model_copy(update={"tries": (state.tries or 0) + 1, "turns": None})
    turns = None if isinstance(event, BY_CONTACT) else (state.turns or 0) + 1
    if turns and turns > MOST_TURNS:
        return [], _failed(state, RUNS_FOREVER)
    after = _after(state, state.step, outcome).model_copy(update={"turns": turns})
    return _from(script, script.following(state.step, outcome), after, event, facts, [*outcome.effects], entered)


def _from(
    script: Script,
    id: str,
    state: State,
    event: Event,
    facts: StepFacts | None,
    effects: list[Effect],
    entered: list[str],
) -> tuple[list[Effect], State]:
    """`id`: the next step, or empty."""
    taken = 0
    while id and state.status is RunStatus.RUNNING:
        if taken == MOST_AT_ONCE:
            return effects, _failed(state, RUNS_IN_A_CIRCLE)
        if id not in script.places:
            return effects, _failed(state, STEP_MISSING)
        entered.append(id)
        outcome = script.step(id).enter(_turn(state, event, facts))
        effects += outcome.effects
        state = _after(state, id, outcome)
        id, taken = script.following(id, outcome), taken + 1
    is_over = state.status is RunStatus.RUNNING
    return effects, _ended(state) if is_over else state


def _turn(state: State, event: Event, facts: StepFacts | None) -> Turn:
    return Turn(event, state.answers, state.locale, state.tries or 0, facts, by_text=bool(state.by_text))


def _after(state: State, step: str, outcome: Outcome) -> State:
    """The state after a step: `RUNNING` if the next one follows at once."""
    answers = state.answers if outcome.answer is None else {**state.answers, step: outcome.answer}
    kept = {"answers": answers, "locale": state.locale, "by_text": state.by_text, "turns": state.turns}
    if outcome.ends:
        return _ended(State(**kept))
    if outcome.waits:
        waits = {"waits": outcome.waits, "until": outcome.until}
        return State(status=RunStatus.WAITING, step=step, **waits, **kept)
    return State(**kept)


def _ended(state: State) -> State:
    return _over(state, RunStatus.ENDED)


def _failed(state: State, why: str) -> State:
    return _over(state, RunStatus.FAILED, error=why)


def _over(state: State, status: RunStatus, error: str | None = None) -> State:
    return State(status=status, answers=state.answers, locale=state.locale, by_text=state.by_text, error=error)
