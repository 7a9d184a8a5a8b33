"""Tags of conversations: the tags of contacts, put on a conversation."""

from __future__ import annotations

from collections.abc import Sequence

from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.base import now
from bot.model.conversation import Conversation, ConversationTag
from bot.model.tag import Tag
from bot.store import Store

MOST = 50
TOO_MANY = _("This conversation can't have more tags. Remove one to add another.")


class ConversationTags:
    def __init__(self, store: Store) -> None:
        self._table, self._tags = store.conversations, store.tags

    async def of(self, conversation: Conversation) -> list[Tag]:
        """By name."""
        found = await self._tags.get_many(mark.tag for mark in conversation.tags) if conversation.tags else {}
        return sorted((tag for tag in found.values() if not tag.deleted_at), key=lambda tag: tag.name.casefold())

    async def change(self, conversation: Conversation, *, add: Sequence[Tag], remove: Sequence[Tag], by: str) -> None:
        """Raises Invalid, before any change, for too many tags."""
        before, removed = {mark.tag for mark in conversation.tags or ()}, {tag.id for tag in remove}
        if add and len((before - removed) | {tag.id for tag in add}) > MOST:
            raise Invalid(TOO_MANY)
        for tag in remove:
            await self.remove(conversation, tag)
        for tag in add:
            await self.add(conversation, tag, by)

    async def add(self, conversation: Conversation, tag: Tag, by: str) -> ConversationTag:
        """Once: a tag that it has keeps its time and its teammate. Raises Invalid."""
        mark = ConversationTag(tag=tag.id, at=now(), by=by)
        if await self._table.tag(conversation.id, mark, most=MOST):
            return mark
        found = await self._table.get(conversation.id)
        for had in (found.tags if found else None) or ():
            if had.tag == tag.id:
                return had
        raise Invalid(TOO_MANY)

    async def remove(self, conversation: Conversation, tag: Tag) -> None:
        await self._table.untag(conversation.id, tag.id)
