"""What a segment of a text to a country costs, as the workspace says."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field

from bot.model.base import Value

MICROS = 1_000_000


class SegmentPrice(Value):
    country: str = Field(pattern=r"^[A-Z]{2}$")
    micros: int = Field(ge=1, le=100 * MICROS)
    """Millionths of the workspace's currency."""

    @property
    def amount(self) -> Decimal:
        return Decimal(self.micros) / MICROS
