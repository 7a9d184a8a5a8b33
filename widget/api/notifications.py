"""What was sent to a webhook endpoint: each notification with its attempts, and sending it again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field

from bot.model.webhook import NotificationState, WebhookAttempt, WebhookNotification
from bot.shapes.base import ApiAnswer, UnixTime, unix, unix_or_none
from bot.store.webhooks import ReplayPeriod
from bot.workspace.access import Scope
from widget.api.faults import NO_RESOURCE, REFUSED
from widget.api.models import ApiBody
from widget.api.paging import NO_CURSOR, PagePlace, PageQuery, PagesAnswer
from widget.api.route import Call, Resource
from widget.api.webhooks import ONE, found_webhook

PATH = f"{ONE}/notifications"

notifications = Resource(
    "Webhook notifications", "Notifications sent to an endpoint, with each attempt.", is_compatible=False
)


class NotificationQuery(PageQuery):
    state: NotificationState | None = Field(None, description="`pending`, `delivered` or `failed`.")


class AttemptAnswer(ApiAnswer):
    at: UnixTime
    url: str = Field(examples=["https://shop.example/sayso"])
    status: int | None = Field(examples=[200], description="Null: there was no response, and `error` says why.")
    error: str = Field(examples=[""])
    milliseconds: int = Field(examples=[84])
    answer: str = Field(examples=["OK"], description="The beginning of the response body.")


class NotificationAnswer(ApiAnswer):
    type: Literal["notification"] = "notification"
    id: str = Field(examples=["notif_6e4f94055f1b4d0f9a7c3b1e2d4f6a80"])
    topic: str = Field(examples=["consent.recorded"])
    state: NotificationState = Field(examples=["delivered"])
    contact_id: str | None = Field(examples=["6762f0cd1bb69f9f2193bb7c"])
    happened_at: UnixTime
    delivered_at: UnixTime | None
    attempts: list[AttemptAnswer]


class NotificationDetail(NotificationAnswer):
    body: dict[str, Any] = Field(examples=[{"type": "notification_event"}], description="The body as it is sent.")


class NotificationList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[NotificationAnswer]
    pages: PagesAnswer


class ReplayBody(ApiBody):
    """What was queued from `since` until `until`."""

    since: UnixTime
    until: UnixTime


class ReplayAnswer(ApiAnswer):
    type: Literal["replay"] = "replay"
    queued: int = Field(examples=[12])


@notifications.get(PATH, scope=Scope.MANAGE_WORKSPACE, errors=(NO_RESOURCE, NO_CURSOR))
async def list_notifications(call: Call, query: NotificationQuery) -> NotificationList:
    """List an endpoint's notifications.

    The newest first, kept for thirty days.
    """
    endpoint, place = await found_webhook(call), PagePlace(query)
    cursor = place.cursor(datetime, str)
    page = await call.bot.webhooks.notifications(endpoint.id, query.state, cursor, limit=place.per_page)
    return NotificationList(
        data=[NotificationAnswer(**_values(one)) for one in page.items],
        pages=place.pages(page.next, (place.page - 1) * place.per_page + len(page.items)),
    )


@notifications.get(f"{PATH}/{{notification_id}}", scope=Scope.MANAGE_WORKSPACE, errors=(NO_RESOURCE,))
async def show_notification(call: Call) -> NotificationDetail:
    """Find a notification with its body."""
    found = await _found(call)
    body = json.loads(call.bot.webhook_sender.shown_body(found))
    return NotificationDetail(**_values(found), body=body)


@notifications.post(f"{PATH}/{{notification_id}}/replay", scope=Scope.MANAGE_WORKSPACE, errors=(NO_RESOURCE,))
async def replay_notification(call: Call) -> ReplayAnswer:
    """Send a notification again.

    It keeps its ID, so receivers can recognize duplicates.
    """
    found = await _found(call)
    await call.bot.webhooks.replay(found.endpoint, found.id, call.by)
    return ReplayAnswer(queued=1)


@notifications.post(f"{ONE}/replay", scope=Scope.MANAGE_WORKSPACE, errors=(NO_RESOURCE, REFUSED))
async def replay_webhook(call: Call, body: ReplayBody) -> ReplayAnswer:
    """Send an endpoint's notifications again.

    At most the newest 10,000 of the period.
    """
    period = ReplayPeriod(datetime.fromtimestamp(body.since, UTC), datetime.fromtimestamp(body.until, UTC))
    return ReplayAnswer(queued=await call.bot.webhooks.replay_period((await found_webhook(call)).id, period, call.by))


@notifications.post(f"{ONE}/ping", scope=Scope.MANAGE_WORKSPACE, errors=(NO_RESOURCE,))
async def ping_webhook(call: Call) -> NotificationAnswer:
    """Send a test notification."""
    id = (await found_webhook(call)).id
    ping = await call.bot.webhooks.ping(id, call.by, call.key)
    return NotificationAnswer(**_values(await call.bot.webhooks.notification(id, ping)))


async def _found(call: Call) -> WebhookNotification:
    """Raises NotFound."""
    endpoint = await found_webhook(call)
    return await call.bot.webhooks.notification(endpoint.id, call.variable("notification_id"))


def _values(found: WebhookNotification) -> dict[str, Any]:
    return {
        "id": found.id,
        "topic": found.topic,
        "state": found.state,
        "contact_id": found.contact or None,
        "happened_at": unix(found.at),
        "delivered_at": unix_or_none(found.delivered_at),
        "attempts": [_attempt(attempt) for attempt in found.attempts],
    }


def _attempt(attempt: WebhookAttempt) -> AttemptAnswer:
    return AttemptAnswer(**{**dict(attempt), "at": unix(attempt.at)})
