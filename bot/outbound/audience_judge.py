"""Decides why each contact of an audience gets a message now, later or not at all, by the same rules as sending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.compliance.whereabouts import Whereabouts, whereabouts
from bot.consent.numbers import address_of
from bot.consent.permission import permission
from bot.errors import marked as _
from bot.model.contact import Contact
from bot.model.event import FOR_MANY
from bot.model.stop import Stop
from bot.model.subscription import MessageType, Purpose, Subscription
from bot.model.workspace import Workspace
from bot.outbound.marketing_rules import LONGEST_GAP, MarketingRules, country_hold, longest_cap
from bot.outbound.send_time import SendTime
from bot.outbound.senders import sender_in, sender_refusal
from bot.store import Store

QUEUED, QUIET, CAPPED, SAME_NUMBER = "queued", "quiet_hours", "cap", "same_number"
NO_TIME = "no_time"
LATER = {
    QUIET: _("Later: quiet hours where they are"),
    CAPPED: _("Later: had too many texts lately"),
}
"""They get a copy, but not at that time."""
INCLUDED = frozenset({QUEUED, *LATER})
LEFT_OUT = {
    "not_opted_in": _("Not opted in"),
    "pending": _("Waiting for confirmation"),
    "opted_out": _("Opted out"),
    "stopped": _("Texted STOP"),
    "no_valid_number": _("No valid number"),
    "number_changed": _("Opted in with another number"),
    "weak_evidence": _("Evidence too weak"),
    "paused_by_person": _("Paused by the person"),
    "fewer_by_person": _("Asked for fewer texts"),
    "country_not_allowed": _("Country not texted"),
    "country_closed": _("Marketing texts aren't sent to this country"),
    "sender_not_registered": _("Sender isn't registered in their country"),
    NO_TIME: _("Time zone unknown"),
    "subscription_not_live": _("Subscription isn't live"),
    SAME_NUMBER: _("Same number as another contact"),
    "gone": _("Contact no longer exists"),
}
"""Why a contact of the audience gets no copy."""


@dataclass(frozen=True, slots=True)
class AudienceVerdict:
    outcome: str
    """One of `INCLUDED` or `LEFT_OUT`."""
    country: str = ""
    """Of the number, where it gets a copy or its sender can't send one."""
    at: datetime | None = None
    """When it gets the copy, unless something changes before."""
    due_at: datetime | None = None
    """When permission is asked; None: at once."""
    is_unwelcomed: bool = False
    """The consent was recorded for them, so this may be their first text."""

    @property
    def is_included(self) -> bool:
        return self.outcome in INCLUDED


class AudienceJudge:
    def __init__(self, store: Store, *, quiet_hours: bool) -> None:
        self._store = store
        self._quiet_hours = quiet_hours

    async def of(
        self, contacts: Sequence[Contact], subscription: Subscription, time: SendTime, at: datetime
    ) -> dict[str, AudienceVerdict]:
        """By contact. `at`: now; the same for a whole audience, whose places are then looked up once."""
        numbers = {contact.id: address_of(contact, MessageType.SMS) for contact in contacts}
        known = {number for number in numbers.values() if number}
        stops, workspace = await self._store.stops.of(known), await self._store.workspaces.get("workspace")
        if workspace is None:
            raise LookupError("no workspace")
        back = longest_cap([subscription])
        sent = await self._store.deliveries.marketed(known, at - back) if known else {}
        slow = {number for contact in contacts if contact.at_most and (number := numbers[contact.id])}
        sent |= await self._store.deliveries.marketed(slow, at - max(back, LONGEST_GAP)) if slow else {}
        round = _Round(subscription, workspace, MarketingRules(sent, quiet_hours=self._quiet_hours), time, at)
        return {c.id: round.verdict(c, numbers[c.id], stops.get(numbers[c.id] or "")) for c in contacts}


@dataclass(frozen=True, slots=True)
class _Round:
    subscription: Subscription
    workspace: Workspace
    rules: MarketingRules
    time: SendTime
    now: datetime

    def verdict(self, contact: Contact, number: str | None, stop: Stop | None) -> AudienceVerdict:
        answer = permission(
            self.subscription,
            contact.consent(self.subscription.id),
            number,
            stopped=stop is not None and stop.holds,
            revoked_until=stop.revoked_until if stop else None,
        )
        if not answer.allowed or number is None:
            return AudienceVerdict(answer.reason)
        where = whereabouts(number, contact.time_zone)
        if reason := sender_refusal(sender_in(where.country, self.workspace.senders), has_link=True):
            return AudienceVerdict(reason, where.country)
        return self._timed(contact, number, where)

    def _timed(self, contact: Contact, number: str, where: Whereabouts) -> AudienceVerdict:
        at = self.time.instant(where, self.now)
        consent = contact.consent(self.subscription.id)
        hold = self.rules.hold(number, where, consent, self.subscription, self.workspace, at, contact.pace)
        due_at = at if self.time.local else None
        unwelcomed = consent is not None and consent.source in FOR_MANY
        if hold is None:
            return AudienceVerdict(QUEUED, where.country, at, due_at, unwelcomed)
        if hold.reason in LATER:  # who never gets it doesn't get it later
            is_marketing = self.subscription.purpose is Purpose.MARKETING
            hold = country_hold(where, self.workspace, is_marketing=is_marketing) or hold
        if hold.reason not in LATER:
            return AudienceVerdict(hold.reason)
        if hold.until is None:
            return AudienceVerdict(NO_TIME)
        return AudienceVerdict(hold.reason, where.country, hold.until, due_at, unwelcomed)
