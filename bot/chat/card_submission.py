"""What a person submits with a card, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.model.contact import Contact
from bot.model.conversation import Part
from bot.model.event import NOWHERE, ConsentEvent, Context
from bot.model.subscription import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A submission. `address`: the number or email address as typed; None if the saved one is shown. `ticked`: the
    consent box. `again`: `CardView.again` of the card that was shown."""

    address: str | None
    region: str
    version: str
    ticked: bool = False
    again: str = ""
    proof: str | None = None
    """The browser's solution; None: this place can't ask for one."""
    context: Context = NOWHERE


@dataclass(frozen=True, slots=True)
class Submitted:
    event: ConsentEvent
    part: Part
    """The completed card."""
    is_new: bool
    contact: Contact | None
    """As they are afterwards; None: they were deleted meanwhile."""
    subscription: Subscription | None = None
    """What the card offers; None if the answer was recorded earlier."""
