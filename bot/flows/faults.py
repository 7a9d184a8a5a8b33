"""What is wrong with a flow that someone wrote: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.flows.nodes import Place


@dataclass(frozen=True, slots=True)
class FlowFault:
    """`step`: the id of the step that it is in, if it is in one. `text` is English and a gettext id. A flow with
    nothing but warnings can be published."""

    place: Place
    text: str
    values: Mapping[str, str] = field(default_factory=dict)
    is_warning: bool = False
    step: str = ""

    @property
    def path(self) -> str:
        """Like `steps[2].choices[0].label`."""
        return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in self.place).lstrip(".")

    def __str__(self) -> str:
        return self.text % self.values if self.values else self.text
