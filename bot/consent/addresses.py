"""A contact's number and email address change through the ledger, also without a consent (law 14)."""

from __future__ import annotations

from bot.consent.ledger import ConsentChange
from bot.model.event import NOWHERE, Action, Actor, Context, Source


def address_change(
    contact: str,
    *,
    source: Source,
    actor: Actor,
    key: str,
    phone: str | None = None,
    email: str | None = None,
    clears: list[str] | None = None,
    context: Context = NOWHERE,
) -> ConsentChange:
    """What a contact's `phone` or `email` becomes. `clears`: which of the two the contact has none of any more."""
    return ConsentChange(
        contact=contact,
        action=Action.CHANGE_ADDRESS,
        source=source,
        actor=actor,
        number=phone,
        email=email,
        clears=clears,
        context=context,
        key=key,
    )
