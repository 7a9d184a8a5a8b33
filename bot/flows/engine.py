"""The step function: pure. A script and a place in it give the entries to write and the next place."""

from __future__ import annotations

from collections.abc import Sequence

from bot.model.conversation import Card, Text
from bot.model.flow import Effect, End, OptInForm, Place, RunStatus, Say, Step


def advance(steps: Sequence[Step], place: Place) -> tuple[Place, tuple[Effect, ...]]:
    """Goes on from `place` (whose step is the next one to do) up to where the flow waits or ends.

    A card is always the last effect: the run then waits for it, and its step is the one after the card.
    """
    effects: list[Effect] = []
    for index, step in enumerate(steps[place.step :], start=place.step):
        match step:
            case Say():
                effects.append(Effect(content=Text(text=step.text)))
            case OptInForm():
                effects.append(Effect(content=_card(step)))
                return Place(step=index + 1, status=RunStatus.WAITING), tuple(effects)
            case End():
                return Place(step=index, status=RunStatus.ENDED), tuple(effects)
    return Place(step=len(steps), status=RunStatus.ENDED), tuple(effects)


def _card(step: OptInForm) -> Card:
    return Card(subscription=step.subscription, title=step.title, button=step.button, legal_text=step.legal_text)
