"""Finds what a request names: a contact, a subscription type, anything else by its id."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from bot.errors import NotFound
from bot.model.contact import Contact
from bot.model.subscription import Subscription
from widget.api.faults import MERGED, NO_CONTACT, NO_RESOURCE, ApiRefusal
from widget.api.route import PREFIX, Call

CONTACT_FAULTS = (NO_CONTACT, MERGED)
T = TypeVar("T")


async def found_or_404(finding: Awaitable[T]) -> T:
    """Raises ApiRefusal (404) for NotFound."""
    try:
        return await finding
    except NotFound:
        raise ApiRefusal(NO_RESOURCE) from None


async def found_contact(call: Call, id: str | None = None) -> Contact:
    """The contact in the path, or another one. Raises ApiRefusal: there is none (404), or it was merged into another
    (410, with a link)."""
    contact = await call.bot.ledger.contact(call.variable("contact_id") if id is None else id)
    if contact is None or contact.erased_at:
        raise ApiRefusal(NO_CONTACT)
    if contact.merged_into:
        link = {"Link": f'<{PREFIX}/contacts/{contact.merged_into}>; rel="canonical"'}
        raise ApiRefusal(MERGED, headers=link, id=contact.merged_into)
    return contact


async def found_subscription(call: Call, id: str) -> Subscription:
    """Raises ApiRefusal (404)."""
    found = await call.bot.store.subscriptions.get(id) if id.isprintable() else None
    if found is None:
        raise ApiRefusal(NO_RESOURCE)
    return found
