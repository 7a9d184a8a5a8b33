"""Who gets an outbound message, and why the others don't: the same judgment in the preview and when it is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.consent.numbers import address_of
from bot.consent.permission import permission
from bot.contacts.finder import ContactCount, ContactFinder
from bot.contacts.selected import BulkPreview, SelectedContacts
from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.filter import ConditionGroup, Filter, Match, Textable
from bot.model.outbound_message import OutboundMessage
from bot.model.selection import Selection
from bot.model.subscription import MessageType, Subscription
from bot.outbound.kinds import Facts
from bot.outbound.marketing_rules import Hold, MarketingRules
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
    "country_closed": _("Marketing texts aren't sent to this country"),
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

    async def size(self, message: OutboundMessage, found: BulkPreview) -> ContactCount:
        """How many would get it now; `found`: its preview, which is exact unless it is a sample. Raises Invalid and
        FilterTooBroad."""
        if not found.is_sample:
            return ContactCount(found.counts.get(QUEUED, 0), is_exact=True)
        return await self._finder.count(
            narrowed(await self.filter(message), Textable(subscription=message.subscription))
        )

    async def judged(self, contacts: Sequence[Contact], subscription: Subscription) -> dict[str, str]:
        """By contact, QUEUED or why not. Quiet hours and caps only delay a copy: they are left to the sender."""
        numbers = {number for contact in contacts if (number := address_of(contact, MessageType.SMS))}
        stops, workspace = await self._store.stops.of(numbers), await self._store.workspaces.get("workspace")
        rules, at, found = MarketingRules({}, quiet_hours=False), now(), {}
        for contact in contacts:
            number = address_of(contact, MessageType.SMS)
            stop = stops.get(number or "")
            answer = permission(
                subscription,
                contact.consent(subscription.id),
                number,
                stopped=stop is not None and stop.holds,
                revoked_until=stop.revoked_until if stop else None,
            )
            if answer.allowed and number and workspace:
                facts = Facts(workspace, contact, subscription, is_stopped=False)
                hold = rules.check(_copy(contact, subscription, number, at), facts, at)
                found[contact.id] = hold.reason if isinstance(hold, Hold) and hold.until is None else QUEUED
            else:
                found[contact.id] = answer.reason
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


def _copy(contact: Contact, subscription: Subscription, number: str, at: datetime) -> Delivery:
    """For the rules; it is not stored."""
    values = {"contact": contact.id, "subscription": subscription.id, "number": number, "locale": contact.locale}
    return Delivery(id=contact.id, kind=DeliveryKind.OUTBOUND, event="", created_at=at, updated_at=at, **values)


def narrowed(filter: Filter, condition: Textable) -> Filter:
    """Adds the condition to the filter. A filter of alternatives can't be narrowed and stays as it is."""
    if filter.match is Match.ANY and len(filter.groups) > 1:
        return filter
    return Filter(query=filter.query, groups=(*filter.groups, ConditionGroup(conditions=(condition,)))[:10])
