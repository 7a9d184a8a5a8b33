"""Confirms a sign-up (CTIA 5.1.2.1; 47 CFR 64.1200(a)(12))."""

from __future__ import annotations

from bot.consent.placeholders import fill, has_place
from bot.errors import marked as _
from bot.i18n import translator
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.event import FOR_MANY, Action, ConsentEvent, FollowUp, Source
from bot.model.subscription import Subscription
from bot.model.workspace import Workspace
from bot.outbound.kinds.base import Facts, TextKind, TextLimit, permission_refusal

OWN = {Source.FORM, Source.PREFERENCE_CENTER, Source.PROFILE}
"""Sources where people opt in themselves, or through a teammate one by one. A person who never agreed finds out
immediately."""


class Confirmation(TextKind):
    """Follows an opt-in on a form, in the preference center or through a teammate, and one of many if asked for."""

    name = DeliveryKind.CONFIRMATION
    limit = TextLimit.FLOOD
    label = _("Automatic confirmation")

    def follows(self, event: ConsentEvent) -> bool:
        is_sign_up = event.action is Action.OPT_IN and event.source in OWN | FOR_MANY
        return is_sign_up and event.leads_to(FollowUp.CONFIRMATION)

    def has_link(self, delivery: Delivery) -> bool:
        return True

    def refusal(self, delivery: Delivery, facts: Facts) -> str | None:
        return permission_refusal(delivery, facts)

    def body(self, delivery: Delivery, facts: Facts, link: str) -> str:
        return confirmation(facts.workspace, facts.program, delivery.locale, link)


class Confirmed(Confirmation):
    """Follows an opt-in by text. The phone asked for it, so strangers who flood the number can't suppress it."""

    name = DeliveryKind.CONFIRMED
    limit = TextLimit.LOOP

    def follows(self, event: ConsentEvent) -> bool:
        return event.action in {Action.OPT_IN, Action.CONFIRM} and event.source is Source.KEYWORD

    def id_of(self, cause: str) -> str:
        """One confirmation per event, whatever its kind."""
        return f"{DeliveryKind.CONFIRMATION}:{cause}"


def confirmation(workspace: Workspace, subscription: Subscription, locale: str, link: str) -> str:
    """Program, frequency, rates, HELP and STOP, and the preference link.

    In the workspace's own words if it has some; the link is always included.
    """
    say, values = translator(locale), program_values(workspace, subscription, locale, link)
    own = subscription.words(locale).confirmation or subscription.confirmation
    if own:
        return fill(own if has_place(own, "link") else f"{own.rstrip()} {{link}}", values)
    return say(
        "%(brand)s: You are now subscribed to %(program)s. %(frequency)s. Msg & data rates may apply. "
        "Reply HELP for help, STOP to cancel. Manage your preferences: %(link)s",
        **values,
    )


def program_values(workspace: Workspace, subscription: Subscription, locale: str, link: str = "") -> dict[str, str]:
    return {
        "brand": workspace.name,
        "program": subscription.words(locale).name,
        "frequency": translator(locale)(workspace.frequency).rstrip("."),
        "link": link,
    }
