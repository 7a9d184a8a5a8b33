"""A copy of an outbound message, and a test of one."""

from __future__ import annotations

from collections.abc import Mapping

from bot.consent.numbers import address_of
from bot.consent.placeholders import fill, fill_variables, has_place
from bot.errors import marked as _
from bot.i18n import translator
from bot.model.contact import Contact
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.outbound_message import OutboundMessage
from bot.model.subscription import MessageType
from bot.model.workspace import Workspace
from bot.outbound.kinds.base import Facts, TextKind, TextLimit, sending_refusal
from bot.outbound.short_links import links_in

KNOWN = frozenset({"brand", "name", "first_name"})
"""Variables besides the custom attributes."""


class Outbound(TextKind):
    """Sent to everyone in the audience who may get it at that moment."""

    name = DeliveryKind.OUTBOUND
    limit = TextLimit.NONE
    label = _("Outbound message")

    def has_link(self, delivery: Delivery) -> bool:
        return True

    def refusal(self, delivery: Delivery, facts: Facts) -> str | None:
        if facts.message is None:
            return "message_gone"
        if facts.is_canceled:
            return "canceled"
        return sending_refusal(delivery, facts)

    def body(self, delivery: Delivery, facts: Facts, link: str) -> str:
        if facts.message is None:
            raise LookupError("the message is gone")
        return message_body(facts.message, facts.workspace, facts.contact, delivery.locale, link)

    def counted_links(self, delivery: Delivery, facts: Facts) -> list[str]:
        if facts.message is None:
            return []
        return counted_links(facts.message, variables(facts.contact, facts.workspace), delivery.locale)


class Test(TextKind):
    """Sent to a number that a teammate enters, without a link to anybody's preferences."""

    __test__ = False  # not one for pytest

    name = DeliveryKind.TEST
    limit = TextLimit.FLOOD
    label = _("Test message")

    def refusal(self, delivery: Delivery, facts: Facts) -> str | None:
        return "stopped" if facts.is_stopped else None

    def body(self, delivery: Delivery, facts: Facts, link: str) -> str:
        return delivery.body or ""


def message_body(
    message: OutboundMessage,
    workspace: Workspace,
    contact: Contact | None,
    locale: str,
    link: str,
    *,
    values: Mapping[str, str] | None = None,
) -> str:
    """The text in the contact's language, and the opt-out text in that of the text. `values`: further variables, for an
    example."""
    filled = {**variables(contact, workspace), **(values or {})}
    text = fill_variables(message.text(locale), filled).strip()
    return f"{text}\n{opt_out_text(workspace, message.language_for(locale), link)}"


def counted_links(message: OutboundMessage, filled: Mapping[str, str], locale: str) -> list[str]:
    """The links that are replaced by short ones, as `message_body` writes them."""
    if not message.counts_clicks:
        return []
    return [fill_variables(link, filled) for link in links_in(message.text(locale))]


def opt_out_text(workspace: Workspace, locale: str, link: str) -> str:
    """How to stop the messages, with a link to the person's preferences."""
    text = translator(locale)(workspace.opt_out_text)
    return fill(text if has_place(text, "link") else f"{text.rstrip()} {{link}}", {"link": link})


def variables(contact: Contact | None, workspace: Workspace) -> dict[str, str]:
    """What `{{…}}` stands for. Custom attributes go by their keys."""
    values = {"brand": workspace.name}
    if contact is None:
        return values
    name = contact.name or ""
    values |= {"name": name, "first_name": name.split(" ")[0] if name else ""}
    own = {key: value for key, value in contact.attributes.items() if isinstance(value, str | int | float)}
    return {**{key: str(value) for key, value in own.items()}, **values}


def copy_of(message: OutboundMessage, contact: Contact) -> dict[str, object]:
    """The fields of a contact's copy."""
    consent = contact.consent(message.subscription)
    return {
        "contact": contact.id,
        "subscription": message.subscription,
        "message": message.id,
        "event": consent.event if consent else "",
        "number": address_of(contact, MessageType.SMS) or "",
        "locale": contact.locale or message.language,
    }
