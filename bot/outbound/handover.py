"""A text that may be sent, and what is asked again once it is marked as handed over.

Whatever could have changed since it was judged is read after the mark: the consent, a pause or cancellation of its
message, the person's wishes, texts of other workers to the same number, and last of all the stop list. Of two workers
that mark texts to one number, at least one sees the other's mark, so neither a cap nor a person's wish is exceeded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform
from typing import Any

from bot.compliance.whereabouts import whereabouts
from bot.model.base import now
from bot.model.contact import Consent
from bot.model.delivery import Delivery
from bot.model.pace import NO_PACE
from bot.outbound.facts import FactReader
from bot.outbound.kinds import KINDS, Facts
from bot.outbound.marketing_rules import MarketingRules

CLAIM_EXPIRED, CAP_RACE, JUDGE_AGAIN = "claim_expired", "cap_race", "judge_again"


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
    def __init__(self, facts: FactReader, clock: Callable[[], datetime]) -> None:
        self._facts = facts
        self._clock = clock

    async def refusals(self, texts: Sequence[Handover]) -> dict[str, str]:
        """By delivery, why it can't be sent after all; empty: it can."""
        facts, rules = await self._facts.permission([text.delivery for text in texts])
        return {text.delivery.id: self._refusal(text, facts[text.delivery.id], rules) for text in texts}

    def _refusal(self, text: Handover, facts: Facts, rules: MarketingRules) -> str:
        delivery, contact = text.delivery, facts.contact
        if reason := KINDS[delivery.kind].refusal(delivery, facts):
            return reason
        if facts.is_paused or _grounds(text.facts, delivery) != _grounds(facts, delivery):
            return JUDGE_AGAIN
        pace = contact.pace if contact else NO_PACE
        if delivery.may_be_marketing and pace.is_paused(self._clock()):
            return "paused_by_person"
        if not text.is_marketing:
            return ""
        where = whereabouts(delivery.number, contact.time_zone if contact else None)
        is_over = rules.is_over_cap(delivery, where, facts.program, self._clock(), pace)
        return CAP_RACE if is_over else ""


def _grounds(facts: Facts, delivery: Delivery) -> tuple[Consent | None, str | None]:
    """What the contact said and where they live, on which the judgment rests: the consent is stored as its proof."""
    contact = facts.contact
    return (contact.consent(delivery.subscription), contact.time_zone) if contact else (None, None)


def after_race() -> datetime:
    """When texts that kept each other from leaving are judged again, at different times."""
    return now() + timedelta(seconds=uniform(0.5, 3.0))  # noqa: S311 (no secret)
