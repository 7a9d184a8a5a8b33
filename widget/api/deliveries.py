"""Deliveries: one contact's copy of a text, from its cause to its result."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from bot.i18n import translator
from bot.model.base import now
from bot.model.delivery import DeliveryKind, DeliveryState
from bot.model.paging import Page
from bot.shapes.base import ApiAnswer, UnixTime, unix
from bot.shapes.delivery import DeliveryAnswer, delivery_answer
from bot.workspace.access import Scope
from widget.api.consent_events import SETTLED
from widget.api.faults import NO_RESOURCE, TOO_BROAD, ApiRefusal
from widget.api.messages import ONE
from widget.api.models import ApiQuery
from widget.api.paging import NO_CURSOR, PagePlace, PageQuery, PagesAnswer, cursor_in
from widget.api.route import Call, Resource
from widget.outbound.story import story_of

deliveries = Resource("Deliveries", "Single texts and their delivery history.", is_compatible=False)


class DeliveryQuery(PageQuery):
    state: DeliveryState | None = None


class SinceDelivery(ApiQuery):
    since: str = Field("", max_length=400, description="`next` of the previous page.")
    per_page: int = Field(50, ge=1, le=150)
    state: DeliveryState | None = None
    kind: DeliveryKind | None = None
    contact_id: str | None = Field(None, max_length=100)
    message_id: str | None = Field(None, max_length=100, description="The outbound message.")
    subscription_id: str | None = Field(None, max_length=100)

    @property
    def only(self) -> dict[str, str]:
        given = {
            "state": self.state,
            "kind": self.kind,
            "contact": self.contact_id,
            "message": self.message_id,
            "subscription": self.subscription_id,
        }
        return {name: str(value) for name, value in given.items() if value is not None}


class StoryStepAnswer(ApiAnswer):
    at: UnixTime
    title: str = Field(examples=["Permission checked"])
    facts: dict[str, str] = Field(examples=[{"Local time": "10:04 America/New_York"}])


class DeliveryDetail(DeliveryAnswer):
    number: str | None = Field(examples=["+12015550123"])
    body: str | None = Field(examples=["Harbor Coffee: 20% off. Opt out: sayso.example/p/…"])
    story: list[StoryStepAnswer]


class DeliveryFeed(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[DeliveryAnswer]
    next: str = Field(
        examples=["2026-11-23T09:41:00.000Z,6762f0cd1bb69f9f2193bb7c"],
        description="Continue here, also later, when there are new deliveries.",
    )


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
    return DeliveryList(data=[delivery_answer(one) for one in page.items], pages=pages)


@deliveries.get("/deliveries", scope=Scope.READ_CONTACTS, errors=(NO_CURSOR, TOO_BROAD))
async def list_all_deliveries(call: Call, query: SinceDelivery) -> DeliveryFeed:
    """List all deliveries since a cursor.

    The oldest first, texts of every kind: of outbound messages, forms, flows, replies and keywords. A delivery appears
    here a minute after it was created, so that none is skipped, with its state as of now: one whose state changes later
    isn't listed again, so use webhooks for states. A page may have few items or none although more follow: read on
    until `next` stays the same.
    """
    after = cursor_in(query.since, datetime, str, field="since")
    found, next = await call.bot.store.deliveries.since(after, now() - SETTLED, query.only, limit=query.per_page)
    call.answers_about.extend(one.contact for one in found if one.contact)
    return DeliveryFeed(data=[delivery_answer(one) for one in found], next=str(next or ""))


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
    return DeliveryDetail(**delivery_answer(found).model_dump(), number=number, body=found.body, story=story)
