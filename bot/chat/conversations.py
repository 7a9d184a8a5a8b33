"""Chats and their entries."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime

from bot.aio.batching import Batcher
from bot.aio.retry import MOST_ATTEMPTS
from bot.errors import NotFound, StoreUnavailable
from bot.errors import marked as _
from bot.model.base import folded_words, new_id, now
from bot.model.conversation import (
    RANK_OF_UNREAD,
    Author,
    AuthorKind,
    Channel,
    Content,
    Conversation,
    Newest,
    Note,
    OpeningEntry,
    Part,
    Text,
)
from bot.model.conversation_event import ConversationEvent
from bot.model.event import ChatOpening
from bot.model.flow import Run
from bot.model.signal import Signal, SignalKind
from bot.store import Store


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that has no number yet."""

    conversation: str
    author: Author
    content: Content
    key: str
    is_due: bool = False
    """It still has to be followed up."""
    at: datetime | None = None
    """When it happened, if earlier than now."""


Writing = Callable[[Collection[str]], AbstractContextManager[list[Part | Conversation]]]


def untold(ids: Collection[str]) -> AbstractContextManager[list[Part | Conversation]]:
    """Without a feed: the change stream tells everyone."""
    return nullcontext([])


class ConversationService:
    """`writing` is `Feed.writing`: live connections of this process need not wait for the change stream."""

    def __init__(self, store: Store, writing: Writing = untold) -> None:
        self._writing = writing
        self._conversations = store.conversations
        self._parts = store.parts
        self._signals = store.signals
        self._append: Batcher[Draft, Part] = Batcher(self._append_each, one_of=lambda draft: draft.conversation)

    async def of_contact(self, id: str, contact: str) -> Conversation:
        """The contact's own chat; raises NotFound for anyone else's (law 11). Never an SMS conversation: the person in
        the messenger may have typed someone else's number."""
        conversation = await self._conversations.get(id)
        if conversation is None or conversation.contact != contact or conversation.channel is not Channel.CHAT:
            raise NotFound(_("Conversation not found."))
        return conversation

    async def get(self, id: str) -> Conversation | None:
        return await self._conversations.get(id)

    async def newest(self, contact: str) -> Conversation | None:
        found = await self._conversations.of(contact, limit=1, with_entries=True)
        return found[0] if found else None

    async def all_of(self, contact: str) -> list[tuple[Conversation, int]]:
        """A contact's chats, the newest first, each with its number of unread entries."""
        conversations = await self._conversations.of(contact, with_entries=True)
        unread = await self._parts.unread(conversations)
        return [(c, unread.get(c.id, 0)) for c in conversations]

    async def unread(self, contact: str) -> int:
        """Unread entries of the contact's newest chat."""
        newest = await self.newest(contact)
        return (await self._parts.unread([newest])).get(newest.id, 0) if newest else 0

    async def begin(
        self, id: str, contact: str, author: Author, opening: Sequence[tuple[str, Content]], run: Run | None = None
    ) -> list[Part]:
        """Makes a conversation with its first entries (`(key, content)` each), in one write."""
        time = now()
        entries = [OpeningEntry(author=author, content=content, at=time, key=key) for key, content in opening]
        conversation = opened_with(id, contact, entries, time, run)
        await self._conversations.insert(conversation)
        return conversation.opening_parts

    async def append(
        self,
        conversation: str,
        author: Author,
        content: Content,
        key: str,
        *,
        is_due: bool = False,
        at: datetime | None = None,
    ) -> Part:
        """Writes an entry, once for each `key`. `is_due`: it has to be followed up, see `Part.follow_up`. `at`: when it
        happened, if earlier.

        Raises NotFound or StoreUnavailable.
        """
        return await self._append(Draft(conversation, author, content, f"{conversation}:{key}", is_due, at))

    async def _append_each(self, drafts: list[Draft]) -> list[Part | Exception]:
        """One draft per conversation. Five round trips, however many; more if another process writes to the same ones.

        Each attempt looks up the keys first and then tries the next number, which is taken if another process wrote an
        entry meanwhile, under this key or another.
        """
        found = await self._conversations.get_many(draft.conversation for draft in drafts)
        last = {id: max(conversation.last, len(conversation.opening)) for id, conversation in found.items()}
        results: dict[str, Part | Exception] = {}
        waiting = {draft.conversation: draft for draft in drafts if draft.conversation in last}
        for _attempt in range(MOST_ATTEMPTS):
            known = await self._parts.by_keys([(id, draft.key) for id, draft in waiting.items()], known=found)
            results |= {part.conversation: part for part in known.values()}
            time = now()
            new = [
                _part(draft, last[id] + 1, self._parts.entry_id, time)
                for id, draft in waiting.items()
                if id not in results
            ]
            with self._writing([part.id for part in new]) as written:
                inserted = await self._parts.insert_many(new)
                mine = [part for part, is_mine in zip(new, inserted, strict=True) if is_mine]
                written += mine
            results |= {part.conversation: part for part in mine}
            waiting = {id: draft for id, draft in waiting.items() if id not in results}
            if not waiting:
                break
            last |= {id: await self.last(id) for id in waiting}
        # Includes entries of an earlier request, which may have died before this.
        await self._conversations.touch([part for part in results.values() if isinstance(part, Part)])
        missing = {id: StoreUnavailable() for id in last}
        gone = NotFound(_("Conversation not found."))
        return [results.get(d.conversation) or missing.get(d.conversation) or gone for d in drafts]

    async def begin_texting(self, contact: str, number: str) -> str:
        """Returns the id of the contact's SMS conversation, created if there is none. A contact has one.

        `number`: the one that they write from now.
        """
        id, time = texting_id(contact), now()
        values = {"contact": contact, "channel": Channel.SMS, "number": number}
        await self._conversations.keep(Conversation(id=id, created_at=time, updated_at=time, **values))
        await self._conversations.update({"_id": id, "number": {"$ne": number}}, {"$set": {"number": number}})
        return id

    async def say(self, conversation: Conversation, text: str, key: str, *, is_due: bool = False) -> Part:
        """A message of the contact. Their device makes the `key`, so that a message sent again is written once."""
        author = Author(kind=AuthorKind.CONTACT, id=conversation.contact)
        return await self.append(conversation.id, author, Text(text=text), f"contact:{key}", is_due=is_due)

    async def part(self, conversation: str, seq: int) -> Part | None:
        return await self._parts.get(self._parts.entry_id(conversation, seq))

    async def changed_by(self, parts: Sequence[Part], known: Sequence[Part] = ()) -> list[Part]:
        """Earlier entries that changed according to these: cards that were completed.

        `known`: entries that need not be read again.
        """
        named = (part for part in parts if isinstance(part.content, ConversationEvent) and part.content.part)
        ids = {self._parts.entry_id(part.conversation, part.content.part) for part in named}  # type: ignore[union-attr]
        ids -= {part.id for part in parts}
        changed = [part for part in known if part.id in ids]
        missing = ids - {part.id for part in changed}
        found = await asyncio.gather(*(self._parts.get(id) for id in missing)) if missing else []
        return sorted((part for part in (*changed, *found) if part), key=lambda part: part.seq)

    async def page(self, conversation: str, *, before: int | None = None, limit: int = 50) -> list[Part]:
        """The newest entries before `before` that are for the contact, in order."""
        return await self._parts.shown_for(conversation, before, limit=limit)

    async def after(self, conversation: str, seq: int, *, limit: int = 200) -> list[Part]:
        return await self._parts.after(conversation, seq, limit=limit)

    async def signal(self, conversation: str, kind: SignalKind, author: Author, *, seq: int = 0) -> None:
        """Sends an ephemeral signal to the followers of the conversation, or of another topic."""
        await self._signals.insert(
            Signal(id=new_id(), conversation=conversation, kind=kind, author=author, seq=seq, at=now())
        )

    async def mark_read(self, conversation: str, contact: str, *, seen: int, delivered: int) -> None:
        """How far the contact has read, and what reached their page."""
        await self._conversations.mark_read(conversation, contact, seen=seen, delivered=delivered)

    async def end(self, conversation: Conversation) -> int:
        """The sequence of the newest entry. The conversation's own figure may lag behind it, but is never ahead."""
        last = conversation.last
        while newer := await self.after(conversation.id, last):
            last = newer[-1].seq
        return last

    async def last(self, conversation: str) -> int:
        """The sequence of the newest entry, from the entries: the conversation's own figure may lag."""
        newest = await self._parts.before(conversation, None, limit=1)
        return newest[-1].seq if newest else 0


def texting_id(contact: str) -> str:
    """The id of a contact's SMS conversation."""
    return hashlib.sha256(f"sms:{contact}".encode()).hexdigest()[:24]


def opened_with(
    id: str,
    contact: str,
    entries: Sequence[OpeningEntry],
    created_at: datetime,
    run: Run | None = None,
    *,
    seen: int = 0,
    unstored: ChatOpening | None = None,
) -> Conversation:
    """A conversation with these entries in it. Its figures are what `store.conversation_projection` makes of them.
    `seen`: what the contact has seen and their page has got."""
    shown = [(seq, entry) for seq, entry in enumerate(entries, start=1) if entry.is_for_contact]
    said = [(seq, entry.preview) for seq, entry in shown if entry.preview]
    time = max([created_at, *(entry.at for _, entry in shown)])
    newest_seq, newest = shown[-1] if shown else (0, None)
    preview_seq, preview = said[-1] if said else (0, "")
    is_begun = any(entry.is_begin for entry in entries)
    signed_up = max((seq for seq, entry in enumerate(entries, start=1) if entry.is_sign_up), default=0)
    return Conversation(
        id=id,
        contact=contact,
        last=len(entries),
        preview=preview,
        preview_seq=preview_seq,
        newest=Newest.of(newest, newest_seq) if newest else Newest(),
        seen=seen,
        delivered=seen,
        begun=is_begun or None,
        signed_up=signed_up,
        sign_up_rank=time + RANK_OF_UNREAD if signed_up and not is_begun else None,
        rank=time if entries else None,
        run=run,
        opening=tuple(entries),
        unstored=unstored,
        created_at=created_at,
        updated_at=time,
    )


def _part(draft: Draft, seq: int, entry_id: Callable[[str, int], str], at: datetime) -> Part:
    return Part(
        id=entry_id(draft.conversation, seq),
        conversation=draft.conversation,
        seq=seq,
        author=draft.author,
        content=draft.content,
        at=draft.at or at,
        key=draft.key,
        words=_words(draft),
        follow_up=at if draft.is_due else None,
    )


def _words(draft: Draft) -> list[str] | None:
    """Search terms. Bots' messages have none: they are the same for everybody."""
    is_written = draft.author.kind is not AuthorKind.BOT and isinstance(draft.content, Text | Note)
    return folded_words(draft.content.text) or None if is_written else None  # type: ignore[union-attr]
