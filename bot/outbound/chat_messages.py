"""Shows chat messages: when somebody who matches opens the page or the messenger, or at once to those online.

A copy is claimed first and written second, under keys of its own: each contact gets a message once, in one
conversation, whatever dies in between. Anonymous visitors get theirs drawn into their new chat; it becomes a copy with
their first act.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from async_lru import alru_cache

from bot.chat.conversations import ConversationService, opened_with
from bot.contacts.finder import ContactFinder
from bot.fault_points import reach
from bot.model.base import now
from bot.model.chat_delivery import ChatDelivery
from bot.model.contact import Contact
from bot.model.conversation import OUTBOUND, Card, Content, Conversation, OpeningEntry, Part
from bot.model.event import ChatOpening
from bot.model.outbound_message import ChatTerms, OutboundMessage
from bot.model.subscription import Subscription
from bot.model.workspace import Workspace
from bot.outbound.chat_judge import ChatJudge
from bot.outbound.chat_rules import contents, message_of
from bot.outbound.kinds.outbound import variables
from bot.store import Store

CACHE_SECONDS = 0.5
"""Pausing a message takes effect within a second, in every process."""
FORGOTTEN = 500
"""Expired copies deleted per batch."""
KEPT = 256
"""Limit of cached messages. Started messages never change."""


class ChatMessageDelivery:
    def __init__(
        self,
        store: Store,
        finder: ContactFinder,
        conversations: ConversationService,
        workspace: Callable[[], Awaitable[Workspace]],
        *,
        visitor_days: int,
    ) -> None:
        self._store = store
        self._finder = finder
        self._conversations = conversations
        self._workspace = workspace
        self._kept_for = timedelta(days=visitor_days)
        self._judge = ChatJudge(store)
        self._known: dict[str, OutboundMessage] = {}
        self._running = alru_cache(maxsize=1, ttl=CACHE_SECONDS)(self._find_running)
        self.changed = self._running.cache_clear
        """Call this after a message was started, paused or ended."""

    async def running(self) -> list[OutboundMessage]:
        """The oldest first."""
        return [message for message in await self._running() if not message.is_ended]

    async def arrived(self, contact: str, *, is_new: bool = True) -> None:
        """Somebody opened the page or the messenger: gives them the first running message that is for them and that
        they don't have. A person with unread entries gets none until they have read those.

        `is_new`: False for a page that has been open for a while, where only messages for those online are shown.
        """
        running = [m for m in await self.running() if is_new or (m.chat and m.chat.at_once)]
        if not running:
            return
        person = await self._store.contacts.get(contact)
        if person is None or person.is_gone:
            return
        had = {copy.message: copy for copy in await self._store.chat_deliveries.of(contact, [m.id for m in running])}
        for message in running:
            if (copy := had.get(message.id)) and copy.part is None:  # its process was killed
                await self._write(message, [copy], {person.id: person})
        wanted = [message for message in running if message.id not in had]
        if wanted and not await self._conversations.unread(contact) and (first := await self._first(wanted, person)):
            await self.deliver(first, [person])

    async def deliver_to_online(self, message: OutboundMessage, contacts: Sequence[Contact]) -> None:
        """To those who have a chat. The others get it when they open it."""
        chats = await self._store.conversations.newest_of_each([contact.id for contact in contacts])
        await self._deliver(message, [contact for contact in contacts if contact.id in chats], chats)

    async def deliver(self, message: OutboundMessage, contacts: Sequence[Contact]) -> None:
        """Writes it into each one's newest chat, or a new one. Idempotent, also between processes."""
        chats = await self._store.conversations.newest_of_each([contact.id for contact in contacts])
        await self._deliver(message, contacts, chats)

    async def dismissed(self, contact: str, parts: Sequence[Part]) -> set[str]:
        """Of these entries, the messages that the contact dismissed."""
        ids = {id for part in parts if (id := message_of(part))}
        return await self._store.chat_deliveries.dismissed(contact, ids) if ids else set()

    async def dismiss(self, part: Part, contact: str) -> str | None:
        """Dismisses the message of this entry for the contact, in all chats. Returns the message, or None if the entry
        is of none. Idempotent. An anonymous visitor gets a copy, which counts them once and lapses with their token."""
        message, time = message_of(part), now()
        if message is None:
            return None
        if not await self._store.chat_deliveries.dismiss(contact, message, time):
            id, where = ChatDelivery.id_of(message, contact), {"conversation": part.conversation, "part": part.id}
            times = {"at": time, "dismissed_at": time, "lapses_at": time + self._kept_for}
            copy = ChatDelivery(id=id, message=message, contact=contact, **times, **where)
            await self._store.chat_deliveries.keep(copy)
        return message

    async def forget_visitors(self, time: datetime) -> None:
        """Deletes what visitors dismissed that nothing else was stored of until their token expired."""
        if lapsed := await self._store.chat_deliveries.lapsed(time, limit=FORGOTTEN):
            stored = await self._store.contacts.existing({copy.contact for copy in lapsed})
            copies = {copy.id: copy.contact not in stored for copy in lapsed}
            await self._store.chat_deliveries.forget(copies, time)

    async def identified(self, visitor: str, contact: str, dismissed: Collection[str]) -> None:
        """Moves the dismissals of an anonymous visitor to the contact they turned out to be. `dismissed`: messages
        that they dismissed."""
        if await self._store.contacts.get(visitor) is None:  # else a merge moves them
            await self._store.chat_deliveries.move(visitor, contact, dismissed)

    async def for_visitor(self, greeting: Sequence[Card], dismissed: Collection[str] = ()) -> str | None:
        """The message for an anonymous visitor. `greeting`: the forms that the new chat has anyway: the
        same subscription is not offered twice."""
        offered = {card.subscription for card in greeting}
        for message in await self.running():
            card = message.chat.card if message.chat else None
            is_theirs = message.chat and message.chat.visitors and message.filter.is_everybody
            if not is_theirs or message.id in dismissed or (card and card.subscription in offered):
                continue
            subscription = await self._offered(card)
            if card is None or (subscription and subscription.is_live):
                return message.id
        return None

    async def entries(self, opening: ChatOpening) -> list[OpeningEntry]:
        """The entries it adds to a new chat. Deterministic."""
        message = await self._get(opening.message) if opening.message else None
        if message is None:
            return []
        return _entries(message, opening.locale, variables(None, await self._workspace()), opening)

    async def stored(self, chats: Sequence[Conversation]) -> None:
        """These new chats are about to be stored: what was drawn in them becomes a copy."""
        copies = [copy for chat in chats if chat.unstored and (copy := _drawn_copy(chat, chat.unstored))]
        await self._store.chat_deliveries.insert_many(copies)

    async def _find_running(self) -> list[OutboundMessage]:
        return await self._store.outbound_messages.running()

    async def _first(self, messages: Sequence[OutboundMessage], person: Contact) -> OutboundMessage | None:
        refused = [(await self._judge.of(message.chat or ChatTerms(), [person]))[person.id] for message in messages]
        rest = {message.id: message for message, why in zip(messages, refused, strict=True) if not why}
        matching = await self._finder.filters_matching({id: m.filter for id, m in rest.items()}, person.id)
        return next((message for id, message in rest.items() if id in matching), None)

    async def _deliver(self, message: OutboundMessage, contacts: Sequence[Contact], chats: Mapping[str, str]) -> None:
        """`chats`: by contact, where it goes. Those who have the copy of somebody who was merged into them get none."""
        have = await self._store.chat_deliveries.merged(message.id, [contact.id for contact in contacts])
        people = {ChatDelivery.id_of(message.id, contact.id): contact for contact in contacts if contact.id not in have}
        copies = [
            ChatDelivery(
                id=id,
                message=message.id,
                contact=contact.id,
                conversation=chats.get(contact.id) or _own_conversation(id),
                at=now(),
            )
            for id, contact in people.items()
        ]
        await self._store.chat_deliveries.insert_many(copies)
        reach("chat message claimed")
        claimed = await self._store.chat_deliveries.get_many(people)
        unwritten = [copy for copy in claimed.values() if copy.part is None]
        await self._write(message, unwritten, {copy.contact: people[copy.id] for copy in unwritten})

    async def _write(
        self, message: OutboundMessage, copies: Sequence[ChatDelivery], people: Mapping[str, Contact]
    ) -> None:
        """Each entry for all of them at once: the number of round trips doesn't grow with theirs."""
        workspace = await self._workspace()
        said = {c.id: contents(message, p.locale, variables(p, workspace)) for c in copies for p in [people[c.contact]]}
        new = [copy for copy in copies if copy.conversation == _own_conversation(copy.id)]
        await self._store.conversations.insert_many([_own_chat(copy, said[copy.id]) for copy in new])
        last: dict[str, str] = {}
        for number in range(max(map(len, said.values()), default=0)):
            some = [copy for copy in copies if number < len(said[copy.id])]
            parts = await asyncio.gather(*(self._say(copy, *said[copy.id][number]) for copy in some))
            reach("chat message entry written")
            last |= {copy.id: part.id for copy, part in zip(some, parts, strict=True)}
        await self._store.chat_deliveries.placed(last)

    async def _say(self, copy: ChatDelivery, key: str, content: Content) -> Part:
        return await self._conversations.append(copy.conversation, OUTBOUND, content, key)

    async def _offered(self, card: Card | None) -> Subscription | None:
        return await self._store.subscriptions.recent(card.subscription) if card else None

    async def _get(self, id: str) -> OutboundMessage | None:
        if id not in self._known:
            found = await self._store.outbound_messages.get(id)
            if found is None or found.is_draft:
                return None
            self._known = {**self._known, id: found} if len(self._known) < KEPT else {id: found}
        return self._known[id]


def _own_conversation(copy: str) -> str:
    """The id of the chat that a copy opens for somebody without one."""
    return hashlib.sha256(f"message:{copy}".encode()).hexdigest()[:24]


def _own_chat(copy: ChatDelivery, said: Sequence[tuple[str, Content]]) -> Conversation:
    entries = [OpeningEntry(author=OUTBOUND, content=content, at=copy.at, key=key) for key, content in said]
    return opened_with(copy.conversation, copy.contact, entries, copy.at)


def _entries(
    message: OutboundMessage, locale: str, values: Mapping[str, str], opening: ChatOpening
) -> list[OpeningEntry]:
    said = contents(message, locale, values)
    return [OpeningEntry(author=OUTBOUND, content=content, at=opening.at, key=key) for key, content in said]


def _drawn_copy(chat: Conversation, opening: ChatOpening) -> ChatDelivery | None:
    if opening.message is None:
        return None
    return ChatDelivery(
        id=ChatDelivery.id_of(opening.message, chat.contact),
        message=opening.message,
        contact=chat.contact,
        conversation=chat.id,
        part=chat.opening_parts[-1].id,
        at=opening.at,
    )
