"""What a message costs."""

from __future__ import annotations

from decimal import Decimal

from bot.model.segment_price import SegmentPrice
from bot.outbound.cost import Cost, cost_of

US, FRENCH = SegmentPrice(country="US", micros=8_300), SegmentPrice(country="FR", micros=79_800)
TEXTS = {("US", "en"): 100, ("US", "es"): 10, ("FR", "fr"): 5}
SEGMENTS = {"en": 1, "es": 2, "fr": 2}


def test_each_country_and_language_counts() -> None:
    assert cost_of(TEXTS, SEGMENTS, [US, FRENCH]) == Cost(130, Decimal("1.794"), ())


def test_a_country_without_a_price_is_named() -> None:
    assert cost_of(TEXTS, SEGMENTS, [US]) == Cost(130, Decimal("0.996"), ("FR",))
    assert cost_of(TEXTS, SEGMENTS, []) == Cost(130, Decimal(0), ("FR", "US"))


def test_a_sample_stands_for_all() -> None:
    assert cost_of({("US", "en"): 100}, SEGMENTS, [US], Decimal(30)) == Cost(3000, Decimal("24.9"), ())
