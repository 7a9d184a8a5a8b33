"""A flow version, read and ready to run: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Self

from bot.flows.document import FlowDocument
from bot.flows.steps import Condition, OptInForm, Step
from bot.flows.steps.base import Outcome
from bot.flows.triggers import StartedByTeammate
from bot.flows.variants import ORIGINAL, variant_of
from bot.model.filter import ConsentIs
from bot.model.flow import FlowVersion, version_id


@dataclass(frozen=True, slots=True)
class StepPlace:
    """A step, and the id of the one that follows behind it and its branches; empty: the run is over."""

    step: Step
    then: str


class Script(FlowDocument):
    flow: str = ""
    version: int = 1

    @classmethod
    def of(cls, version: FlowVersion) -> Self:
        return cls(**{**version.document, "flow": version.flow, "version": version.version})

    @cached_property
    def places(self) -> dict[str, StepPlace]:
        """By the id of the step."""
        return {place.step.id: place for place in _places(self.steps, "")}

    @property
    def first(self) -> str:
        return self.steps[0].id

    def step(self, id: str) -> Step:
        """Raises KeyError."""
        return self.places[id].step

    def following(self, id: str, outcome: Outcome) -> str:
        """The id of the step after this outcome; empty: none."""
        if outcome.goes_to:
            return outcome.goes_to
        place = self.places[id]
        branch = place.step.branches().get(outcome.branch)
        return branch[0].id if branch else place.then

    def form_names(self, id: str, contact: str) -> tuple[str, ...]:
        """How the form of this step is counted; empty: it isn't a form."""
        step = self.step(id)
        if not isinstance(step, OptInForm):
            return ()
        if not step.variants:
            return (id,)
        variant = variant_of(self.flow, id, contact, step.variants)
        return id, f"{id}/{variant.id if variant else ORIGINAL}"

    @property
    def is_offered(self) -> bool:
        """Teammates can start it."""
        return any(isinstance(trigger, StartedByTeammate) for trigger in self.triggers)

    @cached_property
    def is_silent(self) -> bool:
        """It writes nothing into a conversation."""
        return all(place.step.is_silent for place in self.places.values())

    @cached_property
    def is_translated(self) -> bool:
        return any(place.step.is_translated for place in self.places.values())

    @cached_property
    def subscriptions(self) -> frozenset[str]:
        """Those that conditions ask about."""
        asked = [self.audience, *(p.step.when for p in self.places.values() if isinstance(p.step, Condition))]
        rules = [rule for who in asked for rule in who.conditions]
        return frozenset(rule.subscription for rule in rules if isinstance(rule, ConsentIs))

    @cached_property
    def forms(self) -> frozenset[str]:
        """The subscriptions that its forms are for."""
        return frozenset(p.step.subscription for p in self.places.values() if isinstance(p.step, OptInForm))

    def language(self, reader: str) -> str | None:
        """The language of a run's texts for this reader. None: English, the only one there is."""
        own = None if self.locale == "en" else self.locale
        return reader if self.is_translated else own


def _places(steps: Sequence[Step], then: str) -> Iterator[StepPlace]:
    for place, step in enumerate(steps, start=1):
        behind = steps[place].id if place < len(steps) else then
        yield StepPlace(step, behind)
        for branch in step.branches().values():
            yield from _places(branch, behind)


def flow_version(flow: str, version: int, document: FlowDocument, at: datetime, **more: Any) -> FlowVersion:
    """The stored form of this document. `more`: further fields, like `by`."""
    id = version_id(flow, version)
    return FlowVersion(id=id, flow=flow, version=version, document=document.written(), created_at=at, **more)
