"""Chats and their entries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.errors import NotFound, StoreUnavailable
from bot.errors import marked as _
from bot.model.base import now
from bot.model.conversation import Author, AuthorKind, Content, Conversation, Part, Text
from bot.store import Store
from bot.store.gather import Gather

ATTEMPTS = 50
"""How often an entry may lose its number to another process before it is given up as unavailable."""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that has no number yet."""

    conversation: str
    author: Author
    content: Content
    key: str


class Conversations:
    def __init__(self, store: Store) -> None:
        self._conversations = store.conversations
        self._parts = store.parts
        self._append: Gather[Draft, Part] = Gather(self._append_each, one_of=lambda draft: draft.conversation)

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

    async def begin(
        self,
        id: str,
        contact: str,
        author: Author,
        opening: Sequence[tuple[str, Content]],
        *alongside: Awaitable[None],
    ) -> list[Part]:
        """Makes a conversation with its first entries (`(key, content)` each).

        The entries come first, and what is written `alongside`: until the conversation itself is there nobody can see
        them, so a crash leaves no half of one.
        """
        time = now()
        drafts = [Draft(id, author, content, f"{id}:{key}") for key, content in opening]
        parts = [_part(draft, seq, self._parts.place, time) for seq, draft in enumerate(drafts, start=1)]
        await asyncio.gather(*alongside, *(self._parts.insert(part) for part in parts))
        previews = [part.preview for part in parts if part.preview]
        await self._conversations.insert(
            Conversation(
                id=id,
                contact=contact,
                last=len(parts),
                preview=previews[-1] if previews else "",
                created_at=time,
                updated_at=time,
            )
        )
        return parts

    async def append(self, conversation: str, author: Author, content: Content, key: str) -> Part:
        """Writes an entry, once for each `key`. Raises NotFound or StoreUnavailable."""
        return await self._append(Draft(conversation, author, content, f"{conversation}:{key}"))

    async def _append_each(self, drafts: list[Draft]) -> list[Part | Exception]:
        """One draft a conversation. Five round trips, however many; more where another process writes to the same ones.

        Keys are looked up before each try, and the number that is tried is the one after what was looked through: an
        entry that another process wrote meanwhile, under this key or another, has taken it.
        """
        found = await self._conversations.get_many(draft.conversation for draft in drafts)
        last = {id: conversation.last for id, conversation in found.items()}
        results: dict[str, Part | Exception] = {}
        waiting = {draft.conversation: draft for draft in drafts if draft.conversation in last}
        written: list[Part] = []
        for _attempt in range(ATTEMPTS):
            known = await self._parts.by_keys([(id, draft.key) for id, draft in waiting.items()])
            results |= {part.conversation: part for part in known.values()}
            time = now()
            new = [
                _part(draft, last[id] + 1, self._parts.place, time)
                for id, draft in waiting.items()
                if id not in results
            ]
            inserted = await self._parts.insert_many(new)
            written += [part for part, is_mine in zip(new, inserted, strict=True) if is_mine]
            results |= {part.conversation: part for part in written}
            waiting = {id: draft for id, draft in waiting.items() if id not in results}
            if not waiting:
                break
            last |= {id: await self._last(id) for id in waiting}
        await self._conversations.touch(written)
        missing = {id: StoreUnavailable() for id in last}
        gone = NotFound(_("We can't find this conversation."))
        return [results.get(d.conversation) or missing.get(d.conversation) or gone for d in drafts]

    async def say(self, conversation: Conversation, text: str, key: str) -> Part:
        """What the contact wrote. `key` is made by their device, so that a message sent again stands once."""
        author = Author(kind=AuthorKind.CONTACT, id=conversation.contact)
        return await self.append(conversation.id, author, Text(text=text), f"contact:{key}")

    async def part(self, conversation: str, seq: int) -> Part | None:
        return await self._parts.get(self._parts.place(conversation, seq))

    async def page(self, conversation: str, *, before: int | None = None, limit: int = 50) -> list[Part]:
        """The newest entries before `before`, in order."""
        return await self._parts.before(conversation, before, limit=limit)

    async def after(self, conversation: str, seq: int, *, limit: int = 200) -> list[Part]:
        return await self._parts.after(conversation, seq, limit=limit)

    async def mark_seen(self, conversation: str, contact: str, seq: int) -> None:
        await self._conversations.mark_seen(conversation, contact, seq)

    async def _last(self, conversation: str) -> int:
        """The line's true end: the conversation's own figure may lag behind it."""
        newest = await self._parts.before(conversation, None, limit=1)
        return newest[-1].seq if newest else 0


def _part(draft: Draft, seq: int, place: Callable[[str, int], str], at: datetime) -> Part:
    return Part(
        id=place(draft.conversation, seq),
        conversation=draft.conversation,
        seq=seq,
        author=draft.author,
        content=draft.content,
        at=at,
        key=draft.key,
    )
