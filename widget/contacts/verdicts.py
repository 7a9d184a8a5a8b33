"""Whether a subscription may send to a contact, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.contacts.permission_answer import PermissionAnswer
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.subscription import MessageType
from widget.inbox.details import shown_number
from widget.web.times import day

RULES = {
    "opted_in": _("Opted in %(day)s with this number."),
    "not_opted_out": _("On by default: everyone gets these messages until they opt out."),
    "subscription_not_live": _("This subscription isn't live."),
    "no_valid_number": _("There's no valid phone number."),
    "no_valid_email": _("There's no valid email address."),
    "stopped": _("This number texted STOP on %(day)s. It can opt back in only by texting START."),
    "opted_out": _("Opted out %(day)s."),
    "pending": _("Asked to confirm on %(day)s. They haven't replied YES yet."),
    "not_opted_in": _("Not opted in."),
    "number_changed": _("Consent from %(day)s was given for a different number or address: %(address)s"),
    "paused_by_person": _("The person paused their texts until %(day)s."),
    "weak_evidence": _("Consent from %(day)s isn't enough: this subscription requires written consent."),
}
"""By the reason of a permission, the rule behind it."""
EMAIL_YES = _("Opted in %(day)s with this address.")
REVOKED = _("The number texted STOP after consenting. New consent is required.")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a subscription may send to the contact, in words."""

    id: str
    name: str
    allowed: bool
    rule: str
    event: str
    """The public id of the consent event behind it."""


def verdicts_of(answers: Sequence[PermissionAnswer], say: Translator) -> list[Verdict]:
    return [
        Verdict(
            answer.subscription.id,
            answer.subscription.words(say.locale).name,
            answer.permission.allowed,
            rule_of(answer, say),
            answer.consent.event if answer.consent else "",
        )
        for answer in answers
    ]


def rule_of(answer: PermissionAnswer, say: Translator) -> str:
    reason, consent = answer.permission.reason, answer.consent
    if reason == "opted_in" and answer.subscription.message_type is MessageType.EMAIL:
        return say(EMAIL_YES, day=day(consent.at) if consent else "")
    if reason == "opted_out" and consent and not consent.is_no:
        return say(REVOKED)
    given_for = (consent.number or consent.email or "") if consent else ""
    at = consent.at if consent else answer.stopped_at or answer.paused_until
    shown = shown_number(given_for) if given_for.startswith("+") else given_for
    return say(RULES[reason], day=day(at) if at else "", address=shown)
