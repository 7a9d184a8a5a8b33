"""A delivery, without its number and its text: the contact has them. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.model.delivery import Delivery, DeliveryKind, DeliveryState, ProviderStatus
from bot.shapes.base import ApiAnswer, UnixTime, unix, unix_or_none


class DeliveryAnswer(ApiAnswer):
    type: Literal["delivery"] = "delivery"
    id: str = Field(examples=["6762f0cd1bb69f9f2193bb7c:6762f0cd1bb69f9f2193bb80"])
    contact_id: str | None = Field(examples=["6762f0cd1bb69f9f2193bb7c"])
    kind: DeliveryKind = Field(examples=["outbound"])
    state: DeliveryState = Field(examples=["sent"])
    provider_status: ProviderStatus | None = Field(examples=["delivered"])
    reason: str | None = Field(examples=[None], description="Why it was not sent.")
    subscription_id: str | None = Field(examples=["6762f0cd1bb69f9f2193bb7c"])
    message_id: str | None = Field(examples=["6762f0cd1bb69f9f2193bb7c"])
    consent_event_id: str | None = Field(examples=["01KB2M6ZC0V6T1JY9M0Q3W8R5X"], description="What allowed it.")
    created_at: UnixTime
    updated_at: UnixTime
    handed_at: UnixTime | None
    delivered_at: UnixTime | None


def delivery_answer(found: Delivery) -> DeliveryAnswer:
    return DeliveryAnswer(
        id=found.id,
        contact_id=found.contact or None,
        kind=found.kind,
        state=found.state,
        provider_status=found.status,
        reason=found.reason,
        subscription_id=found.subscription or None,
        message_id=found.message,
        consent_event_id=found.event if found.subscription else None,
        created_at=unix(found.created_at),
        updated_at=unix(found.updated_at),
        handed_at=unix_or_none(found.handed_at),
        delivered_at=unix_or_none(found.delivered_at),
    )
