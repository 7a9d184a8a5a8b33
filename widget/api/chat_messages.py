"""Outbound messages in the chat: drafts, who gets them, starting, pausing and ending, and what became of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field

from bot.jobs.audience_counts import counted
from bot.jobs.outbound_messages import MessageState, MessageStatus
from bot.model.conversation import Card
from bot.model.filter import Filter
from bot.model.job import JobState
from bot.model.outbound_message import ChatTerms, OutboundMessage
from bot.outbound.audience import ASKED
from bot.outbound.send_time import NOW
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix, unix_or_none
from bot.workspace.access import Scope
from widget.api.faults import CONFLICT, MISSING, NO_RESOURCE, REFUSED, TOO_BROAD, ApiRefusal
from widget.api.form_words import CLOSED, INCOMPLETE, FormWordsBody, checked_card
from widget.api.jobs import TOO_MANY_JOBS
from widget.api.messages import DeleteQuery, MessageDeleted, Texts, Version
from widget.api.models import AnyId, ApiBody
from widget.api.paging import NO_CURSOR, PagePlace, PageQuery, PagesAnswer
from widget.api.route import Call, Resource

PATH = "/chat_messages"
ONE = f"{PATH}/{{message_id}}"
TERMS = ("at_once", "visitors", "asks_opted_out")
FAULTS = (NO_RESOURCE, CONFLICT, CLOSED, INCOMPLETE, REFUSED)

chat_messages = Resource(
    "Chat messages",
    "Outbound messages in the chat, with an opt-in form if you like. Shown to an audience when they come, or now.",
    is_compatible=False,
)


class ChatMessageEdit(ApiBody):
    """Fields that are left out stay as they are; `form` and `ends_at` of null are removed. The audience is a `segment`
    or a `filter`."""

    name: str | None = Field(None, min_length=1, max_length=120, examples=["Welcome back"])
    texts: Texts | None = Field(None, examples=[{"en": "Hi {{first_name}}, deals by text?"}])
    language: str | None = Field(
        None, max_length=20, examples=["en"], description="For contacts whose language has no text of its own."
    )
    segment: AnyId | None = Field(None, examples=[None])
    filter: Filter | None = Field(None, examples=[None])
    form: FormWordsBody | None = Field(None, description="The opt-in form below the text.")
    at_once: bool | None = Field(None, description="Also show it now to people who are online.")
    visitors: bool | None = Field(None, description="Also show it to new visitors, before they are stored as contacts.")
    asks_opted_out: bool | None = Field(None, description="Also to people who opted out of the form's subscription.")
    ends_at: UnixTime | None = Field(None, examples=[None])

    async def values(self, call: Call, before: ChatTerms) -> dict[str, object]:
        """Raises what `checked_card` raises, CardClosed, and Invalid: the filter is too long."""
        given = self.model_dump(exclude_none=True, include={"name", "texts", "language", "segment"})
        if self.filter is not None:
            given |= {"filter": Filter.from_text(self.filter.as_text()), "segment": ""}
        terms: dict[str, object] = self.model_dump(exclude_none=True, include={*TERMS})
        if "ends_at" in self.model_fields_set:
            terms["ends_at"] = None if self.ends_at is None else datetime.fromtimestamp(self.ends_at, UTC)
        if "form" in self.model_fields_set:
            terms["card"] = await _card(call, self.form) if self.form else None
        return {**given, "chat": before.model_copy(update=terms)}


class NewChatMessage(ChatMessageEdit):
    name: str = Field(min_length=1, max_length=120, examples=["Welcome back"])


class ChatMessageChange(ChatMessageEdit):
    version: Version


class ChatStartBody(ApiBody):
    version: Version


class ChatActionBody(ApiBody):
    action: Literal["pause", "resume", "end"] = Field(examples=["pause"])


class ChatFormAnswer(ApiAnswer):
    subscription: Id
    title: str = Field(examples=["Get our deals by text"])
    button: str = Field(examples=["Sign Up Now"])
    legal_text: str = Field(examples=["Reply STOP to stop. Msg & data rates may apply."])
    box: str = Field(examples=[""])


class ChatMessageAnswer(ApiAnswer):
    type: Literal["chat_message"] = "chat_message"
    id: Id
    name: str = Field(examples=["Welcome back"])
    state: MessageState = Field(examples=["draft"])
    version: int = Field(examples=[1])
    texts: dict[str, str] = Field(examples=[{"en": "Hi {{first_name}}, deals by text?"}])
    language: str = Field(examples=["en"])
    segment: str | None = Field(examples=[None])
    filter: dict[str, Any] = Field(examples=[{}])
    form: ChatFormAnswer | None
    at_once: bool = Field(examples=[False])
    visitors: bool = Field(examples=[False])
    asks_opted_out: bool = Field(examples=[False])
    ends_at: UnixTime | None = Field(examples=[None])
    created_at: UnixTime
    updated_at: UnixTime
    started_at: UnixTime | None
    ended_at: UnixTime | None = Field(examples=[None])


class ChatMessageList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[ChatMessageAnswer]
    pages: PagesAnswer


class ChatAudienceAnswer(ApiAnswer):
    type: Literal["audience_preview"] = "audience_preview"
    total: int = Field(examples=[1200], description="Contacts of the audience; an estimate unless `exact`.")
    seen: int = Field(examples=[1000], description="How many of them were checked.")
    counts: dict[str, int] = Field(
        examples=[{"queued": 980, "opted_out": 20}],
        description="Contacts by result: `queued` will get it; the others won't, by reason.",
    )
    exact: bool = Field(examples=[True])


class ChatReportAnswer(ApiAnswer):
    type: Literal["chat_report"] = "chat_report"
    state: MessageState = Field(examples=["running"])
    shown: int = Field(examples=[340], description="How many people saw it.")
    signed_up: int = Field(examples=[61])
    unconfirmed: int = Field(examples=[4], description="Signed up, and not confirmed yet (double opt-in).")
    dismissed: int = Field(examples=[12])
    unanswered: int = Field(examples=[263])


@chat_messages.get(PATH, scope=Scope.SEND_MESSAGES, errors=(NO_CURSOR,))
async def list_chat_messages(call: Call, query: PageQuery) -> ChatMessageList:
    """List chat messages.

    The newest first, without texts: a page may have fewer items than asked for.
    """
    place = PagePlace(query)
    page = await call.bot.outbound.newest(place.cursor(datetime, str), limit=place.per_page)
    found = [_shape(status) for status in page.items if status.message.chat is not None]
    return ChatMessageList(data=found, pages=place.pages(page.next, (place.page - 1) * place.per_page + len(found)))


@chat_messages.post(PATH, scope=Scope.SEND_MESSAGES, errors=FAULTS)
async def create_chat_message(call: Call, body: NewChatMessage) -> ChatMessageAnswer:
    """Create a draft."""
    values = await body.values(call, ChatTerms())
    draft = await call.bot.outbound.create(body.name, call.by, key=call.key[:24], chat=ChatTerms())
    return await _answer(call, (await call.bot.outbound.save(draft.id, draft.version, values, call.by)).id)


@chat_messages.get(ONE, scope=Scope.SEND_MESSAGES, errors=(NO_RESOURCE,))
async def show_chat_message(call: Call) -> ChatMessageAnswer:
    """Find a chat message."""
    return await _answer(call, (await _found(call)).id)


@chat_messages.put(ONE, scope=Scope.SEND_MESSAGES, errors=FAULTS)
async def update_chat_message(call: Call, body: ChatMessageChange) -> ChatMessageAnswer:
    """Change a draft.

    If someone else changed it since `version`, the answer is 409.
    """
    found = await _found(call)
    values = await body.values(call, found.chat or ChatTerms())
    await call.bot.outbound.save(found.id, body.version, values, call.by)
    return await _answer(call, found.id)


@chat_messages.delete(ONE, scope=Scope.SEND_MESSAGES, errors=(NO_RESOURCE, CONFLICT, MISSING))
async def delete_chat_message(call: Call, query: DeleteQuery) -> MessageDeleted:
    """Delete a draft."""
    found = await _found(call)
    await call.bot.outbound.delete(found.id, query.version, call.by)
    return MessageDeleted(id=found.id)


@chat_messages.get(
    f"{ONE}/audience", scope=Scope.SEND_MESSAGES, errors=(NO_RESOURCE, REFUSED, TOO_BROAD, TOO_MANY_JOBS)
)
async def preview_chat_audience(call: Call) -> ChatAudienceAnswer:
    """Preview who gets a chat message.

    And why others don't. More than 5,000 matches are counted by a job, which the first request starts; until then, the
    figures are those of the first ones.
    """
    message, counts = await _found(call), call.bot.audience_counts
    found = await call.bot.outbound.audience.preview(message, most=ASKED)
    if found.is_sample:
        job = await counts.newest(message, NOW)
        if job is None or job.state in {JobState.FAILED, JobState.CANCELED}:
            job = await counts.start(message, NOW, call.by)
        found = counted(job, found) if job.state is JobState.DONE else found
    return ChatAudienceAnswer(
        total=found.total.number, seen=found.seen, counts=dict(found.counts), exact=found.total.is_exact
    )


@chat_messages.post(f"{ONE}/start", scope=Scope.SEND_MESSAGES, errors=(*FAULTS, TOO_BROAD, TOO_MANY_JOBS))
async def start_chat_message(call: Call, body: ChatStartBody) -> ChatMessageAnswer:
    """Start a chat message.

    It can't be edited afterwards. It is shown until it ends.
    """
    found = await _found(call)
    await call.bot.chat_messages.start(found.id, body.version, call.by)
    return await _answer(call, found.id)


@chat_messages.post(f"{ONE}/actions", scope=Scope.SEND_MESSAGES, errors=(NO_RESOURCE, CONFLICT, REFUSED))
async def act_on_chat_message(call: Call, body: ChatActionBody) -> ChatMessageAnswer:
    """Pause, resume or end a chat message.

    Messages already shown stay in the chats.
    """
    found = await _found(call)
    await call.bot.chat_messages.act(found.id, body.action, call.by)
    return await _answer(call, found.id)


@chat_messages.get(f"{ONE}/report", scope=Scope.SEND_MESSAGES, errors=(NO_RESOURCE,))
async def report_chat_message(call: Call) -> ChatReportAnswer:
    """Report on a chat message."""
    status = await call.bot.outbound.status((await _found(call)).id)
    figures = await call.bot.chat_messages.figures(status.message.id)
    return ChatReportAnswer(
        state=status.state,
        shown=figures.shown,
        signed_up=figures.signed_up,
        unconfirmed=figures.unconfirmed,
        dismissed=figures.dismissed,
        unanswered=figures.unanswered,
    )


async def _card(call: Call, body: FormWordsBody) -> Card:
    card, _wording = await checked_card(call, body)
    await call.bot.cards.live(card)
    return card


async def _found(call: Call) -> OutboundMessage:
    """Raises NotFound, and ApiRefusal for texts."""
    found = await call.bot.outbound.get(call.variable("message_id"))
    if found.chat is None:
        raise ApiRefusal(NO_RESOURCE)
    return found


async def _answer(call: Call, id: str) -> ChatMessageAnswer:
    return _shape(await call.bot.outbound.status(id))


def _shape(status: MessageStatus) -> ChatMessageAnswer:
    message, terms = status.message, status.message.chat or ChatTerms()
    return ChatMessageAnswer(
        id=message.id,
        name=message.name,
        state=status.state,
        version=message.version,
        texts=message.texts,
        language=message.language,
        segment=message.segment or None,
        filter=message.filter.model_dump(mode="json", exclude_defaults=True),
        form=_form(terms),
        **{name: getattr(terms, name) for name in TERMS},
        ends_at=unix_or_none(terms.ends_at),
        created_at=unix(message.created_at),
        updated_at=unix(message.updated_at),
        started_at=unix_or_none(message.ordered_at),
        ended_at=unix_or_none(message.ended_at),
    )


def _form(terms: ChatTerms) -> ChatFormAnswer | None:
    if terms.card is None:
        return None
    return ChatFormAnswer(**terms.card.model_dump(include=set(ChatFormAnswer.model_fields)))
