"""Whether a marketing text may leave now: the person's wish, evidence, quiet hours, caps, country. Pure.

Asked of copies of outbound messages and of texts of flows, after the stop list and the consent, at the moment
of sending (law 7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.compliance.quiet_hours import TimeCheck, check_caps, check_time
from bot.compliance.texting_rules import CAPS, CLOSED
from bot.compliance.whereabouts import Whereabouts, whereabouts
from bot.model.contact import Consent
from bot.model.delivery import Delivery, MarketingText
from bot.model.event import Grade
from bot.model.pace import NO_PACE, Often, Pace
from bot.model.subscription import Purpose, Subscription
from bot.model.workspace import Workspace
from bot.outbound.kinds import Facts

LONGEST_CAP = timedelta(hours=max(cap.hours for cap in CAPS))
"""The longest period of a cap."""
LONGEST_GAP = max(often.gap for often in Often)
"""The longest gap between texts to people who asked for fewer."""
OWN_CAP = "subscription-cap"
"""The rule ID of a subscription's own cap."""
TEXAS = "US-TX"
PROVES_IN_TEXAS = frozenset({Grade.WRITTEN_SHOWN, Grade.KEYWORD})
"""Texas SB 140: programs that are based on consent need not register, and the consent has to be shown."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Why it may not leave now. `until`: when to ask again; None: it is not sent."""

    reason: str
    """`paused_by_person`, `fewer_by_person`, `weak_evidence`, `quiet_hours`, `cap`, `country_not_allowed` or
    `country_closed`."""
    rule: str = ""
    """The row of the table that says so."""
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """It may leave. `values`: what the delivery keeps as proof."""

    values: Mapping[str, Any]
    quiet_from: datetime | None = None
    """End of the window that allows it."""


def longest_cap(subscriptions: Iterable[Subscription]) -> timedelta:
    """How far back the texts that a person got are counted."""
    return max([LONGEST_CAP, *(s.cap_period.length for s in subscriptions if s.cap)])


class MarketingRules:
    """For the texts of one round. `sent`: by number, the marketing texts that it got within `longest_cap`."""

    def __init__(self, sent: Mapping[str, Sequence[MarketingText]], *, quiet_hours: bool) -> None:
        self._sent = {number: [*times] for number, times in sent.items()}
        self._quiet_hours = quiet_hours

    def check(self, delivery: Delivery, facts: Facts, at: datetime) -> Hold | Pass:
        """`facts`: of a text that neither the stop list nor the consent refuses. One that passes is counted."""
        if not delivery.may_be_marketing or facts.contact is None:
            return Pass({})
        where = whereabouts(delivery.number, facts.contact.time_zone)
        consent = facts.contact.consent(delivery.subscription)
        if hold := self.hold(delivery.number, where, consent, facts.program, facts.workspace, at, facts.contact.pace):
            return hold
        time, is_marketing = check_time(where, at), facts.program.purpose is Purpose.MARKETING
        if is_marketing:
            text = MarketingText(at, delivery.subscription, delivery.id)
            self._sent.setdefault(delivery.number, []).append(text)
        proof = _proof(time, consent, delivery, is_marketing=is_marketing)
        return Pass(proof, time.quiet_from if is_marketing and self._quiet_hours else None)

    def hold(
        self,
        number: str,
        where: Whereabouts,
        consent: Consent | None,
        program: Subscription,
        workspace: Workspace,
        at: datetime,
        pace: Pace = NO_PACE,
    ) -> Hold | None:
        """Why a text of the subscription may not be sent to this number at that time. It isn't counted."""
        is_marketing = program.purpose is Purpose.MARKETING
        hold = self._wish_hold(number, pace, at, is_marketing=is_marketing)
        hold = hold or (self._marketing_hold(number, where, consent, program, at) if is_marketing else None)
        return hold or country_hold(where, workspace, is_marketing=is_marketing)

    def _wish_hold(self, number: str, pace: Pace, at: datetime, *, is_marketing: bool) -> Hold | None:
        """A pause holds back every outbound message. What it holds back is not sent later: a person who paused for a
        month doesn't want a month's messages at its end."""
        if pace.is_paused(at):
            return Hold("paused_by_person")
        is_soon = is_marketing and _is_soon(self._sent.get(number, ()), pace, at)
        return Hold("fewer_by_person") if is_soon else None

    def is_over_cap(self, text: Delivery, where: Whereabouts, program: Subscription, at: datetime, pace: Pace) -> bool:
        """Whether the other texts to its number, including those that are about to leave, use up a cap, or are all
        that the person wishes."""
        others = [one for one in self._sent.get(text.number, ()) if one.delivery != text.id]
        return _is_soon(others, pace, at) or _cap_hold(others, where, program, at) is not None

    def _marketing_hold(
        self, number: str, where: Whereabouts, consent: Consent | None, program: Subscription, at: datetime
    ) -> Hold | None:
        if TEXAS in where.places and consent and consent.is_grant and consent.evidence not in PROVES_IN_TEXAS:
            return Hold("weak_evidence", "us-tx-evidence")
        time = check_time(where, at)
        if self._quiet_hours and not time.allowed:
            return Hold("quiet_hours", time.rule, time.earliest)
        return _cap_hold(self._sent.get(number, ()), where, program, at)


def _is_soon(sent: Sequence[MarketingText], pace: Pace, at: datetime) -> bool:
    """After one of those sent, for what the person wishes."""
    return pace.at_most is not None and any(one.at > at - pace.at_most.gap for one in sent)


def _cap_hold(sent: Sequence[MarketingText], where: Whereabouts, program: Subscription, at: datetime) -> Hold | None:
    """The exhausted cap that lasts longest."""
    found = check_caps(where, [one.at for one in sent], at)
    holds = [Hold("cap", found[0].id, found[1])] if found else []
    if program.cap and (until := _own_cap(sent, program, program.cap, at)):
        holds.append(Hold("cap", OWN_CAP, until))
    return max(holds, key=lambda hold: hold.until or at, default=None)


def _own_cap(sent: Sequence[MarketingText], program: Subscription, most: int, at: datetime) -> datetime | None:
    """When it no longer forbids another text; None: it doesn't."""
    period = program.cap_period.length
    recent = sorted(one.at for one in sent if one.subscription == program.id and one.at > at - period)
    return recent[-most] + period if len(recent) >= most else None


def country_hold(where: Whereabouts, workspace: Workspace, *, is_marketing: bool) -> Hold | None:
    """Why no text of this kind is ever sent there."""
    if where.country not in workspace.texted:
        return Hold("country_not_allowed")
    return Hold("country_closed", where.country.lower()) if is_marketing and where.country in CLOSED else None


def _proof(time: TimeCheck, consent: Consent | None, delivery: Delivery, *, is_marketing: bool) -> dict[str, Any]:
    return {
        **({"is_marketing": True} if is_marketing else {}),
        "event": consent.event if consent else delivery.event,
        "local_times": time.local_times,
        "zone_source": time.zone_source,
        "rules": time.version,
    }
