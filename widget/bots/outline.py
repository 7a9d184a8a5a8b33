"""A flow as a nested list of steps in words: beside its map, and as an old version is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.flows.layout import shown_branches
from bot.flows.steps import Step
from widget.bots.step_words import StepWords


@dataclass(frozen=True, slots=True)
class OutlineStep:
    id: str
    icon: str
    name: str
    summary: str
    branches: tuple[tuple[str, tuple[OutlineStep, ...]], ...]
    """Name and steps of each."""


def outline(steps: Sequence[Step], words: StepWords) -> tuple[OutlineStep, ...]:
    return tuple(
        OutlineStep(step.id, words.icon(step), words.name(step), words.summary(step), tuple(_branches(step, words)))
        for step in steps
    )


def _branches(step: Step, words: StepWords) -> Iterator[tuple[str, tuple[OutlineStep, ...]]]:
    for branch, steps in shown_branches(step).items():
        if branch or steps:
            yield words.branch(step, branch), outline(steps, words)
