"""Who may override an opt-out: one table, which the ledger asks before it records a grant. Pure.

Who recorded an opt-out doesn't matter: a person may revoke consent by any reasonable means, such as telling a teammate
(47 CFR 64.1200(a)(10)).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.errors import NumberStopped, OwnOptOut, SaysoError
from bot.errors import marked as _
from bot.model.contact import Consent
from bot.model.event import Grade, Source
from bot.model.subscription import WRITTEN


class Needs(StrEnum):
    """What a grant needs to override an opt-out."""

    NOTHING = "nothing"
    """It is the person's own act. For a number on the stop list it is recorded, and grants nothing."""
    NEWER = "newer"
    """Evidence newer than the opt-out, and that the teammate was warned of this opt-out."""
    NEWER_WRITTEN = "newer_written"
    """Written evidence newer than the opt-out."""
    SHOWN = "shown"
    """A form that was shown after the opt-out, and a submission that names the opt-out. For a number on the stop list
    it is recorded, and grants nothing."""
    IMPOSSIBLE = "impossible"


OVERRIDES: Mapping[tuple[Source, str], Needs] = {
    (Source.FORM, "contact"): Needs.NOTHING,
    (Source.FORM, "program"): Needs.SHOWN,
    (Source.PREFERENCE_CENTER, "contact"): Needs.NOTHING,
    (Source.KEYWORD, "contact"): Needs.NOTHING,
    (Source.BOT, "contact"): Needs.NOTHING,
    (Source.PROFILE, "teammate"): Needs.NEWER,
    (Source.BULK, "teammate"): Needs.NEWER_WRITTEN,
    (Source.BULK, "api"): Needs.NEWER_WRITTEN,
    (Source.IMPORT, "teammate"): Needs.NEWER_WRITTEN,
    (Source.IMPORT, "api"): Needs.NEWER_WRITTEN,
    (Source.API, "api"): Needs.NEWER_WRITTEN,
}
"""By source and kind of actor; whatever is not listed can't override an opt-out. `program`: it handed over what it says
the person did."""
WARNED = {Needs.NEWER, Needs.SHOWN}
"""What needs to name the opt-out."""
AHEAD = timedelta(minutes=2)
"""How far another clock may be ahead: evidence from the future is not newer than anything."""


class Obstacle(StrEnum):
    """Why a grant is refused."""

    STOPPED = "stopped"
    IMPOSSIBLE = "impossible"
    NOT_NEWER = "not_newer"
    NOT_WRITTEN = "not_written"
    NOT_WARNED = "not_warned"


MESSAGES = {
    Obstacle.IMPOSSIBLE: _("This person opted out. Only they can opt in again."),
    Obstacle.NOT_NEWER: _("This person opted out after that. Only consent given after their opt-out counts."),
    Obstacle.NOT_WRITTEN: _("This person opted out. Only written consent, dated after their opt-out, counts."),
    Obstacle.NOT_WARNED: _("This person opted out. Confirm that they asked to be opted in again."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a grant is based on. `actor`: the kind."""

    source: Source
    actor: str
    grade: Grade | None = None
    given_at: datetime | None = None
    """When the person gave the consent that somebody else records, or was shown the form that a program submits."""
    warned_of: str | None = None
    """The event of the opt-out that the teammate was warned of, or that the form was shown after."""

    @property
    def needs(self) -> Needs:
        return OVERRIDES.get((self.source, self.actor), Needs.IMPOSSIBLE)


def obstacle(
    grant: Grant, consent: Consent | None, *, stopped: bool, at: datetime, revoked_until: datetime | None = None
) -> Obstacle | None:
    """Why this grant can't be recorded over the current consent at this time; None: it can.

    `stopped`: its number is on the stop list. `revoked_until`: when its last STOP was lifted; earlier
    consents no longer count, even if somebody else has the number now.
    """
    if grant.needs is Needs.NOTHING:
        return None
    if stopped and grant.needs is not Needs.SHOWN:
        return Obstacle.STOPPED
    no_at = _no_at(consent, revoked_until)
    if no_at is None:
        return None
    if grant.needs is Needs.IMPOSSIBLE:
        return Obstacle.IMPOSSIBLE
    is_written = grant.grade in WRITTEN
    if grant.needs is Needs.NEWER_WRITTEN and not (is_written and grant.given_at):
        return Obstacle.NOT_WRITTEN
    if grant.given_at is None or not no_at < grant.given_at <= at + AHEAD:
        return Obstacle.NOT_NEWER
    is_no = consent is not None and consent.is_no
    if grant.needs in WARNED and is_no and consent and grant.warned_of != consent.event:
        return Obstacle.NOT_WARNED
    return None


def _no_at(consent: Consent | None, revoked_until: datetime | None) -> datetime | None:
    """The time of the opt-out in force; None: there is none."""
    no_at = consent.at if consent and consent.is_no else None
    is_revoked = revoked_until is not None and (consent is None or consent.at < revoked_until)
    return max(filter(None, (no_at, revoked_until if is_revoked else None)), default=None)


def refusal(
    grant: Grant, consent: Consent | None, *, stopped: bool, at: datetime, revoked_until: datetime | None = None
) -> SaysoError | None:
    """The same as an error: OwnOptOut or NumberStopped."""
    found = obstacle(grant, consent, stopped=stopped, at=at, revoked_until=revoked_until)
    if found is None:
        return None
    return NumberStopped() if found is Obstacle.STOPPED else OwnOptOut(found, MESSAGES[found])
