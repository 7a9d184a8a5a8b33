"""Asks a number to confirm a double opt-in with YES."""

from __future__ import annotations

from bot.consent.numbers import address_of
from bot.errors import marked as _
from bot.i18n import translator
from bot.model.contact import ConsentState
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.event import FOR_MANY, Action, ConsentEvent, FollowUp, Source
from bot.model.subscription import MessageType, Subscription
from bot.model.workspace import Workspace
from bot.outbound.kinds.base import Facts, TextKind, TextLimit
from bot.outbound.kinds.confirmation import OWN, program_values


class Question(TextKind):
    """It is not marketing and needs no link: no reply means no."""

    name = DeliveryKind.ASK
    limit = TextLimit.FLOOD
    label = _("Automatic confirmation request")

    def follows(self, event: ConsentEvent) -> bool:
        is_asked = event.action is Action.REQUEST_CONFIRMATION and event.source in OWN | FOR_MANY
        return is_asked and event.leads_to(FollowUp.QUESTION)

    def refusal(self, delivery: Delivery, facts: Facts) -> str | None:
        """Sent once to the number that was given, while the confirmation is pending. Another number that was saved
        meanwhile is locked (law 5): a YES could no longer count."""
        if facts.contact is None or facts.subscription is None:
            return "contact_gone"
        if not facts.subscription.is_live:
            return "subscription_not_live"
        if facts.is_stopped:
            return "stopped"
        consent = facts.contact.consent(facts.subscription.id)
        waits = consent is not None and consent.state is ConsentState.PENDING and consent.event == delivery.event
        if not waits:
            return "not_asked_any_more"
        saved = address_of(facts.contact, MessageType.SMS)
        return "number_changed" if saved and saved != delivery.number else None

    def body(self, delivery: Delivery, facts: Facts, link: str) -> str:
        return request(facts.workspace, facts.program, delivery.locale)


class AskBack(Question):
    """Answers a keyword. The phone asked for it, so strangers who flood the number can't suppress it."""

    name = DeliveryKind.ASK_BACK
    limit = TextLimit.LOOP

    def follows(self, event: ConsentEvent) -> bool:
        return event.action is Action.REQUEST_CONFIRMATION and event.source is Source.KEYWORD

    def id_of(self, cause: str) -> str:
        """One question per event, whatever its kind."""
        return f"{DeliveryKind.ASK}:{cause}"


def request(workspace: Workspace, subscription: Subscription, locale: str) -> str:
    """To reply YES, with what has to be said before someone does."""
    say = translator(locale)
    return say(
        "%(brand)s: Reply YES to get %(program)s texts (%(frequency)s). Msg & data rates may apply. "
        "HELP for help, STOP to cancel.",
        **program_values(workspace, subscription, locale),
    )
