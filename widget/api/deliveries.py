"""Deliveries: one contact's copy of a text, from its cause to its result."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from bot.i18n import translator
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState, ProviderStatus
from bot.model.paging import Page
from bot.shapes.base import ApiAnswer, UnixTime, unix, unix_or_none
from bot.workspace.access import Scope
from widget.api.faults import NO_RESOURCE, ApiRefusal
from widget.api.messages import ONE
from widget.api.paging import NO_CURSOR, PagePlace, PageQuery, PagesAnswer
from widget.api.route import Call, Resource
from widget.outbound.story import story_of

deliveries = Resource("Deliveries", "Single texts and their delivery history.", is_compatible=False)


class DeliveryQuery(PageQuery):
    state: DeliveryState | None = None


class DeliveryAnswer(ApiAnswer):
    type: Literal["delivery"] = "delivery"
    id: str = Field(examples=["6762f0cd1bb69f9f2193bb7c:6762f0cd1bb69f9f2193bb80"])
    contact_id: str | None = Field(examples=["6762f0cd1bb69f9f2193bb7c"])
    kind: DeliveryKind = Field(examples=["outbound"])
    state: DeliveryState = Field(examples=["sent"])
    provider_status: ProviderStatus | None = Field(examples=["delivered"])
    reason: str | None = Field(examples=[None], description="Why it was not sent.")
    subscription: str | None = Field(examples=["6762f0cd1bb69f9f2193bb7c"])
    message_id: str | None = Field(examples=["6762f0cd1bb69f9f2193bb7c"])
    consent_event: str | None = Field(
        examples=["01KB2M6ZC0V6T1JY9M0Q3W8R5X"], description="The consent event that allowed it."
    )
    created_at: UnixTime
    updated_at: UnixTime
    handed_at: UnixTime | None
    delivered_at: UnixTime | None


class StoryStepAnswer(ApiAnswer):
    at: UnixTime
    title: str = Field(examples=["Permission checked"])
    facts: dict[str, str] = Field(examples=[{"Local time": "10:04 America/New_York"}])


class DeliveryDetail(DeliveryAnswer):
    number: str | None = Field(examples=["+12015550123"])
    body: str | None = Field(examples=["Harbor Coffee: 20% off. Opt out: sayso.example/p/…"])
    story: list[StoryStepAnswer]


class DeliveryList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[DeliveryAnswer]
    pages: PagesAnswer


@deliveries.get(f"{ONE}/deliveries", scope=Scope.SEND_MESSAGES, errors=(NO_RESOURCE, NO_CURSOR))
async def list_deliveries(call: Call, query: DeliveryQuery) -> DeliveryList:
    """List an outbound message's deliveries.

    The newest first.
    """
    message, place = await call.bot.outbound.get(call.variable("message_id")), PagePlace(query)
    after = place.cursor(datetime, str)
    find = call.bot.store.deliveries.of_message
    found = await find(message.id, after, state=query.state, limit=place.per_page + 1)
    page = Page.cut(found, place.per_page, lambda delivery: (delivery.created_at, delivery.id))
    pages = place.pages(page.next, (place.page - 1) * place.per_page + len(page.items))
    return DeliveryList(data=[DeliveryAnswer(**_values(one)) for one in page.items], pages=pages)


@deliveries.get("/deliveries/{delivery_id}", scope=Scope.READ_CONTACTS, errors=(NO_RESOURCE,))
async def show_delivery(call: Call) -> DeliveryDetail:
    """Find a delivery with its story.

    Each step from its cause to its result, with the consent and local time that were checked.
    """
    found = await call.bot.store.deliveries.get(call.variable("delivery_id"))
    if found is None:
        raise ApiRefusal(NO_RESOURCE)
    story = [
        StoryStepAnswer(at=unix(step.at), title=step.title, facts=dict(step.facts))
        for step in story_of(found, translator("en"))
    ]
    number = found.number if found.number.startswith("+") else None
    return DeliveryDetail(**_values(found), number=number, body=found.body, story=story)


def _values(found: Delivery) -> dict[str, object]:
    return {
        "id": found.id,
        "contact_id": found.contact or None,
        "kind": found.kind,
        "state": found.state,
        "provider_status": found.status,
        "reason": found.reason,
        "subscription": found.subscription or None,
        "message_id": found.message,
        "consent_event": found.event if found.subscription else None,
        "created_at": unix(found.created_at),
        "updated_at": unix(found.updated_at),
        "handed_at": unix_or_none(found.handed_at),
        "delivered_at": unix_or_none(found.delivered_at),
    }
