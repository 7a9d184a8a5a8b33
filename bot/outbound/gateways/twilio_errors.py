"""What Sayso does about each error of Twilio, whether a request is refused or a status callback reports it.

Twilio advises against relying on its codes (`error_code` in its API specification), so an unknown one has a safe
meaning: the text was not sent, and is not sent again.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.outbound.gateways.base import Effect


@dataclass(frozen=True, slots=True)
class Policy:
    reason: str
    """Stored with the delivery: stable."""
    retries: int = 0
    """How often the text is queued again: only where Twilio certainly neither sent nor queued it."""
    effect: Effect = Effect.NONE


OFTEN = 100
"""No limit besides the queue's own."""

UNKNOWN = Policy("refused")

POLICIES: dict[int, Policy] = {
    # The account: nothing can be sent.
    20003: Policy("auth_failed", OFTEN, Effect.HALT),
    20005: Policy("account_not_active", OFTEN, Effect.HALT),
    20008: Policy("test_credentials", OFTEN, Effect.HALT),
    20404: Policy("account_not_found", OFTEN, Effect.HALT),
    21701: Policy("service_not_found", OFTEN, Effect.HALT),
    20429: Policy("rate_limited", OFTEN),  # "never processed and always safe to retry"
    30001: Policy("queue_full", OFTEN),  # Twilio's own queue of the sender; the text was dropped
    30002: Policy("account_suspended", effect=Effect.ALARM),
    # The sender.
    21408: Policy("country_not_enabled", effect=Effect.ALARM),
    21606: Policy("sender_not_allowed", effect=Effect.ALARM),
    21659: Policy("sender_not_allowed", effect=Effect.ALARM),
    21703: Policy("no_sender", effect=Effect.ALARM),
    21704: Policy("no_sender", effect=Effect.ALARM),
    30034: Policy("sender_not_registered", effect=Effect.ALARM),
    # The number.
    21211: Policy("invalid_number"),
    21612: Policy("not_reachable"),
    21614: Policy("invalid_number"),
    30003: Policy("unreachable"),
    30004: Policy("blocked_by_carrier"),
    30005: Policy("unknown_number"),
    30006: Policy("landline"),
    30008: Policy("unknown_error"),
    # Consent. 30610 and 30640 are the Compliance Toolkit's: quiet hours, and a known litigator.
    21610: Policy("opted_out", effect=Effect.OPTED_OUT),
    30610: Policy("quiet_hours"),
    30640: Policy("litigator"),
    # The text.
    21602: Policy("empty"),
    21617: Policy("too_long"),
    30007: Policy("filtered", effect=Effect.ALARM),
    30450: Policy("fraud_suspected", effect=Effect.ALARM),
    # Certainly not sent: it expired in Twilio's queue, an RCS device was unreachable, it could not be rescheduled.
    30036: Policy("expired", 1),
    30046: Policy("unreachable", 1),
    30047: Policy("not_rescheduled", 1),
}


def policy_of(code: int | None, status: int = 400) -> Policy:
    """`status`: of the HTTP response, for errors without a known code."""
    if code in POLICIES:
        return POLICIES[code]
    return {401: POLICIES[20003], 403: POLICIES[20003], 404: POLICIES[20404], 429: POLICIES[20429]}.get(status, UNKNOWN)
