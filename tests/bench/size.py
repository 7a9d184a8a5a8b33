"""How much is measured."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Size:
    seconds: float
    """Of each measure."""
    rounds: int
    """Sayso and its peer are measured in turn, so often each: the machine's speed drifts."""
    open_lines: tuple[int, ...]
    contacts: int
    """New contacts that are made before each slice of the ledger's measure, outside its time."""
    listed: int
    """Contacts that lists, counts and searches are measured with."""

    def lasting(self, seconds: float) -> Size:
        return replace(self, seconds=seconds)

    @property
    def round_seconds(self) -> float:
        return self.seconds / self.rounds


WHOLE = Size(seconds=8.0, rounds=2, open_lines=(1, 100, 1000), contacts=16_384, listed=50_000)
QUICK = Size(seconds=2.0, rounds=1, open_lines=(1, 1000), contacts=4_096, listed=5_000)
