"""Opening a chat: nothing is written until the visitor does something.

The greeting and its card are drawn from an immutable flow version and the opening that the visitor's token signs. With
the first act they become documents: contact first, conversation last, so that no conversation is without its contact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.chat.card_answer import completed, counts, entry_of, place_of
from bot.chat.conversations import Writing, opened_with, untold
from bot.chat.visitors import Visitor, Visitors
from bot.flows.engine import advance
from bot.flows.runs import BOT, KEPT, Scripts
from bot.flows.script import Script
from bot.flows.steps.base import CardCompleted, Effect, Started
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.conversation import Card, Channel, Conversation, OpeningEntry
from bot.model.event import ChatOpening, ConsentEvent
from bot.model.flow import Run, State, Wait
from bot.store import Store

OPENED = 1024
"""Cached new chats: building one takes 0.1 ms, and the page, the connection and the first answer all need it."""
FRESH = timedelta(days=1)
"""A chat that was opened longer ago and never used is opened anew."""


@dataclass(frozen=True, slots=True)
class Greeting:
    """What a flow version does when a chat is opened."""

    effects: tuple[Effect, ...]
    state: State

    @property
    def is_drawable(self) -> bool:
        """It only shows entries, so that nothing has to be stored yet. A wait for something that happens elsewhere
        must be stored."""
        return not {Wait.TIME, Wait.CONSENT} & {*self.state.waits}


class ChatMessageSource(Protocol):
    """The outbound messages that are shown in chats."""

    async def arrived(self, contact: str) -> None:
        """A stored contact opened the messenger: gives them what is for them."""

    async def for_visitor(self, greeting: Sequence[Card]) -> str | None:
        """The message for the new chat of a visitor that nothing is stored of."""

    async def entries(self, opening: ChatOpening) -> list[OpeningEntry]:
        """What it adds to that chat."""

    async def stored(self, chats: Sequence[Conversation]) -> None:
        """These chats are about to be stored."""


class Openings:
    """`writing` is `Feed.writing`: live connections of this process need not wait for the change stream."""

    def __init__(
        self,
        store: Store,
        scripts: Scripts,
        visitors: Visitors,
        messages: ChatMessageSource,
        writing: Writing = untold,
    ) -> None:
        self._store = store
        self._scripts = scripts
        self._visitors = visitors
        self._messages = messages
        self._writing = writing
        self._greetings: dict[tuple[str, int], Greeting] = {}
        self._opened: dict[tuple[str, str, str], Conversation] = {}
        self._stored: set[str] = set()

    async def new(self, contact: Contact, time_zone: str | None) -> ChatOpening:
        """A chat with the flow that greets now and, for somebody that nothing is stored of, an outbound message."""
        script = await self._scripts.greeting()
        return ChatOpening(
            conversation=new_id(),
            flow=script.flow if script else None,
            flow_version=script.version if script else None,
            message=None if contact.is_stored else await self._message(script),
            locale=contact.locale,
            time_zone=time_zone,
            at=now(),
        )

    async def is_current(self, opening: ChatOpening, contact: Contact) -> bool:
        """Whether a chat that is opened now would be the same, but for its time."""
        script = await self._scripts.greeting()
        greets = (script.flow, script.version) if script else (None, None)
        message = None if contact.is_stored else await self._message(script)
        shown = opening.flow, opening.flow_version, opening.message
        return shown == (*greets, message) and now() - opening.at < FRESH

    async def _message(self, script: Script | None) -> str | None:
        greeting = await self._greeting_of(script.flow, script.version) if script else Greeting((), State())
        return await self._messages.for_visitor([e.content for e in greeting.effects if isinstance(e.content, Card)])

    async def conversation(self, opening: ChatOpening, contact: str) -> Conversation:
        """The chat as it is until somebody acts in it; not stored. Kept for the requests that follow its opening."""
        key = opening.conversation, contact, opening.locale
        chat = self._opened.get(key)
        if chat is None:
            chat = await self._conversation(opening, contact)
            if len(self._opened) >= OPENED:
                del self._opened[next(iter(self._opened))]
            self._opened[key] = chat
        return chat

    async def _conversation(self, opening: ChatOpening, contact: str) -> Conversation:
        greeting, run, entries = await self._greeting(opening), None, list[OpeningEntry]()
        if opening.flow:
            run = Run(
                id=opening.conversation,
                flow=opening.flow,
                version=opening.flow_version or 0,
                revision=1,
                state=greeting.state,
                part=len(greeting.effects),
            )
            entries = _entries(greeting.effects, run, 0, opening.at)
        entries += await self._messages.entries(opening)
        return opened_with(opening.conversation, contact, entries, opening.at, run, unstored=opening)

    async def must_be_stored(self, opening: ChatOpening) -> bool:
        """Whether the flow does something on its own, so that the chat is stored when it is opened."""
        return not (await self._greeting(opening)).is_drawable

    async def find(self, visitor: Visitor, id: str) -> Conversation | None:
        """The visitor's chat, stored or only opened; nobody else's (law 11)."""
        stored = await self._store.conversations.get(id)
        if stored is None and visitor.opening and visitor.opening.conversation == id:
            return await self.conversation(visitor.opening, visitor.contact.id)
        if stored is None or stored.contact != visitor.contact.id or stored.channel is not Channel.CHAT:
            return None
        return stored

    async def store(self, contact: Contact, conversation: Conversation) -> None:
        """Stores a chat that was only opened, and its contact before it; what is stored stays as it is.

        Raises Unauthorized, see `Visitors.store`.
        """
        if conversation.unstored is None:
            return
        await self._visitors.store(contact)
        run = conversation.run.model_copy(update={"consent_seq": contact.ledger.seq}) if conversation.run else None
        values = {"seen": conversation.last, "delivered": conversation.last, "run": run}
        await self._messages.stored([conversation])
        await self._store.conversations.keep(conversation.model_copy(update=values))

    async def store_answered(self, events: Sequence[ConsentEvent]) -> set[str]:
        """Stores the chats that these events are first acts of, as they are after it; answers the events whose chat was
        stored so, and no other act had stored before.
        """
        conversations = [await self._answered(event) for event in events]
        await self._messages.stored([await self._opened_by(event) for event in events])
        with self._writing([conversation.id for conversation in conversations]) as written:
            inserted = await self._store.conversations.insert_many(conversations)
            written += [chat for chat, is_new in zip(conversations, inserted, strict=True) if is_new]
        stored = {event.event for event, is_new in zip(events, inserted, strict=True) if is_new}
        self._stored = self._stored | stored if len(self._stored) < KEPT else stored
        return stored

    def take_stored(self, events: Iterable[str]) -> set[str]:
        """The events whose chat `store_answered` has stored, including the flow's next entries."""
        found = self._stored & {*events}
        self._stored -= found
        return found

    async def _answered(self, event: ConsentEvent) -> Conversation:
        """The chat after its card was answered: with the entry that says so and, once the yes counts, the flow's next
        words.
        """
        (_, seq), chat = place_of(event), await self._opened_by(event)
        entries, card, run = [*chat.opening, entry_of(event)], chat.opening[seq - 1], chat.run
        if isinstance(card.content, Card):
            entries[seq - 1] = card.model_copy(update={"content": completed(card.content, event)})
        if run and run.part == seq and counts(event):
            script = await self._scripts.get(run.flow, run.version)
            effects, state = advance(script, run.state, CardCompleted(event.at)) if script else ((), run.state)
            entries += _entries(effects, run, run.revision, event.at)
            moved = {"revision": run.revision + 1, "state": state, "part": len(entries), "consent_seq": event.seq}
            run = run.model_copy(update=moved)
        return opened_with(chat.id, event.contact, entries, chat.created_at, run, seen=chat.last)

    async def _opened_by(self, event: ConsentEvent) -> Conversation:
        """The chat before the event, which is the first act in it."""
        if event.context.opening is None:
            raise ValueError("not a first act")
        return await self.conversation(event.context.opening, event.contact)

    async def _greeting(self, opening: ChatOpening) -> Greeting:
        return await self._greeting_of(opening.flow or "", opening.flow_version or 0, opening.at)

    async def _greeting_of(self, flow: str, version: int, at: datetime | None = None) -> Greeting:
        key = flow, version
        if known := self._greetings.get(key):
            return known
        script = await self._scripts.get(*key) if flow else None
        greeting = Greeting(*advance(script, State(), Started(at or now()))) if script else Greeting((), State())
        if greeting.is_drawable:  # the same for everybody, whenever they open the chat
            self._greetings = {**self._greetings, key: greeting} if len(self._greetings) < KEPT else {key: greeting}
        return greeting


def _entries(effects: Sequence[Effect], run: Run, revision: int, at: datetime) -> list[OpeningEntry]:
    """Of the transition that leaves this revision."""
    return [
        OpeningEntry(author=BOT, content=effect.content, at=at, key=run.key(place, revision))
        for place, effect in enumerate(effects)
    ]
