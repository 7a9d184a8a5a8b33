"""What the figures should be, and whether they are: one table at the end of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.table import table


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float
    aim: float | None = None
    """At least this much. None: printed for comparison."""
    stretch: float | None = None
    is_limit: bool = False
    """The aim is the most that it may be."""
    form: str = ".2f"

    @property
    def result(self) -> str:
        if self.aim is None:
            return ""
        if not self._reaches(self.aim):
            return "NOT met"
        return "stretch met" if self.stretch is not None and self._reaches(self.stretch) else "met"

    def row(self) -> list[str]:
        sign = "<=" if self.is_limit else ">="
        aims = [f"{sign} {format(aim, self.form)}" if aim is not None else "" for aim in (self.aim, self.stretch)]
        return [self.name, *aims, format(self.value, self.form), self.result]

    def _reaches(self, aim: float) -> bool:
        return self.value <= aim if self.is_limit else self.value >= aim


def show(figures: Sequence[Figure]) -> None:
    table("All aims", ["", "aim", "stretch", "value", ""], [figure.row() for figure in figures])
