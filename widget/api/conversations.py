"""Conversations: list, find, reply, manage."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import Field, model_validator

from bot.chat.conversation_finder import EVERYTHING, RECENT, ConversationSort
from bot.chat.conversation_query import conversation_query
from bot.contacts.filters import Query
from bot.contacts.query_terms import Term
from bot.errors import NotFound
from bot.model.conversation import LONGEST_TEXT, Channel, Conversation, ConversationState
from bot.shapes.base import ApiAnswer, UnixTime
from bot.shapes.conversation import ConversationAnswer
from bot.workspace.access import Scope
from widget.api.faults import NO_CONTACT, NO_RESOURCE, REFUSED, STOPPED, TOO_BROAD, ApiFault, ApiRefusal
from widget.api.models import AnyId, ApiBody, ApiQuery
from widget.api.paging import NO_CURSOR, PagePlace, PageQuery, PagesAnswer
from widget.api.route import Call, Resource

PATH = "/conversations/{conversation_id}"
MOST_PARTS = 500
BY_TEXT = ApiFault(
    422, "parameter_invalid", "Contacts reply to SMS conversations by text only. Reply as an admin instead."
)
REPLY_FAULTS = (NO_RESOURCE, NO_CONTACT, REFUSED, STOPPED)

conversations = Resource("Conversations", "Chats and conversations by text, as the inbox shows them.")


class ConversationQuery(PageQuery):
    per_page: int = Field(20, ge=1, le=150, description="Items of a page, at most 150.")
    state: ConversationState | None = Field(None, description="`open`, `snoozed` or `closed`. Intercom lacks it.")


class DisplayQuery(ApiQuery):
    display_as: Literal["plaintext", "html"] = Field("html", description="`plaintext` answers bodies without HTML.")


class ConversationList(ApiAnswer):
    type: Literal["conversation.list"] = "conversation.list"
    conversations: list[ConversationAnswer]
    total_count: int = Field(
        examples=[1],
        description="Exact up to 5,000. Of more, or if counting takes too long: at least.",
    )
    pages: PagesAnswer


class ReplyBody(ApiBody):
    """An admin's `comment` is sent to the contact, a `note` is for teammates. A `user` replies as the contact, whom
    `intercom_user_id`, `user_id` or `email` names. `body` is plain text."""

    type: Literal["admin", "user"] = Field(examples=["admin"])
    message_type: Literal["comment", "note"] = Field(examples=["comment"])
    body: str = Field(min_length=1, max_length=LONGEST_TEXT, examples=["Your order is on its way."])
    admin_id: AnyId | None = Field(None, description="Must be the token's teammate.", examples=[None])
    intercom_user_id: AnyId | None = Field(None, description="The contact's `id`.", examples=[None])
    user_id: AnyId | None = Field(None, description="The contact's `external_id`.", examples=[None])
    email: str | None = Field(None, max_length=254, examples=[None])
    created_at: UnixTime | None = Field(None, description="Accepted, but not stored.", examples=[None])

    @model_validator(mode="after")
    def _names_its_author(self) -> ReplyBody:
        names = [name for name in (self.intercom_user_id, self.user_id, self.email) if name is not None]
        if self.type == "user" and (len(names) != 1 or self.message_type == "note"):
            raise ValueError("A user's comment needs one of intercom_user_id, user_id and email")
        if self.type == "admin" and names:
            raise ValueError("intercom_user_id, user_id and email name a user")
        return self


class ConversationUpdateBody(ApiBody):
    read: Literal[True] = Field(examples=[True], description="Marks the conversation as read in the inbox.")


class PartBody(ApiBody):
    """`close`, `open`, `snoozed` (with `snoozed_until`) or `assignment` (with `assignee_id`; "0" unassigns)."""

    message_type: Literal["close", "open", "snoozed", "assignment"] = Field(examples=["close"])
    type: Literal["admin"] = Field("admin", examples=["admin"])
    admin_id: AnyId | None = Field(None, description="Must be the token's teammate.", examples=[None])
    assignee_id: AnyId | None = Field(None, examples=[None])
    snoozed_until: UnixTime | None = Field(None, examples=[None])
    body: str | None = Field(
        None, min_length=1, max_length=LONGEST_TEXT, description="A comment, sent before it is closed or assigned."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> PartBody:
        if self.message_type == "snoozed" and self.snoozed_until is None:
            raise ValueError("snoozed_until is required")
        if self.message_type == "assignment" and self.assignee_id is None:
            raise ValueError("assignee_id is required")
        if self.body is not None and self.message_type not in {"close", "assignment"}:
            raise ValueError("body is only for close and assignment")
        return self


@conversations.get("/conversations", scope=Scope.READ_CONVERSATIONS, errors=(NO_CURSOR, TOO_BROAD))
async def list_conversations(call: Call, query: ConversationQuery) -> ConversationList:
    """List conversations.

    The most recently updated first, or those of one `state`. Chats in which nobody wrote are left out.
    """
    wanted = conversation_query(Term("state", "=", query.state.value)) if query.state else EVERYTHING
    return await found_page(call, wanted, RECENT, PagePlace(query))


async def found_page(call: Call, query: Query, sort: ConversationSort, place: PagePlace) -> ConversationList:
    cursor = place.cursor(datetime, str)
    page, count = await call.bot.conversation_finder.page(query, sort, cursor, place.per_page)
    total = (place.page - 1) * place.per_page + len(page.items) if count is None else count
    call.answers_about.extend(one.contact for one in page.items)
    return ConversationList(
        conversations=await call.bot.conversation_shapes.of_many(page.items),
        total_count=total,
        pages=place.pages(page.next, total),
    )


@conversations.get(PATH, scope=Scope.READ_CONVERSATIONS, errors=(NO_RESOURCE,))
async def retrieve_conversation(call: Call, query: DisplayQuery) -> ConversationAnswer:
    """Find a conversation.

    With its newest 500 parts.
    """
    return await _answer(call, await found_conversation(call), is_plain=query.display_as == "plaintext")


@conversations.put(PATH, scope=Scope.WRITE_CONVERSATIONS, errors=(NO_RESOURCE,))
async def update_conversation(call: Call, body: ConversationUpdateBody) -> ConversationAnswer:
    """Mark a conversation as read.

    Sayso's conversations have no title and no custom attributes.
    """
    conversation = await found_conversation(call)
    await call.bot.inbox.seen(conversation.id, conversation.last)
    return await _answer(call, await found_conversation(call))


@conversations.post(f"{PATH}/reply", scope=Scope.WRITE_CONVERSATIONS, errors=REPLY_FAULTS)
async def reply_conversation(call: Call, body: ReplyBody) -> ConversationAnswer:
    """Reply to a conversation.

    As the teammate who created the token. A comment in a conversation by text is sent as a text, unless the number
    opted out. An unassigned conversation is assigned to the teammate. A `user`'s comment is written as the contact, as
    if they had written it in the chat: flows react.
    """
    conversation = await found_conversation(call)
    if body.type == "user":
        return await _said(call, conversation, body)
    me = my_id(call, body.admin_id)
    if body.message_type == "note":
        await call.bot.inbox.note(conversation.id, me, body.body, call.key)
    else:
        await call.bot.reply(conversation, me, body.body, call.key)
    return await _answer(call, await found_conversation(call))


@conversations.post(f"{PATH}/parts", scope=Scope.WRITE_CONVERSATIONS, errors=(NO_RESOURCE, REFUSED, STOPPED))
async def manage_conversation(call: Call, body: PartBody) -> ConversationAnswer:
    """Close, reopen, snooze or assign a conversation."""
    conversation, me, inbox = await found_conversation(call), my_id(call, body.admin_id), call.bot.inbox
    to = "" if body.assignee_id == "0" else body.assignee_id or ""
    if body.message_type == "assignment":
        await inbox.check_assignee(to)  # before the comment: it might be sent as a text
    if body.body is not None:
        await call.bot.reply(conversation, me, body.body, call.key)
    if body.message_type == "close":
        await inbox.close(conversation.id, me, call.key)
    elif body.message_type == "open":
        await inbox.reopen(conversation.id, me, call.key)
    elif body.message_type == "snoozed":
        until = datetime.fromtimestamp(body.snoozed_until or 0, UTC)
        await inbox.snooze(conversation.id, me, until, call.key)
    else:
        await inbox.assign(conversation.id, me, to, call.key)
    return await _answer(call, await found_conversation(call))


async def found_conversation(call: Call) -> Conversation:
    """Raises ApiRefusal (404)."""
    try:
        return await call.bot.inbox.get(call.variable("conversation_id"))
    except NotFound:
        raise ApiRefusal(NO_RESOURCE) from None


async def _said(call: Call, conversation: Conversation, body: ReplyBody) -> ConversationAnswer:
    contact = await call.bot.store.contacts.get(conversation.contact)
    named = contact and {"intercom_user_id": contact.id, "user_id": contact.external_id, "email": contact.email}
    given = body.model_dump(include={"intercom_user_id", "user_id", "email"}, exclude_none=True)
    if not contact or not named or any(named[name] != value for name, value in given.items()):
        raise ApiRefusal(NO_CONTACT)
    if conversation.channel is Channel.SMS:
        raise ApiRefusal(BY_TEXT)
    await call.bot.contacts.returned(contact)
    await call.bot.say(conversation, body.body.strip() or body.body, call.key)
    return await _answer(call, await found_conversation(call))


def my_id(call: Call, named: str | None) -> str:
    """The token's teammate. Raises ApiRefusal (404) for anybody else."""
    if named not in {None, call.who.teammate.id}:
        raise ApiRefusal(NO_RESOURCE, field="admin_id")
    return call.who.teammate.id


async def _answer(call: Call, conversation: Conversation, *, is_plain: bool = False) -> ConversationAnswer:
    parts = await call.bot.inbox.page(conversation.id, limit=MOST_PARTS)
    call.answers_about.append(conversation.contact)
    return await call.bot.conversation_shapes.of(conversation, parts, is_plain=is_plain)
