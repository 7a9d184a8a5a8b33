"""A flow as people write it, and as it is stored, exported and edited: pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from bot.errors import marked as _
from bot.flows.matching import Who
from bot.flows.office_hours import OfficeHours
from bot.flows.steps import MOST_STEPS, Step, Steps
from bot.flows.triggers import Trigger
from bot.model.base import Value

FORMAT = 1
"""Of the document. A later one reads all earlier ones."""


class FlowAudience(Who):
    """For whom a flow starts, besides its triggers.

    `once`: at most once for a person. `joins_teammates`: also in a conversation in which a teammate writes. `in_hours`:
    only within the flow's office hours.
    """

    once: bool = False
    joins_teammates: bool = False
    in_hours: bool = False

    @property
    def is_everyone(self) -> bool:
        return not (self.conditions or self.once or self.in_hours)


class FlowDocument(Value):
    """Triggers say when it starts, the audience for whom, and the steps what it does. `locale`: the language of its
    texts."""

    model_config = ConfigDict(extra="forbid")

    format: Literal[1] = 1
    name: str = Field(default="", max_length=100)
    locale: str = Field(default="en", pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")
    triggers: tuple[Trigger, ...] = Field(default=(), max_length=10)
    audience: FlowAudience = FlowAudience()
    office_hours: OfficeHours | None = None
    steps: Steps = Field(min_length=1)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        """What no run could be made of. `bot.flows.check` says more, and where."""
        ids = [step.id for step in self.all_steps()]
        if len(ids) != len(set(ids)):
            raise ValueError(_("Give each step a unique ID."))
        if len(ids) > MOST_STEPS:
            raise ValueError(_("A flow can have up to 200 steps."))
        return self

    def all_steps(self) -> Iterator[Step]:
        """In the order in which they are written, with those of branches."""
        return _all(self.steps)

    def written(self) -> dict[str, object]:
        """As JSON without defaults, for files and the database."""
        return {"format": FORMAT, **self.model_dump(mode="json", exclude_defaults=True, exclude={"format"})}

    def as_file(self) -> str:
        return json.dumps(self.written(), ensure_ascii=False, indent=2) + "\n"


def _all(steps: Sequence[Step]) -> Iterator[Step]:
    for step in steps:
        yield step
        for branch in step.branches().values():
            yield from _all(branch)
