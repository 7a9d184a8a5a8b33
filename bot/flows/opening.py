"""Opening a chat: nothing is written until the visitor does something.

The greeting and its card are drawn from an immutable flow version and the opening that the visitor's token signs. With
the first act they become documents: contact first, conversation last, so that no conversation is without its contact.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from bot.chat.card_answer import completed, entry_of, place_of
from bot.chat.conversations import Writing, opened_with, untold
from bot.chat.visitors import Visitor, Visitors
from bot.flows.counting import FlowCounters
from bot.flows.effects import Effect, Write
from bot.flows.greetings import Greeting, Greetings, drawn
from bot.flows.performing import BOT
from bot.flows.script import Script
from bot.flows.scripts import KEPT, Occasion, Scripts
from bot.flows.steps.base import CardCompleted, CardPending, Started
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.conversation import Card, Channel, Conversation, OpeningEntry, Part
from bot.model.event import Action, ChatOpening, ConsentEvent
from bot.model.flow import Run
from bot.store import Store

OPENED = 1024
"""Cached new chats: building one takes 0.1 ms, and the page, the connection and the first answer all need it."""
FRESH = timedelta(days=1)
"""A chat that was opened longer ago than this and never used is opened again."""


@dataclass(frozen=True, slots=True)
class NextSteps:
    """What a flow does after an answer."""

    script: Script
    event: CardCompleted | CardPending
    greeting: Greeting


@dataclass(frozen=True, slots=True)
class AnsweredChat:
    """A chat that a first act stores, and its run before that."""

    event: str
    chat: Conversation
    run: Run | None
    next: NextSteps | None
    """The steps that are in it."""
    is_continued: bool
    """Nothing of the flow is left to do. A flow that does more than write continues when the chat is stored."""


class ChatMessageSource(Protocol):
    """The outbound messages that are shown in chats."""

    async def arrived(self, contact: str) -> None:
        """A stored contact opened the messenger: gives them what is for them."""

    async def for_visitor(self, greeting: Sequence[Card], dismissed: Collection[str]) -> str | None:
        """The message for the new chat of an anonymous visitor."""

    async def dismiss(self, part: Part, contact: str) -> str | None:
        """The contact dismisses the entry: it isn't shown again. Returns the message of the entry, if it is of one."""

    async def identified(self, visitor: str, contact: str, dismissed: Collection[str]) -> None:
        """Moves the dismissals of an anonymous visitor to the contact they turned out to be. `dismissed`: messages
        that they dismissed."""

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
        counters: FlowCounters,
        writing: Writing = untold,
    ) -> None:
        self._store = store
        self._scripts = scripts
        self._visitors = visitors
        self._messages = messages
        self._counters = counters
        self._writing = writing
        self._greetings = Greetings(scripts)
        self._opened: dict[tuple[str, str, str], Conversation] = {}
        self._stored: set[str] = set()

    async def new(self, occasion: Occasion, time_zone: str | None, dismissed: Collection[str] = ()) -> ChatOpening:
        """A chat with the flow that greets on this occasion and, for an anonymous visitor, an outbound message.
        `dismissed`: messages that they dismissed."""
        contact, script, time = occasion.contact, await self._scripts.starting(occasion), now()
        greeting = await self._greetings.new(script, contact, time)
        return ChatOpening(
            conversation=new_id(),
            flow=script.flow if script else None,
            flow_version=script.version if script else None,
            message=None if contact.is_stored else await self._message(greeting, dismissed),
            locale=contact.locale,
            time_zone=time_zone,
            asked=greeting.asked,
            at=time,
        )

    async def count(self, opening: ChatOpening, contact: str) -> None:
        """The chat is shown for the first time. What isn't drawn is counted when its run does it."""
        script = await self._scripts.get(opening.flow, opening.flow_version or 0) if opening.flow else None
        greeting = await self._greetings.of(opening)
        if script and greeting.is_drawable:
            self._counters.moved(script, contact, None, greeting.made, Started(opening.at))

    async def is_current(self, opening: ChatOpening, occasion: Occasion, dismissed: Collection[str] = ()) -> bool:
        """Whether a chat that is opened now would be the same, but for its time. One that a flow began while they were
        on a page stays as it is."""
        if opening.flow and await self._scripts.greets_by_itself(opening.flow, opening.flow_version or 0):
            return now() - opening.at < FRESH
        met, contact = {*occasion.shown} - {opening.flow}, occasion.contact
        script = await self._scripts.starting(replace(occasion, shown=met))
        greets = (script.flow, script.version) if script else (None, None)
        greeting = await self._greetings.new(script, contact, now())
        message = None if contact.is_stored else await self._message(greeting, dismissed)
        shown = opening.flow, opening.flow_version, opening.message
        return shown == (*greets, message) and now() - opening.at < FRESH

    async def _message(self, greeting: Greeting, dismissed: Collection[str]) -> str | None:
        written = [effect.content for effect in greeting.effects if isinstance(effect, Write)]
        forms = [content for content in written if isinstance(content, Card)]
        return await self._messages.for_visitor(forms, dismissed)

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
        greeting, run, entries = await self._greetings.of(opening), None, list[OpeningEntry]()
        if opening.flow:
            run = Run(
                id=opening.conversation,
                flow=opening.flow,
                version=opening.flow_version or 0,
                revision=int(greeting.is_drawn),
                state=greeting.state,
                due_at=None if greeting.is_drawn else opening.at,
                part=len(greeting.effects),
            )
            entries = _entries(greeting.effects, run, 0, opening.at, contact)
        entries += await self._messages.entries(opening)
        return opened_with(opening.conversation, contact, entries, opening.at, run, unstored=opening)

    async def must_be_stored(self, opening: ChatOpening) -> bool:
        """Whether the flow does something on its own, so that the chat is stored when it is opened."""
        return not (await self._greetings.of(opening)).is_drawable

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
        answered = [await self._answered(event) for event in events]
        await self._messages.stored([await self._opened_by(event) for event in events])
        with self._writing([one.chat.id for one in answered]) as written:
            inserted = await self._store.conversations.insert_many([one.chat for one in answered])
            new = [one for one, is_new in zip(answered, inserted, strict=True) if is_new]
            written += [one.chat for one in new]
        for one in new:
            if one.next:
                self._counters.moved(one.next.script, one.chat.contact, one.run, one.next.greeting.made, one.next.event)
        continued = {one.event for one in new if one.is_continued}
        self._stored = self._stored | continued if len(self._stored) < KEPT else continued
        return {one.event for one in new}

    def take_stored(self, events: Iterable[str]) -> set[str]:
        """The events whose chat `store_answered` has stored, including the flow's next entries."""
        found = self._stored & {*events}
        self._stored -= found
        return found

    async def _answered(self, event: ConsentEvent) -> AnsweredChat:
        """The chat after its card was answered, with the entry that says so and the flow's next words."""
        (_, seq), chat = place_of(event), await self._opened_by(event)
        entries, card, run = [*chat.opening, entry_of(event)], chat.opening[seq - 1], chat.run
        if isinstance(card.content, Card):
            entries[seq - 1] = card.model_copy(update={"content": completed(card.content, event)})
        next = await self._next(run, event) if run and run.part == seq else None
        is_drawn = next is None or next.greeting.is_drawn
        if run and next and is_drawn and next.greeting.state != run.state:
            entries += _entries(next.greeting.effects, run, run.revision, event.at, event.contact)
            moved = {"state": next.greeting.state, "part": len(entries), "consent_seq": event.seq, "is_answered": True}
            run = run.model_copy(update={"revision": run.revision + 1, **moved})
        else:
            next = None
        stored = opened_with(chat.id, event.contact, entries, chat.created_at, run, seen=chat.last)
        return AnsweredChat(event.event, stored, chat.run, next, is_drawn)

    async def _opened_by(self, event: ConsentEvent) -> Conversation:
        """The chat before the event, which is the first act in it."""
        if event.context.opening is None:
            raise ValueError("not a first act")
        return await self.conversation(event.context.opening, event.contact)

    async def _next(self, run: Run, event: ConsentEvent) -> NextSteps | None:
        """What the flow does after this answer; None: nothing."""
        script = await self._scripts.get(run.flow, run.version)
        if script is None or event.stopped:
            return None
        is_pending = event.action is Action.REQUEST_CONFIRMATION
        answer = CardPending(event.at) if is_pending else CardCompleted(event.at)
        return NextSteps(script, answer, drawn(script, run.state, answer))


def _entries(effects: Sequence[Effect], run: Run, revision: int, at: datetime, contact: str) -> list[OpeningEntry]:
    """Of the transition that leaves this revision, as this contact sees them."""
    return [
        OpeningEntry(author=BOT, content=effect.shown_to(contact), at=at, key=run.key(place, revision))
        for place, effect in enumerate(effects)
        if isinstance(effect, Write)
    ]
