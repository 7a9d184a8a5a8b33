"""A text that may be sent, and what is asked again once it is marked as handed over.

Whatever could have changed since it was judged is read after the mark: a STOP, a wish for a pause or fewer texts, and
texts of other workers to the same number. Of two workers that mark texts to one number, at least one sees the other's
mark, so neither a cap nor what a person wishes is exceeded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import uniform
from typing import Any

from bot.compliance.whereabouts import whereabouts
from bot.consent.stop_list import StopList
from bot.model.base import now
from bot.model.delivery import Delivery
from bot.model.pace import NO_PACE, Pace
from bot.outbound.facts import FactReader
from bot.outbound.kinds import KINDS, Facts
from bot.outbound.marketing_rules import MarketingRules

CLAIM_EXPIRED, CAP_RACE = "claim_expired", "cap_race"


@dataclass(frozen=True, slots=True)
class Handover:
    """A text that may be sent, as of `facts`. `values`: what is stored with it."""

    delivery: Delivery
    facts: Facts
    body: str
    values: dict[str, Any]
    quiet_from: datetime | None = None
    """When it must have reached the phone."""
    sender: str | None = None

    @property
    def is_marketing(self) -> bool:
        return bool(self.values.get("is_marketing"))


class LateChecks:
    def __init__(self, stops: StopList, facts: FactReader, clock: Callable[[], datetime]) -> None:
        self._stops = stops
        self._facts = facts
        self._clock = clock

    async def refusals(self, texts: Sequence[Handover]) -> dict[str, str]:
        """By delivery, why it can't be sent after all; empty: it can. Three queries for all texts."""
        stopped, paces = await asyncio.gather(
            self._stops.among({text.delivery.number for text in texts}),
            self._facts.paces({text.delivery.contact for text in texts if text.delivery.may_be_marketing}),
        )
        marketing = [text for text in texts if text.is_marketing]
        numbers, programs = {text.delivery.number for text in marketing}, [text.facts.program for text in marketing]
        rules = await self._facts.marketing(numbers, programs, paces.values())
        return {t.delivery.id: self._refusal(t, stopped, paces.get(t.delivery.contact, NO_PACE), rules) for t in texts}

    def _refusal(self, text: Handover, stopped: set[str], pace: Pace, rules: MarketingRules) -> str:
        delivery = text.delivery
        if delivery.number in stopped:
            return KINDS[delivery.kind].refusal(delivery, replace(text.facts, is_stopped=True)) or ""
        if delivery.may_be_marketing and pace.is_paused(self._clock()):
            return "paused_by_person"
        if not text.is_marketing:
            return ""
        zone = text.facts.contact.time_zone if text.facts.contact else None
        where = whereabouts(delivery.number, zone)
        is_over = rules.is_over_cap(delivery, where, text.facts.program, self._clock(), pace)
        return CAP_RACE if is_over else ""


def after_race() -> datetime:
    """When texts that kept each other from leaving are judged again, at different times."""
    return now() + timedelta(seconds=uniform(0.5, 3.0))  # noqa: S311 (no secret)
