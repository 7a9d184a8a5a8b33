"""Chats and their entries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.errors import NotFound, StoreUnavailable
from bot.errors import marked as _
from bot.model.base import now
from bot.model.conversation import Author, AuthorKind, Content, Conversation, Part, Text
from bot.store import Duplicate, Store

ATTEMPTS = 50


class Conversations:
    def __init__(self, store: Store) -> None:
        self._conversations = store.conversations
        self._parts = store.parts

    async def of_contact(self, id: str, contact: str) -> Conversation:
        """The conversation, if it is this contact's own; raises NotFound to anyone else (law 11)."""
        conversation = await self._conversations.get(id)
        if conversation is None or conversation.contact != contact:
            raise NotFound(_("We can't find this conversation."))
        return conversation

    async def newest(self, contact: str) -> Conversation | None:
        found = await self._conversations.of(contact, limit=1)
        return found[0] if found else None

    async def all_of(self, contact: str) -> list[tuple[Conversation, int]]:
        """A contact's conversations, the newest first, each with its number of unread entries."""
        conversations = await self._conversations.of(contact)
        unread = await self._parts.unread({c.id: c.seen for c in conversations if c.seen < c.last})
        return [(c, unread.get(c.id, 0)) for c in conversations]

    async def unread(self, contact: str) -> int:
        """Unread entries of the contact's newest conversation."""
        newest = await self.newest(contact)
        if newest is None or newest.seen >= newest.last:
            return 0
        return (await self._parts.unread({newest.id: newest.seen})).get(newest.id, 0)

    async def begin(self, id: str, contact: str, author: Author, opening: Sequence[tuple[str, Content]]) -> list[Part]:
        """Makes a conversation with its first entries (`(key, content)` each).

        The entries come first: until the conversation itself is there nobody can see them, so a crash leaves no half
        of one.
        """
        time = now()
        parts = [
            Part(
                id=self._parts.place(id, seq),
                conversation=id,
                seq=seq,
                author=author,
                content=content,
                at=time,
                key=f"{id}:{key}",
            )
            for seq, (key, content) in enumerate(opening, start=1)
        ]
        await asyncio.gather(*(self._parts.insert(part) for part in parts))
        await self._conversations.insert(
            Conversation(
                id=id, contact=contact, last=len(parts), preview=_preview(parts), created_at=time, updated_at=time
            )
        )
        return parts

    async def append(self, conversation: str, author: Author, content: Content, key: str) -> Part:
        """Writes an entry, once for each `key`. Raises NotFound or StoreUnavailable."""
        found = await self._conversations.get(conversation)
        if found is None:
            raise NotFound(_("We can't find this conversation."))
        last, line_key = found.last, f"{conversation}:{key}"
        for _attempt in range(ATTEMPTS):
            if last and (known := await self._parts.by_key(conversation, line_key)):
                return known
            part = Part(
                id=self._parts.place(conversation, last + 1),
                conversation=conversation,
                seq=last + 1,
                author=author,
                content=content,
                at=now(),
                key=line_key,
            )
            try:
                await self._parts.insert(part)
            except Duplicate:
                last = await self._last(conversation, last)
                continue
            await self._conversations.touch(conversation, part, _preview([part]))
            return part
        raise StoreUnavailable

    async def say(self, conversation: Conversation, text: str, key: str) -> Part:
        """What the contact wrote. `key` is made by their device, so that a message sent again stands once."""
        author = Author(kind=AuthorKind.CONTACT, id=conversation.contact)
        return await self.append(conversation.id, author, Text(text=text), f"contact:{key}")

    async def page(self, conversation: str, *, before: int | None = None, limit: int = 50) -> list[Part]:
        """The newest entries before `before`, in order."""
        return await self._parts.before(conversation, before, limit=limit)

    async def after(self, conversation: str, seq: int, *, limit: int = 200) -> list[Part]:
        return await self._parts.after(conversation, seq, limit=limit)

    async def mark_seen(self, conversation: str, contact: str, seq: int) -> None:
        await self._conversations.mark_seen(conversation, contact, seq)

    async def _last(self, conversation: str, tried: int) -> int:
        """The line's true end: the conversation's own figure may lag behind it."""
        newest = await self._parts.before(conversation, None, limit=1)
        return newest[-1].seq if newest else tried


def _preview(parts: Sequence[Part]) -> str:
    for part in reversed(parts):
        if isinstance(part.content, Text):
            return part.content.text[:120]
    return ""
