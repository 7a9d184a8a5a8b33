"""A conversation and its parts as Intercom's API answers them. What Sayso doesn't know is null."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from bot.model.contact import Contact
from bot.model.conversation import (
    AuthorKind,
    Card,
    Channel,
    Conversation,
    ConversationState,
    ConversationTag,
    Note,
    Part,
    Text,
    part_id,
)
from bot.model.conversation_event import ConversationEvent
from bot.model.tag import Tag
from bot.model.teammate import Teammate
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix, unix_or_none
from bot.shapes.tag import TagAnswer, tag_answer
from bot.store import Store

DELIVERED = {
    AuthorKind.CONTACT: "customer_initiated",
    AuthorKind.TEAMMATE: "admin_initiated",
    AuthorKind.BOT: "automated",
}
PART_TYPES = {
    "text": "comment",
    "card": "opt_in_form",
    "reopened": "open",
    "closed": "close",
    "assigned": "assignment",
}


class AuthorAnswer(ApiAnswer):
    type: Literal["user", "lead", "admin", "bot"] = Field(examples=["lead"])
    id: Id
    name: str | None = Field(examples=["Maya"])
    email: str | None = Field(examples=[None])


class AssigneeAnswer(ApiAnswer):
    type: Literal["admin"] = "admin"
    id: Id


class PartAnswer(ApiAnswer):
    type: Literal["conversation_part"] = "conversation_part"
    id: str = Field(examples=["6762f0cd1bb69f9f2193bb90:0000000002"])
    part_type: str = Field(
        examples=["comment"], description="`comment`, `note`, `opt_in_form`, or the name of an event, like `close`."
    )
    body: str | None = Field(examples=["<p>Hello</p>"], description="Escaped HTML, or plain text on request.")
    created_at: UnixTime
    updated_at: UnixTime
    notified_at: UnixTime
    assigned_to: AssigneeAnswer | None = Field(examples=[None])
    author: AuthorAnswer
    attachments: list[Any] = Field(default=[], examples=[[]])
    external_id: None = None
    redacted: bool = False


class PartList(ApiAnswer):
    type: Literal["conversation_part.list"] = "conversation_part.list"
    conversation_parts: list[PartAnswer]
    total_count: int = Field(examples=[1])


class SourceAnswer(ApiAnswer):
    """The first message."""

    type: Literal["conversation", "sms"] = Field(examples=["conversation"])
    id: str = Field(examples=["6762f0cd1bb69f9f2193bb90:0000000001"])
    delivered_as: str = Field(examples=["customer_initiated"])
    subject: str = ""
    body: str | None = Field(examples=["<p>Hello</p>"])
    author: AuthorAnswer
    attachments: list[Any] = Field(default=[], examples=[[]])
    url: None = None
    redacted: bool = False


class ContactReferenceAnswer(ApiAnswer):
    type: Literal["contact"] = "contact"
    id: Id
    external_id: str | None = Field(examples=[None])


class ConversationContacts(ApiAnswer):
    type: Literal["contact.list"] = "contact.list"
    contacts: list[ContactReferenceAnswer]


class AppliedTag(TagAnswer):
    applied_at: UnixTime
    applied_by: AssigneeAnswer


class AppliedTags(ApiAnswer):
    type: Literal["tag.list"] = "tag.list"
    tags: list[AppliedTag]


class LinkedObjects(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[Any] = Field(default=[], examples=[[]])
    total_count: int = 0
    has_more: bool = False


class ConversationAnswer(ApiAnswer):
    type: Literal["conversation"] = "conversation"
    id: Id
    created_at: UnixTime
    updated_at: UnixTime
    waiting_since: None = None
    snoozed_until: UnixTime | None = Field(examples=[None])
    source: SourceAnswer | None
    contacts: ConversationContacts
    first_contact_reply: None = None
    admin_assignee_id: str | None = Field(examples=[None])
    team_assignee_id: None = None
    open: bool = True
    state: ConversationState = Field(examples=["open"])
    read: bool = Field(examples=[True], description="Whether a teammate has read what is new.")
    tags: AppliedTags
    priority: Literal["not_priority"] = "not_priority"
    sla_applied: None = None
    statistics: None = None
    conversation_rating: None = None
    teammates: None = None
    title: None = None
    custom_attributes: dict[str, Any] = Field(default={}, examples=[{}])
    topics: dict[str, Any] = Field(default={}, examples=[{}])
    ticket: None = None
    linked_objects: LinkedObjects = LinkedObjects()
    ai_agent: None = None
    ai_agent_participated: bool = False
    conversation_parts: PartList | None = Field(None, exclude_if=lambda parts: parts is None)


class ConversationShapes:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def of(self, found: Conversation, parts: Sequence[Part], *, is_plain: bool = False) -> ConversationAnswer:
        """With these parts, except the first one, which is its source."""
        drawing = await self._drawing([found], parts, is_plain=is_plain)
        return drawing.conversation(found, [part for part in parts if part.seq > 1])

    async def of_many(self, found: Sequence[Conversation]) -> list[ConversationAnswer]:
        """Without parts, in four queries, however many."""
        drawing = await self._drawing(found, [])
        return [drawing.conversation(one, None) for one in found]

    async def of_entries(self, entries: Sequence[tuple[Conversation, Part]]) -> list[ConversationAnswer]:
        """Each with the one part that is new, in four queries, however many."""
        drawing = await self._drawing([found for found, _ in entries], [part for _, part in entries])
        return [drawing.conversation(found, [part]) for found, part in entries]

    async def _drawing(
        self, found: Sequence[Conversation], parts: Sequence[Part], *, is_plain: bool = False
    ) -> _Drawing:
        firsts, contacts, tags = await asyncio.gather(
            self._store.parts.get_many(part_id(one.id, 1) for one in found),
            self._store.contacts.get_many({one.contact for one in found}),
            self._tags(found),
        )
        authors = {part.author.id for part in (*parts, *firsts.values()) if part.author.kind is AuthorKind.TEAMMATE}
        return _Drawing(firsts, contacts, await self._store.teammates.get_many(authors), tags, is_plain)

    async def _tags(self, found: Sequence[Conversation]) -> dict[str, Tag]:
        if not any(one.tags for one in found):
            return {}
        return {tag.id: tag for tag in await self._store.tags.in_use()}


class _Drawing:
    """What the answers refer to."""

    def __init__(
        self,
        firsts: Mapping[str, Part],
        contacts: Mapping[str, Contact],
        teammates: Mapping[str, Teammate],
        tags: Mapping[str, Tag],
        is_plain: bool,
    ) -> None:
        self._firsts, self._contacts, self._teammates = firsts, contacts, teammates
        self._tags, self._is_plain = tags, is_plain

    def conversation(self, found: Conversation, parts: Sequence[Part] | None) -> ConversationAnswer:
        contact = self._contacts.get(found.contact)
        first = self._firsts.get(part_id(found.id, 1))
        reference = ContactReferenceAnswer(id=found.contact, external_id=contact.external_id if contact else None)
        return ConversationAnswer(
            id=found.id,
            created_at=unix(found.created_at),
            updated_at=unix(found.updated_at),
            snoozed_until=unix_or_none(found.snoozed_until),
            source=self._source(first, found.channel) if first else None,
            contacts=ConversationContacts(contacts=[reference]),
            admin_assignee_id=found.assignee or None,
            open=found.state is not ConversationState.CLOSED,
            state=found.state,
            read=not found.is_unread,
            tags=AppliedTags(tags=self._applied(found)),
            conversation_parts=None if parts is None else self._listed(parts),
        )

    def _listed(self, parts: Sequence[Part]) -> PartList:
        listed = [self._part(part) for part in parts]
        return PartList(conversation_parts=listed, total_count=len(listed))

    def _applied(self, found: Conversation) -> list[AppliedTag]:
        return [applied_tag(tag, mark) for mark in found.tags or () if (tag := self._tags.get(mark.tag))]

    def _part(self, part: Part) -> PartAnswer:
        content, time = part.content, unix(part.at)
        to = content.to if isinstance(content, ConversationEvent) else ""
        name = content.name if isinstance(content, ConversationEvent) else content.kind
        return PartAnswer(
            id=part.id,
            part_type=PART_TYPES.get(name, name),
            body=self._body(part),
            created_at=time,
            updated_at=time,
            notified_at=time,
            assigned_to=AssigneeAnswer(id=to) if to else None,
            author=self._author(part),
        )

    def _source(self, part: Part, channel: Channel) -> SourceAnswer:
        return SourceAnswer(
            type="sms" if channel is Channel.SMS else "conversation",
            id=part.id,
            delivered_as=DELIVERED[part.author.kind],
            body=self._body(part),
            author=self._author(part),
        )

    def _body(self, part: Part) -> str | None:
        """Texts are data, so they are escaped (law 12)."""
        text = _text_of(part)
        if text is None or self._is_plain:
            return text
        return f"<p>{html.escape(text).replace(chr(10), '<br>')}</p>"

    def _author(self, part: Part) -> AuthorAnswer:
        id = part.author.id
        if part.author.kind is AuthorKind.CONTACT:
            contact = self._contacts.get(id)
            role: Literal["user", "lead"] = "user" if contact and contact.role == "user" else "lead"
            name, email = (contact.name, contact.email) if contact else (None, None)
            return AuthorAnswer(type=role, id=id, name=name, email=email)
        teammate = self._teammates.get(id)
        name, email = (teammate.name, teammate.email) if teammate else (None, None)
        is_admin = part.author.kind is AuthorKind.TEAMMATE
        return AuthorAnswer(type="admin" if is_admin else "bot", id=id, name=name, email=email)


def applied_tag(tag: Tag, mark: ConversationTag) -> AppliedTag:
    by = AssigneeAnswer(id=mark.by)
    return AppliedTag(**tag_answer(tag).model_dump(), applied_at=unix(mark.at), applied_by=by)


def _text_of(part: Part) -> str | None:
    content = part.content
    if isinstance(content, Card):
        return content.title
    return content.text if isinstance(content, (Text, Note)) else None
