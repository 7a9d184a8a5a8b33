"""Outbound messages by text: drafts, who gets them, sending, and what became of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bot.jobs.outbound_messages import CONFIRMED_ABOVE, MessageState, MessageStatus
from bot.jobs.rules import JobAction
from bot.model.filter import Filter
from bot.model.outbound_message import OutboundMessage
from bot.outbound.send_time import NOW, SendTime
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix, unix_or_none
from bot.workspace.access import Scope
from widget.api.faults import CONFLICT, MISSING, NO_RESOURCE, REFUSED, TOO_BROAD, ApiRefusal
from widget.api.jobs import JOB_CONFLICT, TOO_MANY_JOBS
from widget.api.models import AnyId, ApiBody, ApiQuery
from widget.api.paging import NO_CURSOR, PagePlace, PageQuery, PagesAnswer
from widget.api.route import Call, Resource

PATH = "/outbound_messages"
ONE = f"{PATH}/{{message_id}}"
FAULTS = (NO_RESOURCE, CONFLICT, REFUSED)
Texts = Annotated[dict[str, Annotated[str, Field(max_length=1200)]], Field(max_length=20)]
Version = Annotated[int, Field(ge=1, examples=[1], description="The version that your change is based on.")]

messages = Resource(
    "Outbound messages",
    "Texts to an audience. Permission is asked when each one is sent: nobody who opted out gets one.",
    is_compatible=False,
)


class MessageEdit(ApiBody):
    """Fields that are left out stay as they are. The audience is a `segment` or a `filter`."""

    name: str | None = Field(None, min_length=1, max_length=120, examples=["Winter sale"])
    subscription: AnyId | None = None
    texts: Texts | None = Field(None, examples=[{"en": "Everything is 20% off until Sunday."}])
    language: str | None = Field(
        None, max_length=20, examples=["en"], description="For contacts whose language has no text of its own."
    )
    segment: AnyId | None = Field(None, examples=[None])
    filter: Filter | None = Field(None, examples=[None])
    counts_clicks: bool | None = None

    def values(self) -> dict[str, object]:
        """Raises Invalid: the filter is too long."""
        given = self.model_dump(exclude_none=True, exclude={"filter", "version"})
        if self.filter is not None:
            given |= {"filter": Filter.from_text(self.filter.as_text()), "segment": ""}
        return given


class NewMessage(MessageEdit):
    name: str = Field(min_length=1, max_length=120, examples=["Winter sale"])


class MessageChange(MessageEdit):
    version: Version


class SendBody(ApiBody):
    """Now; at `send_at`; or at `local_at` on each recipient's own clock."""

    version: Version
    send_at: UnixTime | None = Field(None, examples=[None])
    local_at: str | None = Field(None, pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d$", examples=[None])
    confirmed: int | None = Field(
        None,
        ge=0,
        examples=[1180],
        description=f"How many will get it (`to_confirm` of the preview), if more than {CONFIRMED_ABOVE}.",
    )

    @model_validator(mode="after")
    def _has_one_time(self) -> SendBody:
        if self.send_at is not None and self.local_at is not None:
            raise ValueError("Only one of send_at and local_at")
        self.time()
        return self

    def time(self) -> SendTime:
        """Raises ValueError."""
        if self.local_at is not None:
            return SendTime(local=self.local_at)
        return SendTime(at=None if self.send_at is None else datetime.fromtimestamp(self.send_at, UTC))


class MessageActionBody(ApiBody):
    action: Literal["pause", "resume", "cancel"] = Field(examples=["pause"])


class DeleteQuery(ApiQuery):
    version: int = Field(ge=1, description="The version that your change is based on.")


class OutboundMessageAnswer(ApiAnswer):
    type: Literal["outbound_message"] = "outbound_message"
    id: Id
    name: str = Field(examples=["Winter sale"])
    state: MessageState = Field(examples=["draft"])
    version: int = Field(examples=[1])
    subscription: str | None = Field(examples=["6762f0cd1bb69f9f2193bb7c"])
    texts: dict[str, str] = Field(examples=[{"en": "Everything is 20% off until Sunday."}])
    language: str = Field(examples=["en"])
    segment: str | None = Field(examples=[None])
    filter: dict[str, Any] = Field(examples=[{}])
    counts_clicks: bool = Field(examples=[False])
    send_at: UnixTime | None = Field(examples=[None])
    local_at: str | None = Field(examples=[None])
    created_at: UnixTime
    updated_at: UnixTime
    ordered_at: UnixTime | None


class OutboundMessageList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[OutboundMessageAnswer]
    pages: PagesAnswer


class AudienceAnswer(ApiAnswer):
    type: Literal["audience_preview"] = "audience_preview"
    total: int = Field(examples=[1200], description="Contacts of the audience.")
    seen: int = Field(examples=[1000], description="How many of them were checked.")
    counts: dict[str, int] = Field(
        examples=[{"queued": 980, "not_opted_in": 20}],
        description="Contacts by result: `queued` will get it; the others get it later or not, by reason.",
    )
    to_confirm: int | None = Field(
        examples=[1180], description="The number that sending asks for; `null` while everyone is counted."
    )
    exact: bool = Field(examples=[True])


class ReportAnswer(ApiAnswer):
    type: Literal["message_report"] = "message_report"
    state: MessageState = Field(examples=["done"])
    results: dict[str, int] = Field(
        examples=[{"sent": 1170, "blocked:opted_out": 10}], description="Deliveries by result."
    )
    sent: int = Field(examples=[1170])
    delivered: int = Field(examples=[1160])
    clicked: int = Field(examples=[210])
    replied: int = Field(examples=[14])
    opted_out: int = Field(examples=[9])


class MessageDeleted(ApiAnswer):
    type: Literal["outbound_message"] = "outbound_message"
    id: Id
    deleted: Literal[True] = True


@messages.get(PATH, scope=Scope.SEND_MESSAGES, errors=(NO_CURSOR,))
async def list_outbound_messages(call: Call, query: PageQuery) -> OutboundMessageList:
    """List outbound messages.

    The newest first, without chat messages.
    """
    place = PagePlace(query)
    page = await call.bot.outbound.newest(place.cursor(datetime, str), limit=place.per_page)
    found = [message_answer(status) for status in page.items if status.message.chat is None]
    return OutboundMessageList(data=found, pages=place.pages(page.next, (place.page - 1) * place.per_page + len(found)))


@messages.post(PATH, scope=Scope.SEND_MESSAGES, errors=FAULTS)
async def create_outbound_message(call: Call, body: NewMessage) -> OutboundMessageAnswer:
    """Create a draft."""
    values, key = body.values(), call.key[:24]
    draft = await call.bot.outbound.create(body.name, call.by, key=key)
    saved = await call.bot.outbound.save(draft.id, draft.version, values, call.by)
    return await _answer(call, saved.id)


@messages.get(ONE, scope=Scope.SEND_MESSAGES, errors=(NO_RESOURCE,))
async def show_outbound_message(call: Call) -> OutboundMessageAnswer:
    """Find an outbound message."""
    return await _answer(call, (await _found(call)).id)


@messages.put(ONE, scope=Scope.SEND_MESSAGES, errors=FAULTS)
async def update_outbound_message(call: Call, body: MessageChange) -> OutboundMessageAnswer:
    """Change a draft.

    If someone else changed it since `version`, the answer is 409.
    """
    found = await _found(call)
    await call.bot.outbound.save(found.id, body.version, body.values(), call.by)
    return await _answer(call, found.id)


@messages.delete(ONE, scope=Scope.SEND_MESSAGES, errors=(NO_RESOURCE, CONFLICT, MISSING))
async def delete_outbound_message(call: Call, query: DeleteQuery) -> MessageDeleted:
    """Delete a draft."""
    found = await _found(call)
    await call.bot.outbound.delete(found.id, query.version, call.by)
    return MessageDeleted(id=found.id)


@messages.get(f"{ONE}/audience", scope=Scope.SEND_MESSAGES, errors=(NO_RESOURCE, REFUSED, TOO_BROAD, TOO_MANY_JOBS))
async def preview_audience(call: Call) -> AudienceAnswer:
    """Preview an audience.

    Who would get it now, and why others wouldn't. More than 5,000 matches are counted by a job, which the first request
    starts.
    """
    message, counts = await _found(call), call.bot.audience_counts
    found, count = await call.bot.outbound.audience.preview(message), await counts.to_confirm(message)
    if count is None:
        await counts.start(message, NOW, call.by)
    return AudienceAnswer(
        total=found.total.number,
        seen=found.seen,
        counts=dict(found.counts),
        to_confirm=count.number if count else None,
        exact=count is not None,
    )


@messages.post(f"{ONE}/send", scope=Scope.SEND_MESSAGES, errors=(*FAULTS, TOO_BROAD, TOO_MANY_JOBS))
async def send_outbound_message(call: Call, body: SendBody) -> OutboundMessageAnswer:
    """Send or schedule a draft.

    It can't be edited afterwards. Confirm a large audience with `to_confirm`.
    """
    found = await _found(call)
    await call.bot.outbound.order(found.id, body.version, call.by, time=body.time(), confirmed=body.confirmed)
    return await _answer(call, found.id)


@messages.post(f"{ONE}/actions", scope=Scope.SEND_MESSAGES, errors=(NO_RESOURCE, JOB_CONFLICT, CONFLICT))
async def act_on_outbound_message(call: Call, body: MessageActionBody) -> OutboundMessageAnswer:
    """Pause, resume or cancel an outbound message.

    Texts that were already sent stay sent.
    """
    return message_answer(await call.bot.outbound.act((await _found(call)).id, JobAction(body.action), call.by))


@messages.get(f"{ONE}/report", scope=Scope.SEND_MESSAGES, errors=(NO_RESOURCE,))
async def report_outbound_message(call: Call) -> ReportAnswer:
    """Report on an outbound message."""
    status = await call.bot.outbound.status((await _found(call)).id)
    figures, results = await call.bot.figures.of(status.message.id), dict[str, int]()
    for result, number in figures.results.items():
        name = f"{result.state}:{result.reason}" if result.reason else f"{result.state}"
        results[name] = results.get(name, 0) + number
    return ReportAnswer(
        state=status.state,
        results=results,
        sent=figures.sent,
        delivered=figures.delivered,
        clicked=figures.clicked,
        replied=figures.replied,
        opted_out=figures.opted_out,
    )


async def _found(call: Call) -> OutboundMessage:
    """Raises NotFound, and ApiRefusal for chat messages."""
    found = await call.bot.outbound.get(call.variable("message_id"))
    if found.chat is not None:
        raise ApiRefusal(NO_RESOURCE)
    return found


async def _answer(call: Call, id: str) -> OutboundMessageAnswer:
    return message_answer(await call.bot.outbound.status(id))


def message_answer(status: MessageStatus) -> OutboundMessageAnswer:
    message = status.message
    return OutboundMessageAnswer(
        id=message.id,
        name=message.name,
        state=status.state,
        version=message.version,
        subscription=message.subscription or None,
        texts=message.texts,
        language=message.language,
        segment=message.segment or None,
        filter=message.filter.model_dump(mode="json", exclude_defaults=True),
        counts_clicks=message.counts_clicks,
        send_at=unix_or_none(message.send_at),
        local_at=message.local_at or None,
        created_at=unix(message.created_at),
        updated_at=unix(message.updated_at),
        ordered_at=unix_or_none(message.ordered_at),
    )
