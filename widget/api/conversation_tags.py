"""Tags of conversations."""

from __future__ import annotations

from pydantic import Field

from bot.model.base import now
from bot.model.conversation import ConversationTag
from bot.shapes.conversation import AppliedTag, applied_tag
from bot.workspace.access import Scope
from widget.api.conversations import PATH, found_conversation, my_id
from widget.api.faults import NO_RESOURCE, REFUSED
from widget.api.models import AnyId, ApiBody
from widget.api.route import Call, Resource
from widget.api.tags import found_tag

conversation_tags = Resource("Conversation tags", "Labels of conversations: the same tags that contacts have.")


class UntagBody(ApiBody):
    admin_id: AnyId | None = Field(None, description="Must be the token's teammate.", examples=[None])


class TagConversationBody(UntagBody):
    id: AnyId = Field(description="The tag.")


@conversation_tags.post(f"{PATH}/tags", scope=Scope.WRITE_CONVERSATIONS, errors=(NO_RESOURCE, REFUSED))
async def tag_conversation(call: Call, body: TagConversationBody) -> AppliedTag:
    """Tag a conversation."""
    conversation, me = await found_conversation(call), my_id(call, body.admin_id)
    tag = await found_tag(call, body.id)
    return applied_tag(tag, await call.bot.conversation_tags.add(conversation, tag, me))


@conversation_tags.delete(f"{PATH}/tags/{{tag_id}}", scope=Scope.WRITE_CONVERSATIONS, errors=(NO_RESOURCE,))
async def untag_conversation(call: Call, body: UntagBody) -> AppliedTag:
    """Remove a tag from a conversation."""
    conversation, me = await found_conversation(call), my_id(call, body.admin_id)
    tag = await found_tag(call, call.variable("tag_id"))
    await call.bot.conversation_tags.remove(conversation, tag)
    marks = {mark.tag: mark for mark in conversation.tags or ()}
    return applied_tag(tag, marks.get(tag.id) or ConversationTag(tag=tag.id, at=now(), by=me))
