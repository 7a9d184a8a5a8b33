"""The step function: pure. A script, a state and an event give the effects and the next state."""

from __future__ import annotations

from bot.flows.script import Script
from bot.flows.steps.base import Effect, Event, Outcome, Started
from bot.model.flow import RunStatus, State

ENDED = State(status=RunStatus.ENDED)


def advance(script: Script, state: State, event: Event) -> tuple[tuple[Effect, ...], State]:
    """Continues up to where the run waits or ends.

    An event that the run doesn't wait for changes nothing and has no effects.
    """
    if state.status is RunStatus.RUNNING and isinstance(event, Started):
        return _from(script, 0, event, [])
    if state.status is not RunStatus.WAITING:
        return (), state
    place = script.place(state.step)
    outcome = script.steps[place].resume(event)
    if outcome is None:
        return (), state
    effects = [*outcome.effects]
    stopped = _stopped(state.step, outcome)
    return (tuple(effects), stopped) if stopped else _from(script, place + 1, event, effects)


def _from(script: Script, place: int, event: Event, effects: list[Effect]) -> tuple[tuple[Effect, ...], State]:
    for step in script.steps[place:]:
        outcome = step.enter(event)
        effects += outcome.effects
        if stopped := _stopped(step.id, outcome):
            return tuple(effects), stopped
    return tuple(effects), ENDED


def _stopped(step: str, outcome: Outcome) -> State | None:
    """The state of a run that goes no further than this step. None: it continues."""
    if outcome.ends:
        return ENDED
    if outcome.waits:
        return State(status=RunStatus.WAITING, step=step, waits=outcome.waits, until=outcome.until)
    return None
