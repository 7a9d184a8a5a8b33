"""Live updates of one conversation: every new entry after the page's last one, without gaps."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import WSMsgType, web

from bot.app import Bot
from bot.chat.feed import SUBSCRIPTIONS, Entries, Follower, News
from bot.consent.choices import numbers_of
from bot.errors import Unauthorized
from bot.model.conversation import OUTBOUND, Author, AuthorKind, Card, CardState, Part
from bot.model.event import Source
from bot.model.signal import Signal, SignalKind
from widget.messenger import views
from widget.messenger.input import ClientMessage, MessengerHello
from widget.web import websocket
from widget.web.http import BOT, METRICS
from widget.web.input import parse

TYPING_SECONDS = 1.0
MARK_SECONDS = 1.0
"""The shortest interval between two writes of read marks."""


async def live(request: web.Request) -> web.StreamResponse:
    return await websocket.hold(request, lambda socket: MessengerConnection(request, socket).run())


class ReadMarks:
    """What a page has received and its visitor has read: written together, and when the connection ends."""

    def __init__(self, bot: Bot, conversation: str, contact: str) -> None:
        self._bot, self._conversation, self._contact = bot, conversation, contact
        self._seen = self._delivered = 0
        self._timer: asyncio.TimerHandle | None = None

    def note(self, *, seen: int = 0, delivered: int = 0) -> None:
        if seen <= self._seen and delivered <= self._delivered:
            return
        self._seen, self._delivered = max(seen, self._seen), max(delivered, self._delivered)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(MARK_SECONDS, self.flush)

    def flush(self) -> None:
        """Writes what was noted since the last time."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
            self._bot.spawn(self._write())

    async def _write(self) -> None:
        await self._bot.conversations.mark_read(
            self._conversation, self._contact, seen=self._seen, delivered=self._delivered
        )


class MessengerConnection:
    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.request = request
        self.socket = socket
        self.bot = request.app[BOT]
        self.told_at = 0.0
        self.follower: Follower

    def is_time_to_tell(self) -> bool:
        """Typing is signaled at most once a second."""
        time = asyncio.get_running_loop().time()
        is_time = time - self.told_at >= TYPING_SECONDS
        self.told_at = time if is_time else self.told_at
        return is_time

    async def run(self) -> None:
        hello = await websocket.greeting(self.socket, MessengerHello)
        if hello is None:
            return
        contact, self.conversation = self.bot.visitors.read(hello.token), hello.conversation
        self.me = Author(kind=AuthorKind.CONTACT, id=contact)
        self.marks = ReadMarks(self.bot, self.conversation, contact)
        topics = (self.conversation, contact, SUBSCRIPTIONS)
        # Subscribe before anything is read, so that no change is missed in between.
        with (
            self.request.app[websocket.CONNECTIONS].of_visitor(contact),
            self.bot.feed.follow(*topics) as follower,
            self.request.app[METRICS].sockets.track_inprogress(),
        ):
            self.follower = follower
            await self._start(hello)
            await websocket.send(self.socket, {"type": "ready", "last": self.sent})
            try:
                async with websocket.telling(self.socket, lambda: self._send(follower)):
                    await self._receive()
            finally:
                self.marks.flush()

    async def _start(self, hello: MessengerHello) -> None:
        self.contact, chat = await self.bot.messenger.visit(hello.token, self.conversation)
        if chat is None:
            raise Unauthorized
        self._follow_numbers()
        self.chat, self.sent = chat, hello.after
        if self.sent > chat.last:  # no page has seen more
            self.sent = chat.last if chat.unstored else min(self.sent, await self.bot.conversations.end(chat))
        if chat.unstored:
            await self._show(chat.opening_parts[self.sent :])
            self.sent = chat.last
        else:
            await self._catch_up()

    async def _receive(self) -> None:
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                await self._hear(parse(ClientMessage, message.data))

    async def _hear(self, told: ClientMessage) -> None:
        if told.type == "opened":
            await self.bot.openings.store(self.contact, self.chat)
            self._is_stored()
            await self.bot.cards.opened(self.conversation, told.seq, self.contact.id)
        elif self.chat.unstored:  # nobody else sees the chat, and its first act marks its entries as seen
            return
        elif told.type == "seen":
            self.marks.note(seen=min(told.seq, self.sent))
        elif told.type == "typing" and self.is_time_to_tell():
            await self.bot.conversations.signal(self.conversation, SignalKind.TYPING, self.me)

    def _is_stored(self) -> None:
        """Somebody has done something in the chat, so it has documents now."""
        if self.chat.unstored:
            self.chat = self.chat.model_copy(update={"unstored": None})
            self.contact = self.contact.model_copy(update={"is_stored": True})

    async def _send(self, follower: Follower) -> None:
        """Reads from the database when an entry does not follow the last one sent, or some were missed."""
        while True:
            news = await follower.next()
            if isinstance(news, Entries):
                await self._take(news.parts)
            elif isinstance(news, News):
                await self._redraw_cards(news)
            elif isinstance(news, Signal):
                await self._tell(news)
            else:
                await self._catch_up()

    async def _take(self, parts: Sequence[Part]) -> None:
        new = [part for part in parts if part.seq > self.sent]
        if new and new[0].seq > self.sent + 1:
            await self._catch_up()
        elif new:
            await self._push(new, parts)

    async def _catch_up(self) -> None:
        while parts := await self.bot.conversations.after(self.conversation, self.sent):
            await self._push(parts)

    async def _redraw_cards(self, news: News) -> None:
        """Redraws cards of the newest page after a consent changed elsewhere or a subscription changed.

        The page ignores cards whose state is unchanged. Its own answers arrive with their entries.
        """
        if news.source == Source.FORM:
            return
        await self._refresh()
        newest = self.chat.opening_parts if self.chat.unstored else await self.bot.conversations.page(self.conversation)
        await self._show([part for part in newest if isinstance(part.content, Card) and part.seq <= self.sent])

    async def _tell(self, signal: Signal) -> None:
        if signal.kind is SignalKind.DISMISSED:
            newest = await self.bot.conversations.page(self.conversation)
            await self._show([part for part in newest if part.author == OUTBOUND and part.seq <= self.sent])
        elif signal.kind is SignalKind.TYPING and signal.author.kind is AuthorKind.TEAMMATE:
            await websocket.send(self.socket, {"type": "typing"})

    async def _push(self, parts: Sequence[Part], known: Sequence[Part] = ()) -> None:
        changed = await self.bot.conversations.changed_by(parts, known)
        await self._show([*(part for part in changed if part.is_for_contact), *parts])
        self.sent = parts[-1].seq
        self._is_stored()
        if any(part.author.kind is AuthorKind.TEAMMATE for part in parts):
            self.marks.note(delivered=self.sent)

    async def _show(self, parts: Sequence[Part]) -> None:
        """In their order. Of entries between teammates, the page only learns that their number is taken."""
        shown = [part for part in parts if part.is_for_contact]
        if any(isinstance(part.content, Card) and not self._can_show(part.content) for part in shown):
            await self._refresh()
        drawn = iter(await views.entries(self.request, shown, self.contact) if shown else ())
        messages: list[dict[str, object]] = []
        for part in parts:
            message: dict[str, object] = {"type": "skip", "seq": part.seq}
            if part.is_for_contact:
                own = {"html": next(drawn), "author": part.author.kind, "kind": part.content.kind}
                message |= {"type": "part", **own}
            messages.append(message)
        await websocket.send(self.socket, *messages)

    def _can_show(self, card: Card) -> bool:
        """Whether the contact may be older than the card. What the card shows depends on their consent, but a card that
        was just answered contains the first answer itself."""
        is_known = self.contact.consent(card.subscription) is not None
        is_simple = card.state is CardState.COMPLETED and not card.asked and not card.stopped
        return is_simple and not is_known

    async def _refresh(self) -> None:
        contact = await self.bot.ledger.contact(self.contact.id)
        if contact.is_gone if contact else self.contact.is_stored:
            raise Unauthorized
        self.contact = contact or self.contact
        self._follow_numbers()

    def _follow_numbers(self) -> None:
        """Their STOP and START change what cards show."""
        self.bot.feed.also(self.follower, *numbers_of(self.contact))
