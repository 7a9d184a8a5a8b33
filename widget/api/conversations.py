"""Conversations: list, find, reply, manage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field, model_validator

from bot.chat.inbox import View
from bot.errors import NotFound
from bot.model.conversation import LONGEST_TEXT, Conversation, ConversationState, Part
from bot.workspace.access import Scope
from widget.api.conversation_shape import ConversationAnswer, ConversationFacts
from widget.api.faults import NO_RESOURCE, REFUSED, STOPPED, ApiRefusal
from widget.api.models import AnyId, ApiAnswer, ApiBody, ApiQuery, UnixTime
from widget.api.paging import NO_CURSOR, PagePlace, PageQuery, PagesAnswer
from widget.api.route import Call, Resource

PATH = "/conversations/{conversation_id}"
MOST_PARTS = 500

conversations = Resource("Conversations", "Chats and conversations by text, as the inbox shows them.")


class ConversationQuery(PageQuery):
    per_page: int = Field(20, ge=1, le=150, description="Items of a page, at most 150.")
    state: ConversationState = Field(ConversationState.OPEN, description="`open`, `snoozed` or `closed`.")


class DisplayQuery(ApiQuery):
    display_as: Literal["plaintext", "html"] = Field("html", description="`plaintext` answers bodies without HTML.")


class ConversationList(ApiAnswer):
    type: Literal["conversation.list"] = "conversation.list"
    conversations: list[ConversationAnswer]
    total_count: int = Field(examples=[1], description="How many this page and the ones before it have at least.")
    pages: PagesAnswer


class ReplyBody(ApiBody):
    """An admin's `comment` is sent to the contact, a `note` is for teammates. `body` is plain text."""

    type: Literal["admin"] = Field(examples=["admin"])
    message_type: Literal["comment", "note"] = Field(examples=["comment"])
    body: str = Field(min_length=1, max_length=LONGEST_TEXT, examples=["Your order is on its way."])
    admin_id: AnyId | None = Field(None, description="Must be the token's teammate.", examples=[None])


class PartBody(ApiBody):
    """`close`, `open`, `snoozed` (with `snoozed_until`) or `assignment` (with `assignee_id`; "0" unassigns)."""

    message_type: Literal["close", "open", "snoozed", "assignment"] = Field(examples=["close"])
    type: Literal["admin"] = Field("admin", examples=["admin"])
    admin_id: AnyId | None = Field(None, description="Must be the token's teammate.", examples=[None])
    assignee_id: AnyId | None = Field(None, examples=[None])
    snoozed_until: UnixTime | None = Field(None, examples=[None])

    @model_validator(mode="after")
    def _is_whole(self) -> PartBody:
        if self.message_type == "snoozed" and self.snoozed_until is None:
            raise ValueError("snoozed_until is required")
        if self.message_type == "assignment" and self.assignee_id is None:
            raise ValueError("assignee_id is required")
        return self


@conversations.get("/conversations", scope=Scope.READ_CONVERSATIONS, errors=(NO_CURSOR,))
async def list_conversations(call: Call, query: ConversationQuery) -> ConversationList:
    """List conversations.

    In the order of the inbox: those with something unread first, then the newest. Chats in which nobody wrote are left
    out.
    """
    place, view = PagePlace(query), View(call.who.teammate.id, query.state)
    before = place.cursor(datetime, str)
    listing = await call.bot.inbox.listing(view, before=before, rows=place.per_page)
    found = [row.conversation for row in listing.items]
    facts = await _facts(call, found, [])
    total = (place.page - 1) * place.per_page + len(found)
    return ConversationList(
        conversations=[facts.conversation(one, None) for one in found],
        total_count=total,
        pages=place.pages(listing.next, total),
    )


@conversations.get(PATH, scope=Scope.READ_CONVERSATIONS, errors=(NO_RESOURCE,))
async def retrieve_conversation(call: Call, query: DisplayQuery) -> ConversationAnswer:
    """Find a conversation.

    With its newest 500 parts.
    """
    return await _answer(call, await found_conversation(call), is_plain=query.display_as == "plaintext")


@conversations.post(f"{PATH}/reply", scope=Scope.WRITE_CONVERSATIONS, errors=(NO_RESOURCE, REFUSED, STOPPED))
async def reply_conversation(call: Call, body: ReplyBody) -> ConversationAnswer:
    """Reply to a conversation.

    As the teammate who created the token. A comment in a conversation by text is sent as a text, unless the number
    opted out. An unassigned conversation is assigned to the teammate.
    """
    conversation, me = await found_conversation(call), _me(call, body.admin_id)
    if body.message_type == "note":
        await call.bot.inbox.note(conversation.id, me, body.body, call.key)
    else:
        await call.bot.reply(conversation, me, body.body, call.key)
    return await _answer(call, await found_conversation(call))


@conversations.post(f"{PATH}/parts", scope=Scope.WRITE_CONVERSATIONS, errors=(NO_RESOURCE, REFUSED))
async def manage_conversation(call: Call, body: PartBody) -> ConversationAnswer:
    """Close, reopen, snooze or assign a conversation."""
    conversation, me, inbox = await found_conversation(call), _me(call, body.admin_id), call.bot.inbox
    if body.message_type == "close":
        await inbox.close(conversation.id, me, call.key)
    elif body.message_type == "open":
        await inbox.reopen(conversation.id, me, call.key)
    elif body.message_type == "snoozed":
        until = datetime.fromtimestamp(body.snoozed_until or 0, UTC)
        await inbox.snooze(conversation.id, me, until, call.key)
    else:
        to = body.assignee_id or ""
        await inbox.assign(conversation.id, me, "" if to == "0" else to, call.key)
    return await _answer(call, await found_conversation(call))


async def found_conversation(call: Call) -> Conversation:
    """Raises ApiRefusal (404)."""
    try:
        return await call.bot.inbox.get(call.variable("conversation_id"))
    except NotFound:
        raise ApiRefusal(NO_RESOURCE) from None


def _me(call: Call, named: str | None) -> str:
    """The token's teammate. Raises ApiRefusal (404) for anybody else."""
    if named not in {None, call.who.teammate.id}:
        raise ApiRefusal(NO_RESOURCE, field="admin_id")
    return call.who.teammate.id


async def _answer(call: Call, conversation: Conversation, *, is_plain: bool = False) -> ConversationAnswer:
    parts = await call.bot.inbox.page(conversation.id, limit=MOST_PARTS)
    facts = await _facts(call, [conversation], parts, is_plain=is_plain)
    call.answers_about.append(conversation.contact)
    return facts.conversation(conversation, parts)


async def _facts(
    call: Call, found: Sequence[Conversation], parts: Sequence[Part], *, is_plain: bool = False
) -> ConversationFacts:
    contacts = await call.bot.store.contacts.get_many({conversation.contact for conversation in found})
    teammates = await call.bot.store.teammates.get_many({part.author.id for part in parts})
    return ConversationFacts(contacts, teammates, is_plain=is_plain)
