"""One contact's copy of a text that we send, and what the simulated phone wrote."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from bot.model.base import Document, Value


class DeliveryState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    """Claimed by a worker; with `ask_at`, also handed to the provider."""
    SENT = "sent"
    FAILED = "failed"
    BLOCKED = "blocked"
    """Permission was gone at the moment of sending (law 7), or the phone had too many texts."""
    UNKNOWN = "unknown"
    """Handed over, but the provider can't tell its state: not sent again (law 8)."""


class ProviderStatus(StrEnum):
    """What the provider last said about a text that it accepted, in this order; the four of one rank are final."""

    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"
    READ = "read"

    @property
    def rank(self) -> int:
        return _RANKS[self]

    @property
    def earlier(self) -> list[str]:
        """The statuses that this one replaces."""
        return [status.value for status in ProviderStatus if status.rank < self.rank]


_RANKS = dict(zip(ProviderStatus, (0, 0, 1, 2, 3, 4, 4, 4, 4, 5), strict=True))


class DeliveryKind(StrEnum):
    """Their texts and rules are in `bot/outbound/kinds`."""

    CONFIRMATION = "confirmation"
    CONFIRMED = "confirmed"
    ASK = "ask"
    ASK_BACK = "ask_back"
    """The same question, to somebody who texted a keyword."""
    REPLY = "reply"
    MESSAGE = "message"
    OUTBOUND = "outbound"
    FLOW = "flow"
    FLOW_REPLY = "flow_reply"
    TEST = "test"


WITHHELD = "form_limit"
"""Why a text that a form would have caused is blocked from the start."""
THROUGHPUT = "throughput"
"""The reason of a queued text that waits because its sender has reached its rate."""
MAY_BE_MARKETING = (DeliveryKind.OUTBOUND, DeliveryKind.FLOW)
"""Kinds that quiet hours, caps, rates and the person's wishes apply to."""


class DeliveryLink(Value):
    """The link to the preference center that a text carries."""

    hash: str
    """SHA-256 of its token: the token itself is stored nowhere (law 11)."""
    expires_at: datetime
    revoked_at: datetime | None = None


class StepKind(StrEnum):
    REPORTED = "reported"
    """The provider reported a status."""
    WAITED = "waited"
    """It went back to the queue for a reason."""
    RECONCILED = "reconciled"
    """The provider was asked about a text that it had not acknowledged."""


class DeliveryStep(Value):
    """Something that happened to a text and is not told by its other fields."""

    kind: StepKind
    at: datetime
    what: str
    """The status, the reason or the state that resulted."""
    code: int | None = None


class ShortLink(Value):
    """A link of ours in place of one that a teammate wrote, for one person and message."""

    hash: str
    """SHA-256 of its token."""
    url: str
    """Where it leads."""


class Delivery(Document):
    """`_id` is derived from the cause, so one cause makes one delivery."""

    contact: str
    """Empty for a reply to an unknown number."""
    subscription: str = ""
    """Empty for a reply or a message."""
    kind: DeliveryKind
    message: str | None = None
    """The outbound message of which it is a copy."""
    event: str
    """The consent event that allowed it, empty if there was none; of a reply, the id of the text that it answers; of a
    message, its entry in the conversation."""
    flow: str | None = None
    """The flow that sends it."""
    text: str | None = None
    """What the flow says in it, without the opt-out text."""
    heard_at: datetime | None = None
    """Of what a flow says in a conversation by text: when the contact had last texted."""
    answer: str | None = None
    """Of a reply: which one (`bot/outbound/kinds/keyword_answer.py`)."""
    part: str | None = None
    """Of a text that no teammate wrote: its entry in the conversation by text, where there is one."""
    number: str
    locale: str
    prefix: str | None = None
    """Of a question that a form caused, and of what confirms it: the number without its last four digits, to notice
    prefixes that never confirm."""
    link: DeliveryLink | None = None
    short_links: tuple[ShortLink, ...] | None = None
    """In the order of the text. They expire with `link`."""
    clicked_at: datetime | None = None
    """When one of them was first opened."""
    replied_at: datetime | None = None
    """Of a copy of an outbound message: when they first wrote back."""
    opted_out_at: datetime | None = None
    """When they opted out because of it (`bot/outbound/outcomes.py`)."""
    state: DeliveryState = DeliveryState.QUEUED
    reason: str | None = None
    code: int | None = None
    """The provider's error behind `reason`."""
    body: str | None = None
    """As sent, with the link's token masked; of a message, from the start."""
    provider_id: str | None = None
    """Missing where the provider uses our id."""
    earlier_ids: tuple[str, ...] = ()
    """The provider's ids of earlier attempts, which it did not send."""
    status: ProviderStatus | None = None
    """As the provider last reported it; missing until then."""
    sender: str | None = None
    """Who it comes from; missing: the provider chose."""
    handed_at: datetime | None = None
    """When it was handed over last."""
    delivered_at: datetime | None = None
    """When the provider reported that the phone has it."""
    steps: tuple[DeliveryStep, ...] | None = None
    """The last ones, oldest first."""
    due_at: datetime | None = None
    """When a worker may claim it: for the first time, for a retry, or because a claim expired. Missing once it is
    handed over."""
    ask_at: datetime | None = None
    """Once handed over: when to ask the provider about it. Missing once the result is known."""
    worker: str | None = None
    """The round of a worker that claimed it last: only that round may hand it over and store a result."""
    attempts: int = 0
    """Temporary refusals by the provider."""
    checked_at: datetime | None = None
    """When permission was checked."""
    local_times: tuple[str, ...] | None = None
    """Of a copy of an outbound message: the recipient's local time at that moment, in each time zone they may be in."""
    zone_source: str | None = None
    """How the time zones are known (`Whereabouts.source`)."""
    rules: str | None = None
    """The version of the sending rules (`bot/compliance/texting_rules.py`)."""
    is_marketing: bool | None = None
    """Counted by the caps on marketing texts."""
    held_by: str | None = None
    """While it waits for quiet hours to end, or for a cap: the rule."""
    body_hash: str | None = None
    """SHA-256 of the text as it was sent, with the link."""
    segments: int | None = None
    """Of a copy of an outbound message: in how many it was handed over."""
    cost: int | None = None
    """Of all of them, in millionths of the workspace's currency; missing: its country had no price."""
    created_at: datetime
    updated_at: datetime

    @property
    def may_be_marketing(self) -> bool:
        return self.kind in MAY_BE_MARKETING

    @property
    def is_delivered(self) -> bool:
        """The phone has it, as the provider says."""
        return self.status in {ProviderStatus.DELIVERED, ProviderStatus.READ}

    @property
    def entry(self) -> str | None:
        """Its entry in a conversation by text."""
        return self.event if self.kind is DeliveryKind.MESSAGE else self.part


class MarketingText(NamedTuple):
    """A marketing text that a number got, or is about to get."""

    at: datetime
    subscription: str = ""
    delivery: str = ""


class PhoneText(Document):
    """A text on the simulated phone. Those it received are deliveries; the stored ones are those it sent."""

    number: str
    incoming: bool
    """True: from the business to the phone."""
    body: str
    at: datetime
    key: str | None = None
