"""A flow version's steps, read and checked: pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from bot.flows.steps import Step
from bot.model.base import Value
from bot.model.flow import FlowVersion, version_id


class Script(Value):
    """Steps are taken in order, unless a step ends the run."""

    model_config = ConfigDict(extra="forbid")

    flow: str = ""
    version: int = 1
    steps: tuple[Step, ...] = Field(min_length=1, max_length=200)

    @classmethod
    def of(cls, version: FlowVersion) -> Self:
        return cls(flow=version.flow, version=version.version, steps=version.steps)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        ids = [step.id for step in self.steps]
        if len(ids) != len(set(ids)):
            raise ValueError("each step needs an id of its own")
        return self

    def place(self, id: str) -> int:
        """The index of the step with this id. Raises KeyError."""
        for index, step in enumerate(self.steps):
            if step.id == id:
                return index
        raise KeyError(id)


def flow_version(flow: str, version: int, steps: Sequence[Step], at: datetime) -> FlowVersion:
    """The stored form of these steps."""
    script = Script(flow=flow, version=version, steps=tuple(steps))
    return FlowVersion(
        id=version_id(flow, version),
        flow=flow,
        version=version,
        steps=tuple(step.model_dump(exclude_defaults=False) for step in script.steps),
        created_at=at,
    )
