"""Who gets an outbound message, and why the others don't: the same judgment in the preview and when it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.consent.numbers import address_of
from bot.consent.permission import permission
from bot.contacts.finder import ContactCount, ContactFinder
from bot.contacts.selected import BulkPreview, SelectedContacts
from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.contact import Contact
from bot.model.filter import ConditionGroup, Filter, Match, Textable
from bot.model.outbound_message import OutboundMessage
from bot.model.selection import Selection
from bot.model.subscription import MessageType, Subscription
from bot.store import Store

QUEUED, SAME_NUMBER = "queued", "same_number"
LEFT_OUT = {
    "not_opted_in": _("Not opted in"),
    "pending": _("Waiting for confirmation"),
    "opted_out": _("Opted out"),
    "stopped": _("Texted STOP"),
    "no_valid_number": _("No valid number"),
    "number_changed": _("Opted in with another number"),
    "weak_evidence": _("Evidence too weak"),
    "country_not_allowed": _("Country not texted"),
    "subscription_not_live": _("Subscription isn't live"),
    SAME_NUMBER: _("Same number as another contact"),
    "gone": _("Contact no longer exists"),
}
"""Why a contact of the audience gets no copy."""
NO_SUBSCRIPTION = _("Choose a live SMS subscription.")


class Audience:
    def __init__(self, store: Store, finder: ContactFinder, selected: SelectedContacts) -> None:
        self._store = store
        self._finder = finder
        self._selected = selected

    async def preview(self, message: OutboundMessage) -> BulkPreview:
        """Raises Invalid and FilterTooBroad."""
        subscription = await self.subscription(message)

        async def judge(contacts: Sequence[Contact]) -> Mapping[str, str]:
            return await self.judged(contacts, subscription)

        return await self._selected.preview(Selection(filter=(await self.filter(message)).as_text()), judge)

    async def size(self, message: OutboundMessage) -> ContactCount:
        """How many would get it now. Raises Invalid and FilterTooBroad."""
        filter, subscription = await self.filter(message), await self.subscription(message)
        return await self._finder.count(narrowed(filter, Textable(subscription=subscription.id)))

    async def judged(self, contacts: Sequence[Contact], subscription: Subscription) -> dict[str, str]:
        """By contact, QUEUED or why not."""
        numbers = {number for contact in contacts if (number := address_of(contact, MessageType.SMS))}
        stops, workspace = await self._store.stops.of(numbers), await self._store.workspaces.get("workspace")
        countries = workspace.texted if workspace else ()
        found = {}
        for contact in contacts:
            number, facts = address_of(contact, MessageType.SMS), contact.phone_facts
            stop = stops.get(number or "")
            answer = permission(
                subscription,
                contact.consent(subscription.id),
                number,
                stopped=stop is not None and stop.holds,
                revoked_until=stop.revoked_until if stop else None,
            )
            is_texted = facts is None or facts.country in countries
            found[contact.id] = (QUEUED if is_texted else "country_not_allowed") if answer.allowed else answer.reason
        return found

    async def subscription(self, message: OutboundMessage) -> Subscription:
        """Raises Invalid: none was chosen, or it isn't live any more."""
        found = await self._store.subscriptions.get(message.subscription) if message.subscription else None
        if found is None or not found.is_live or found.message_type is not MessageType.SMS:
            raise Invalid(NO_SUBSCRIPTION)
        return found

    async def filter(self, message: OutboundMessage) -> Filter:
        """Of a draft, the segment's at the moment."""
        if not message.segment or not message.is_draft:
            return message.filter
        segment = await self._store.segments.get(message.segment)
        if segment is None or segment.archived_at:
            raise Invalid(_("This segment is archived. Choose another audience."))
        return segment.filter


def narrowed(filter: Filter, condition: Textable) -> Filter:
    """Adds the condition to the filter. A filter of alternatives can't be narrowed and stays as it is."""
    if filter.match is Match.ANY and len(filter.groups) > 1:
        return filter
    return Filter(query=filter.query, groups=(*filter.groups, ConditionGroup(conditions=(condition,)))[:10])
