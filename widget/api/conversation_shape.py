"""A conversation and its parts as Intercom's API answers them."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from bot.model.contact import Contact
from bot.model.conversation import (
    AuthorKind,
    Card,
    Conversation,
    ConversationEvent,
    ConversationState,
    Note,
    Part,
    Text,
)
from bot.model.teammate import Teammate
from widget.api.models import ApiAnswer, Id, UnixTime, unix, unix_or_none

DELIVERED = {
    AuthorKind.CONTACT: "customer_initiated",
    AuthorKind.TEAMMATE: "admin_initiated",
    AuthorKind.BOT: "automated",
}


class AuthorAnswer(ApiAnswer):
    type: Literal["user", "lead", "admin", "bot"] = Field(examples=["lead"])
    id: Id
    name: str | None = Field(examples=["Maya"])
    email: str | None = Field(examples=[None])


class PartAnswer(ApiAnswer):
    type: Literal["conversation_part"] = "conversation_part"
    id: str = Field(examples=["6762f0cd1bb69f9f2193bb90:0000000002"])
    part_type: str = Field(
        examples=["comment"], description="`comment`, `note`, `opt_in_form`, or the name of an event, like `closed`."
    )
    body: str | None = Field(examples=["<p>Hello</p>"], description="Escaped HTML, or plain text on request.")
    created_at: UnixTime
    updated_at: UnixTime
    notified_at: UnixTime
    assigned_to: str | None = Field(examples=[None])
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

    type: Literal["conversation"] = "conversation"
    id: str = Field(examples=["6762f0cd1bb69f9f2193bb90:0000000001"])
    delivered_as: str = Field(examples=["customer_initiated"])
    subject: str = ""
    body: str | None = Field(examples=["<p>Hello</p>"])
    author: AuthorAnswer
    attachments: list[Any] = Field(default=[], examples=[[]])


class ContactReferenceAnswer(ApiAnswer):
    type: Literal["contact"] = "contact"
    id: Id
    external_id: str | None = Field(examples=[None])


class ConversationContacts(ApiAnswer):
    type: Literal["contact.list"] = "contact.list"
    contacts: list[ContactReferenceAnswer]


class ConversationTags(ApiAnswer):
    type: Literal["tag.list"] = "tag.list"
    tags: list[Any] = Field(default=[], examples=[[]])


class ConversationAnswer(ApiAnswer):
    type: Literal["conversation"] = "conversation"
    id: Id
    title: None = None
    created_at: UnixTime
    updated_at: UnixTime
    waiting_since: None = None
    snoozed_until: UnixTime | None = Field(examples=[None])
    source: SourceAnswer | None
    contacts: ConversationContacts
    admin_assignee_id: str | None = Field(examples=[None])
    team_assignee_id: None = None
    custom_attributes: dict[str, Any] = Field(default={}, examples=[{}])
    open: bool = True
    state: ConversationState = Field(examples=["open"])
    read: bool = Field(examples=[True])
    tags: ConversationTags = ConversationTags()
    priority: Literal["not_priority"] = "not_priority"
    conversation_parts: PartList | None = Field(None, exclude_if=lambda parts: parts is None)


class ConversationFacts:
    """What an answer about conversations refers to."""

    def __init__(
        self, contacts: Mapping[str, Contact], teammates: Mapping[str, Teammate], *, is_plain: bool = False
    ) -> None:
        self._contacts, self._teammates, self._is_plain = contacts, teammates, is_plain

    def conversation(self, found: Conversation, parts: Sequence[Part] | None) -> ConversationAnswer:
        """`parts`: all of them, if they are asked for; the first one is the source."""
        contact = self._contacts.get(found.contact)
        first = parts[0] if parts else found.opening_parts[0] if found.opening else None
        reference = ContactReferenceAnswer(id=found.contact, external_id=contact.external_id if contact else None)
        listed = [self.part(part) for part in parts[1:]] if parts is not None else None
        return ConversationAnswer(
            id=found.id,
            created_at=unix(found.created_at),
            updated_at=unix(found.updated_at),
            snoozed_until=unix_or_none(found.snoozed_until),
            source=self._source(first) if first else None,
            contacts=ConversationContacts(contacts=[reference]),
            admin_assignee_id=found.assignee or None,
            open=found.state is not ConversationState.CLOSED,
            state=found.state,
            read=found.seen >= found.last,
            conversation_parts=None if listed is None else PartList(conversation_parts=listed, total_count=len(listed)),
        )

    def part(self, part: Part) -> PartAnswer:
        content, time = part.content, unix(part.at)
        return PartAnswer(
            id=part.id,
            part_type=_type_of(part),
            body=self._body(part),
            created_at=time,
            updated_at=time,
            notified_at=time,
            assigned_to=(content.to or None) if isinstance(content, ConversationEvent) else None,
            author=self._author(part),
        )

    def _source(self, part: Part) -> SourceAnswer:
        is_theirs = part.author.kind is AuthorKind.CONTACT
        how = (
            "customer_initiated"
            if is_theirs
            else "automated"
            if part.author.kind is AuthorKind.BOT
            else "admin_initiated"
        )
        return SourceAnswer(id=part.id, delivered_as=how, body=self._body(part), author=self._author(part))

    def _body(self, part: Part) -> str | None:
        """Texts are data, so they are escaped (law 12)."""
        content = part.content
        text = (
            content.text if isinstance(content, (Text, Note)) else content.title if isinstance(content, Card) else None
        )
        if text is None or self._is_plain:
            return text
        return f"<p>{html.escape(text).replace(chr(10), '<br>')}</p>"

    def _author(self, part: Part) -> AuthorAnswer:
        id = part.author.id
        if part.author.kind is AuthorKind.CONTACT:
            contact = self._contacts.get(id)
            role = contact.role if contact else "lead"
            return AuthorAnswer(
                type="user" if role == "user" else "lead",
                id=id,
                name=contact.name if contact else None,
                email=contact.email if contact else None,
            )
        teammate = self._teammates.get(id)
        is_admin = part.author.kind is AuthorKind.TEAMMATE
        name, email = (teammate.name, teammate.email) if teammate else (None, None)
        return AuthorAnswer(type="admin" if is_admin else "bot", id=id, name=name, email=email)


def _text_of(part: Part) -> str | None:
    content = part.content
    if isinstance(content, Card):
        return content.title
    return content.text if isinstance(content, (Text, Note)) else None


def _type_of(part: Part) -> str:
    content = part.content
    if isinstance(content, ConversationEvent):
        return {"reopened": "open", "closed": "close", "assigned": "assignment"}.get(content.name, content.name)
    return {"text": "comment", "card": "opt_in_form"}.get(content.kind, content.kind)
