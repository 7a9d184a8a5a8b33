"""Webhook endpoints: where notifications are posted to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bot.model.webhook import DisabledBy, Topic, WebhookEndpoint
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix, unix_or_none
from bot.workspace.access import Scope
from widget.api.faults import CONFLICT, NO_RESOURCE, REFUSED, shown_once
from widget.api.models import ApiBody
from widget.api.route import Call, Resource

PATH = "/webhooks"
ONE = f"{PATH}/{{webhook_id}}"
FAULTS = (NO_RESOURCE, REFUSED)
Topics = Annotated[list[Annotated[Topic, Field(strict=False)]], Field(min_length=1, max_length=len(Topic))]

webhooks = Resource(
    "Webhooks",
    "Endpoints that are notified about events.",
    is_compatible=False,
)


class EndpointBody(ApiBody):
    url: str = Field(min_length=1, max_length=2000, examples=["https://shop.example/sayso"])
    name: str = Field("", max_length=80, examples=["Shop"])
    topics: Topics = Field(examples=[["consent.recorded"]])


class EndpointEdit(ApiBody):
    """Fields that are left out stay as they are. A topic that is added starts now."""

    url: str | None = Field(None, min_length=1, max_length=2000, examples=["https://shop.example/sayso"])
    name: str | None = Field(None, max_length=80, examples=["Shop"])
    topics: Topics | None = Field(None, examples=[["consent.recorded"]])
    enabled: bool | None = Field(
        None, description="True enables it again: what was pending is sent, what happened meanwhile isn't."
    )


class EndpointAnswer(ApiAnswer):
    type: Literal["webhook"] = "webhook"
    id: Id
    url: str = Field(examples=["https://shop.example/sayso"])
    name: str = Field(examples=["Shop"])
    topics: list[str] = Field(examples=[["consent.recorded"]])
    enabled: bool = Field(examples=[True])
    disabled_by: DisabledBy | None = Field(examples=[None], description="`gone`: it answered 410. `failing`: for days.")
    failing_since: UnixTime | None = Field(examples=[None])
    created_at: UnixTime


class NewEndpointAnswer(EndpointAnswer):
    secret: str = Field(examples=["whsec_…"], description="Signs its notifications. Shown only once.")


class EndpointList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[EndpointAnswer]


class EndpointDeleted(ApiAnswer):
    type: Literal["webhook"] = "webhook"
    id: Id
    deleted: Literal[True] = True


@webhooks.get(PATH, scope=Scope.MANAGE_WORKSPACE)
async def list_webhooks(call: Call) -> EndpointList:
    """List webhook endpoints.

    Disabled ones included.
    """
    return EndpointList(data=[webhook_answer(endpoint) for endpoint in await call.bot.webhooks.all()])


@webhooks.post(PATH, scope=Scope.MANAGE_WORKSPACE, errors=(REFUSED, CONFLICT), is_secret=True)
async def create_webhook(call: Call, body: EndpointBody) -> NewEndpointAnswer:
    """Create a webhook endpoint.

    It is enabled at once. Its secret is shown only here: the same `Idempotency-Key` again is answered with 409
    `conflict`.
    """
    added = await call.bot.webhooks.add(body.url, body.name, body.topics, call.by, id=call.new_id)
    return NewEndpointAnswer(**dict(webhook_answer(added.endpoint)), secret=shown_once(added.secret).secret)


@webhooks.get(ONE, scope=Scope.MANAGE_WORKSPACE, errors=(NO_RESOURCE,))
async def show_webhook(call: Call) -> EndpointAnswer:
    """Find a webhook endpoint."""
    return webhook_answer(await found_webhook(call))


@webhooks.put(ONE, scope=Scope.MANAGE_WORKSPACE, errors=FAULTS)
async def update_webhook(call: Call, body: EndpointEdit) -> EndpointAnswer:
    """Update, enable or disable a webhook endpoint."""
    found, service = await found_webhook(call), call.bot.webhooks
    if body.model_fields_set & {"url", "name", "topics"}:
        topics = body.topics or [Topic(topic) for topic in found.topics if topic in {*Topic}]
        name = found.name if body.name is None else body.name
        await service.change(found.id, body.url or found.url, name, topics, call.by)
    if body.enabled is not None:
        await (service.enable if body.enabled else service.disable)(found.id, call.by)
    return webhook_answer(await found_webhook(call))


@webhooks.delete(ONE, scope=Scope.MANAGE_WORKSPACE, errors=(NO_RESOURCE,))
async def delete_webhook(call: Call) -> EndpointDeleted:
    """Delete a webhook endpoint.

    Nothing more is sent to it.
    """
    found = await found_webhook(call)
    await call.bot.webhooks.remove(found.id, call.by)
    return EndpointDeleted(id=found.id)


async def found_webhook(call: Call) -> WebhookEndpoint:
    """Raises NotFound."""
    return await call.bot.webhooks.get(call.variable("webhook_id"))


def webhook_answer(endpoint: WebhookEndpoint) -> EndpointAnswer:
    return EndpointAnswer(
        id=endpoint.id,
        url=endpoint.url,
        name=endpoint.name,
        topics=[*endpoint.topics],
        enabled=endpoint.is_enabled,
        disabled_by=endpoint.disabled_by,
        failing_since=unix_or_none(endpoint.failing_since),
        created_at=unix(endpoint.created_at),
    )
