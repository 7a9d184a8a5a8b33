"""Estimates the cost of a message from the prices of the workspace: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from bot.model.segment_price import SegmentPrice
from bot.outbound.sms_length import sms_length


@dataclass(frozen=True, slots=True)
class Cost:
    segments: int
    amount: Decimal
    """Of the segments that have a price."""
    unpriced: tuple[str, ...]
    """Countries without one."""


def bill(body: str, country: str, prices: Sequence[SegmentPrice]) -> dict[str, int]:
    """What a copy stores: its segments, and their price at that time if the country has one."""
    segments = sms_length(body).segments
    price = next((price.micros for price in prices if price.country == country), None)
    return {"segments": segments, **({"cost": segments * price} if price else {})}


def cost_of(
    texts: Mapping[tuple[str, str], int],
    segments: Mapping[str, int],
    prices: Sequence[SegmentPrice],
    share: Decimal = Decimal(1),
) -> Cost:
    """`texts`: how many, by country and language. `segments`: of each, by language. `share`: of a sample, by how much
    the audience is larger."""
    amounts = {price.country: price.amount for price in prices}
    total, amount = Decimal(0), Decimal(0)
    for (country, language), number in texts.items():
        own = number * segments[language] * share
        total += own
        amount += own * amounts.get(country, Decimal(0))
    countries = {country for country, _language in texts}
    return Cost(round(total), amount, tuple(sorted(countries - amounts.keys())))
