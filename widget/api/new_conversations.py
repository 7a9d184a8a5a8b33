"""Creating conversations."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Literal

from pydantic import Field

from bot.model.conversation import LONGEST_TEXT, Author, AuthorKind
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix
from bot.store import Duplicate
from bot.workspace.access import Scope
from widget.api.contact_lookup import CONTACT_FAULTS, found_contact
from widget.api.faults import CONFLICT
from widget.api.models import AnyId, ApiBody
from widget.api.route import Call, Resource

new_conversations = Resource("New conversations", "Start a conversation on behalf of a contact.")


class ConversationFrom(ApiBody):
    type: Literal["user", "lead", "contact"] = Field(examples=["user"])
    id: AnyId


class NewConversation(ApiBody):
    """`body` is what the contact wrote, as plain text."""

    from_: ConversationFrom = Field(alias="from")
    body: str = Field(min_length=1, max_length=LONGEST_TEXT, examples=["Is the Guji in stock?"])
    created_at: UnixTime | None = Field(None, description="Accepted, but not stored.", examples=[None])


class MessageAnswer(ApiAnswer):
    type: Literal["user_message"] = "user_message"
    id: str = Field(examples=["6762f0cd1bb69f9f2193bb90:0000000001"])
    created_at: UnixTime
    body: str = Field(examples=["Is the Guji in stock?"])
    message_type: Literal["inapp"] = "inapp"
    conversation_id: Id


@new_conversations.post("/conversations", scope=Scope.WRITE_CONVERSATIONS, errors=(*CONTACT_FAULTS, CONFLICT))
async def create_conversation(call: Call, body: NewConversation) -> MessageAnswer:
    """Create a conversation.

    With a message of the contact, which comes to the inbox. A flow that waits for messages reacts.
    """
    contact, text = await found_contact(call, body.from_.id), body.body.strip()
    id = hashlib.sha256(f"conversation:{call.key}".encode()).hexdigest()[:24]
    with suppress(Duplicate):
        await call.bot.conversations.begin(id, contact.id, Author(kind=AuthorKind.CONTACT, id=contact.id), [])
    conversation = await call.bot.conversations.of_contact(id, contact.id)
    await call.bot.contacts.returned(contact)
    part = await call.bot.say(conversation, text or body.body, call.key)
    call.answers_about.append(contact.id)
    return MessageAnswer(id=part.id, created_at=unix(part.at), body=text or body.body, conversation_id=id)
