"""The step function: pure. A script, a state and an event give the effects and the next state."""

from __future__ import annotations

from bot.flows.script import Script
from bot.flows.steps.base import Effect, Event, Outcome, Started
from bot.model.flow import RunStatus, State


def advance(script: Script, state: State, event: Event) -> tuple[tuple[Effect, ...], State]:
    """Runs until a step waits or the flow ends.

    An event that the run doesn't wait for changes nothing and has no effects.
    """
    effects, after = _transition(script, state, event)
    return tuple(effect.asked_by(script.flow, script.version) for effect in effects), after


def _transition(script: Script, state: State, event: Event) -> tuple[list[Effect], State]:
    if state.status is RunStatus.RUNNING and isinstance(event, Started):
        return _from(script, 0, state, event, [])
    if state.status is not RunStatus.WAITING:
        return [], state
    place = script.place(state.step)
    outcome = script.steps[place].resume(event, state.answers)
    if outcome is None:
        return [], state
    return _from(script, place + 1, _after(state, state.step, outcome), event, [*outcome.effects])


def _from(script: Script, place: int, state: State, event: Event, effects: list[Effect]) -> tuple[list[Effect], State]:
    for step in script.steps[place:]:
        if state.status is not RunStatus.RUNNING:
            return effects, state
        outcome = step.enter(event, state.answers)
        effects += outcome.effects
        state = _after(state, step.id, outcome)
    is_over = state.status is RunStatus.RUNNING
    return effects, state.model_copy(update={"status": RunStatus.ENDED}) if is_over else state


def _after(state: State, step: str, outcome: Outcome) -> State:
    """The state after a step: `RUNNING` if the next one follows at once."""
    answers = state.answers if outcome.answer is None else {**state.answers, step: outcome.answer}
    if outcome.ends:
        return State(status=RunStatus.ENDED, answers=answers)
    if outcome.waits:
        waits = {"waits": outcome.waits, "until": outcome.until}
        return State(status=RunStatus.WAITING, step=step, answers=answers, **waits)
    return State(answers=answers)
