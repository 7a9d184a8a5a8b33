"""Replies to STOP, START and HELP, for anyone who texts them (law 13), and to other keywords."""

from __future__ import annotations

from datetime import timedelta

from babel.dates import format_date

from bot.errors import marked as _
from bot.i18n import Translator, translator
from bot.model.base import now
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.pace import NO_PACE, Often
from bot.outbound.kinds.base import Facts, TextKind, TextLimit
from bot.outbound.kinds.confirmation import program_values

CONFIRMED_WITHIN = timedelta(minutes=5)
"""How long after a STOP its confirmation may arrive (47 CFR 64.1200(a)(12))."""
SHORTEST = timedelta(seconds=1)


WISHES = frozenset({"paused", "fewer", "resumed"})
ALWAYS = frozenset({"stopped", "started", "help"})
"""Sent regardless of the stop list (47 CFR 64.1200(a)(12)). The others aren't."""


class KeywordAnswer(TextKind):
    """`Delivery.answer` is `stopped`, `started` or `help`; to the keyword of a program `already` (opted in), `closed`
    (it isn't in use) or `lost` (its code names no words); `paused`, `fewer` or `resumed` to a wish
    (`bot/consent/paces.py`)."""

    name = DeliveryKind.REPLY
    answers = True
    limit = TextLimit.LOOP
    label = _("Automatic reply")

    def has_link(self, delivery: Delivery) -> bool:
        return delivery.answer == "started" and bool(delivery.contact)

    def valid_for(self, delivery: Delivery) -> timedelta | None:
        return max(_time_left(delivery), SHORTEST) if delivery.answer == "stopped" else None

    def refusal(self, delivery: Delivery, facts: Facts) -> str | None:
        """The confirmation of a STOP is pointless after a START, and later than `CONFIRMED_WITHIN` not allowed."""
        if delivery.answer not in ALWAYS:
            return _other_refusal(delivery, facts)
        if delivery.answer != "stopped":
            return None
        if not facts.is_stopped:
            return "not_stopped"
        return None if _time_left(delivery) > timedelta(0) else "too_late"

    def body(self, delivery: Delivery, facts: Facts, link: str) -> str:
        say, workspace = translator(delivery.locale), facts.workspace
        if delivery.answer == "stopped":
            return say(
                "%(brand)s: You are unsubscribed and will receive no more messages. Reply START to allow texts again.",
                brand=workspace.name,
            )
        if delivery.answer == "started":
            allowed = say("%(brand)s: You can receive texts at this number again.", brand=workspace.name)
            return " ".join([allowed, *([say("Manage your preferences: %(link)s", link=link)] if link else [])])
        if delivery.answer == "already":
            values = program_values(workspace, facts.program, delivery.locale)
            return say(
                "%(brand)s: You are already subscribed to %(program)s. Reply HELP for help, STOP to cancel.", **values
            )
        if delivery.answer == "closed":
            return say("%(brand)s: This keyword isn't active.", brand=workspace.name)
        if delivery.answer == "lost":
            return say(
                "%(brand)s: You are not signed up, because the code in your text is no longer valid. Open the sign-up "
                "page or scan the poster again, and send the new text.",
                brand=workspace.name,
            )
        if delivery.answer in WISHES:
            return _wish_answer(delivery.answer, facts, say)
        return say(
            "%(brand)s: Help at %(support)s. %(frequency)s. Msg & data rates may apply. Reply STOP to cancel.",
            brand=workspace.name,
            support=workspace.support or workspace.legal_name or workspace.name,
            frequency=say(workspace.frequency).rstrip("."),
        )


def _wish_answer(answer: str, facts: Facts, say: Translator) -> str:
    brand, pace = facts.workspace.name, facts.contact.pace if facts.contact else NO_PACE
    if answer == "paused" and pace.paused_until:
        day = format_date(pace.paused_until, "long", locale=say.locale)
        return say(
            "%(brand)s: Texts are paused until %(day)s. Reply RESUME to get them again, STOP to opt out.",
            brand=brand,
            day=day,
        )
    if answer == "fewer" and pace.at_most is Often.WEEK:
        return say("%(brand)s: You'll get at most one marketing text a week. Reply RESUME to undo.", brand=brand)
    if answer == "fewer" and pace.at_most is Often.MONTH:
        return say("%(brand)s: You'll get at most one marketing text a month. Reply RESUME to undo.", brand=brand)
    return say("%(brand)s: Your texts are no longer paused or limited. Reply STOP to opt out.", brand=brand)


def _other_refusal(delivery: Delivery, facts: Facts) -> str | None:
    if facts.is_stopped:
        return "stopped"
    if delivery.answer in WISHES and facts.contact is None:
        return "contact_gone"
    return "subscription_not_live" if delivery.answer == "already" and facts.subscription is None else None


def _time_left(delivery: Delivery) -> timedelta:
    return delivery.created_at + CONFIRMED_WITHIN - now()
