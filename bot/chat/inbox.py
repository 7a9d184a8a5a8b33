"""The teammates' side of conversations: listing, replying, assigning, closing, snoozing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import cast

from bot.chat.cards import Cards
from bot.chat.conversations import ConversationService
from bot.consent.form_wording import WordingCheck
from bot.errors import CardClosed, Invalid, NotFound
from bot.errors import marked as _
from bot.model.base import folded_words, now
from bot.model.contact import Contact
from bot.model.conversation import (
    RANK_OF_UNREAD,
    Author,
    AuthorKind,
    Card,
    CardState,
    Channel,
    Content,
    Conversation,
    ConversationState,
    Note,
    Part,
    Text,
)
from bot.model.conversation_event import ConversationEvent, ConversationEventName
from bot.model.opt_out_request import OptOutRequest, RequestState
from bot.model.paging import Cursor, Page
from bot.model.teammate import By
from bot.store import Store
from bot.store.parts import CardChange

PAGE = 40
MOST_ROWS = 200
"""Limit of rows when an expanded list is reloaded."""
LOOKED_AT = 300
"""A search reads at most this many messages, contacts, and conversations of those contacts."""
COUNTED = 99


NO_FORM = _("Forms can't be sent by text. Send a link instead.")


class Whose(StrEnum):
    MINE = "mine"
    UNASSIGNED = "unassigned"
    ALL = "all"
    SIGN_UPS = "sign_ups"
    """Conversations in which people signed up with a bot and nobody wrote. They are in no other list."""


@dataclass(frozen=True, slots=True)
class View:
    """The filter of a list. `me`: the viewing teammate."""

    me: str
    state: ConversationState = ConversationState.OPEN
    whose: Whose = Whose.ALL

    @property
    def assignee(self) -> str | None:
        return {Whose.MINE: self.me, Whose.UNASSIGNED: ""}.get(self.whose)

    def rank(self, c: Conversation) -> datetime:
        rank = c.sign_up_rank if self.whose is Whose.SIGN_UPS else c.rank
        return rank or c.updated_at

    def has(self, c: Conversation) -> bool:
        if self.whose is Whose.SIGN_UPS:
            return c.sign_up_rank is not None
        return bool(c.begun) and c.state is self.state and self.assignee in {None, c.assignee}


@dataclass(frozen=True, slots=True)
class ConversationRow:
    conversation: Conversation
    contact: Contact | None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the inbox."""

    items: tuple[ConversationRow, ...]
    next: Cursor | None = None
    """By rank and id; of search results by last update and id."""
    apart: str = ""
    """The id of the open conversation if it belongs further down: it is appended at the end."""


class Inbox:
    def __init__(self, store: Store, conversations: ConversationService, cards: Cards) -> None:
        self._store = store
        self._conversations = conversations
        self._cards = cards

    # --- reading

    async def listing(
        self,
        view: View,
        *,
        before: Cursor | None = None,
        rows: int = PAGE,
        current: Conversation | None = None,
    ) -> Listing:
        """Two queries, regardless of the number of conversations. Unread ones come first. `current` is open."""
        rows = min(max(rows, PAGE), MOST_ROWS)
        found = await self._found(view, before, rows + 1)
        page = Page.cut(found, rows, lambda c: (view.rank(c), c.id))
        is_apart = current and not before and view.has(current) and all(c.id != current.id for c in page.items)
        apart = [current] if current and is_apart else []
        items = await self._listed([*page.items, *apart])
        return Listing(items, page.next, apart[0].id if apart else "")

    async def search(self, words: str, *, before: Cursor | None = None, rows: int = PAGE) -> Listing:
        """Conversations of contacts whose name, email or number starts with the words, or that contain these words.

        The newest first. Every page costs the same reads, whose limits are `LOOKED_AT`.
        """
        wanted = folded_words(words, most=8)
        people, said = await asyncio.gather(
            self._store.contacts.known_as(wanted, limit=LOOKED_AT), self._store.parts.saying(wanted, limit=LOOKED_AT)
        )
        theirs = await self._store.conversations.of_many([c.id for c in people], limit=LOOKED_AT) if people else []
        others = await self._store.conversations.get_many({part.conversation for part in said})
        found = {c.id: c for c in (*theirs, *others.values()) if c.begun or c.signed_up}
        newest = sorted(found.values(), key=_recency, reverse=True)
        last = cast(tuple[datetime, str], before.keys) if before else None
        following = [c for c in newest if last is None or _recency(c) < last]
        page = Page.cut(following, min(max(rows, PAGE), MOST_ROWS), _recency)
        return Listing(await self._listed(page.items), page.next)

    async def unread(self, me: str) -> dict[Whose, int]:
        """Open conversations with something new, up to `COUNTED` + 1 each."""
        counts = await asyncio.gather(*(self._count(View(me, whose=whose)) for whose in Whose))
        return dict(zip(Whose, counts, strict=True))

    async def _found(self, view: View, before: Cursor | None, limit: int) -> Sequence[Conversation]:
        if view.whose is Whose.SIGN_UPS:
            return await self._store.conversations.sign_ups(before=before, limit=limit)
        return await self._store.conversations.listed(view.state, view.assignee, before=before, limit=limit)

    async def _count(self, view: View) -> int:
        since, most = now() + RANK_OF_UNREAD / 2, COUNTED + 1
        if view.whose is Whose.SIGN_UPS:
            return await self._store.conversations.count_sign_ups(unread_since=since, most=most)
        return await self._store.conversations.count(view.state, view.assignee, unread_since=since, most=most)

    async def get(self, id: str) -> Conversation:
        """Raises NotFound."""
        conversation = await self._store.conversations.get(id)
        if conversation is None or conversation.erased_at:
            raise NotFound(_("Conversation not found."))
        return conversation

    async def page(self, id: str, *, before: int | None = None, limit: int = 50) -> list[Part]:
        """The newest entries before `before` in order, including those between teammates."""
        return await self._store.parts.before(id, before, limit=limit)

    async def seen(self, id: str, seq: int) -> None:
        await self._store.conversations.mark_team_seen(id, seq)

    # --- writing: each returns the entry, once for each key

    async def reply(self, id: str, me: str, text: str, key: str, *, is_due: bool = False) -> Part:
        """`is_due`: it must also be sent as a text. Callers use `Bot.reply`, which decides that."""
        author = Author(kind=AuthorKind.TEAMMATE, id=me)
        return await self._conversations.append(id, author, Text(text=text), f"reply:{key}", is_due=is_due)

    async def insert(self, id: str, me: str, card: Card, text: str, key: str, wording: WordingCheck) -> Part:
        """Inserts a card, after the optional message.

        Raises NotFound, Invalid (text conversations can't contain forms), CardClosed, WordingIncomplete: nothing was
        written.
        """
        if not takes_forms(await self.get(id)):
            raise Invalid(NO_FORM)
        wording.check(card.legal_text, await self._cards.live(card))
        if text:
            await self._write(id, me, Text(text=text), f"form-text:{key}")
        return await self._cards.insert(id, card, Author(kind=AuthorKind.TEAMMATE, id=me), f"form:{key}")

    async def note(self, id: str, me: str, text: str, key: str) -> Part:
        return await self._write(id, me, Note(text=text), f"note:{key}")

    async def assign(self, id: str, me: str, to: str, key: str) -> Part | None:
        """`to`: a teammate's id; empty: unassign. None: no change."""
        if (await self.get(id)).assignee == to:
            return None
        await self.check_assignee(to)
        part = await self._write(id, me, ConversationEvent(name=ConversationEventName.ASSIGNED, to=to), f"assign:{key}")
        if to and await self._is_gone(to):  # removed at the same moment, after their conversations had been unassigned
            await self._store.conversations.unassign_all(to)
        return part

    async def check_assignee(self, to: str) -> None:
        """Raises Invalid: this teammate was removed."""
        if to and await self._is_gone(to):
            raise Invalid(_("This teammate was removed. Choose another one."))

    async def _is_gone(self, id: str) -> bool:
        teammate = await self._store.teammates.get(id)
        return teammate is None or teammate.removed_at is not None

    async def close(self, id: str, me: str, key: str) -> Part | None:
        if (await self.get(id)).state is ConversationState.CLOSED:
            return None
        return await self._write(id, me, ConversationEvent(name=ConversationEventName.CLOSED), f"close:{key}")

    async def reopen(self, id: str, me: str, key: str) -> Part | None:
        if (await self.get(id)).state is ConversationState.OPEN:
            return None
        return await self._write(id, me, ConversationEvent(name=ConversationEventName.REOPENED), f"reopen:{key}")

    async def snooze(self, id: str, me: str, until: datetime, key: str) -> Part:
        if until <= now():
            raise Invalid(_("Choose a time in the future."))
        return await self._write(
            id, me, ConversationEvent(name=ConversationEventName.SNOOZED, until=until), f"snooze:{key}"
        )

    async def wake(self, time: datetime) -> None:
        """Reopens conversations whose snooze ended; the key makes it happen once, in any number of processes.

        `part` is the snooze that ended: a newer snooze or close takes precedence.
        """
        author = Author(kind=AuthorKind.BOT, id="bot")
        await asyncio.gather(
            *(
                self._conversations.append(
                    c.id,
                    author,
                    ConversationEvent(name=ConversationEventName.WOKE, part=c.state_seq),
                    f"wake:{c.state_seq}",
                )
                for c in await self._store.conversations.due(time)
            )
        )

    async def withdraw(self, id: str, me: str, seq: int) -> Part:
        """Withdraws an open card. Idempotent.

        Raises NotFound, CardClosed (it was answered).
        """
        part = await self._conversations.part(id, seq)
        if part is None or not isinstance(part.content, Card):
            raise NotFound(_("Form not found."))
        closed = CardChange(part.id, {"state": CardState.CLOSED}, only={"state": CardState.OPEN})
        await self._store.parts.change_cards([closed])
        if await self._cards.answer_of(part, (await self.get(id)).contact):  # also one that came at the same moment
            raise CardClosed(_("This form was already submitted and can't be withdrawn."))
        said = ConversationEvent(name=ConversationEventName.WITHDRAWN, part=seq, subscription=part.content.subscription)
        return await self._write(id, me, said, f"withdraw:{seq}")

    async def opt_out_decided(self, request: OptOutRequest, by: By) -> None:
        """Says in the conversation what a teammate decided. Idempotent."""
        is_honored = request.state is RequestState.HONORED
        name = ConversationEventName.OPT_OUT_HONORED if is_honored else ConversationEventName.OPT_OUT_DISMISSED
        await self._write(request.conversation, by.id, ConversationEvent(name=name), f"{request.state}:{request.id}")

    async def _write(self, id: str, me: str, content: Content, key: str) -> Part:
        return await self._conversations.append(id, Author(kind=AuthorKind.TEAMMATE, id=me), content, key)

    async def _listed(self, conversations: Sequence[Conversation]) -> tuple[ConversationRow, ...]:
        people = await self._store.contacts.get_many(c.contact for c in conversations)
        return tuple(ConversationRow(c, people.get(c.contact)) for c in conversations)


def _recency(conversation: Conversation) -> tuple[datetime, str]:
    return conversation.updated_at, conversation.id


def takes_forms(conversation: Conversation) -> bool:
    return conversation.channel is Channel.CHAT
