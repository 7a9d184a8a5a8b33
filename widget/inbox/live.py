"""Live updates of an inbox page: entries of the open conversation without gaps, who is present, who types, and hints to
reload the list or the panel."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal

from aiohttp import WSMsgType, web
from pydantic import Field

from bot.chat.feed import INBOX, SUBSCRIPTIONS, Entries, News, figures_of
from bot.consent.choices import numbers_of
from bot.model.conversation import OUTBOUND, AuthorKind, Card, Channel, Part
from bot.model.signal import Signal, SignalKind
from widget.inbox import pages, views
from widget.web import websocket
from widget.web.http import BOT, METRICS, render
from widget.web.input import JsonInput, parse
from widget.web.live_session import LiveSession
from widget.web.presence import HERE_SECONDS, Presence
from widget.web.teammate_pages import Scope, teammate, translator_for

TYPING_SECONDS = 1.0
HINT_SECONDS = 0.3
"""Changes within this time become one hint."""


class InboxHello(JsonInput):
    type: Literal["hello"]
    conversation: Annotated[str, Field(pattern=r"^([0-9a-f]{24})?$")] = ""
    after: int = Field(default=0, ge=0, le=2**53)


class InboxClientMessage(JsonInput):
    type: Literal["seen", "typing"]
    seq: int = Field(default=0, ge=0, le=2**53)


async def live(request: web.Request) -> web.StreamResponse:
    return await websocket.hold(request, lambda socket: InboxConnection(request, socket).run())


class InboxConnection:
    def __init__(self, request: web.Request, socket: websocket.Socket) -> None:
        self.request, self.socket, self.bot, self.say = request, socket, request.app[BOT], translator_for(request)
        self.session = LiveSession(request, socket, Scope.READ_CONVERSATIONS)
        self.id, self.sent, self.told_at = "", 0, 0.0
        self.hints: set[str] = set()
        self.hinted = asyncio.Event()
        self.contact, self.is_sms = "", False

    async def run(self) -> None:
        hello = await websocket.greeting(self.socket, InboxHello)
        if hello is None:
            return
        self.id = hello.conversation
        self.presence = Presence(self.bot, self.socket, self.id, teammate(self.request))
        self.me = self.presence.me
        self.accounts = await self.session.topics()
        topics = [INBOX, *self.accounts]
        if self.id:
            conversation = await self.bot.inbox.get(self.id)
            self.sent = min(hello.after, await self.bot.conversations.end(conversation))  # no page has seen more
            self.is_sms = conversation.channel is Channel.SMS
            contact = await self.bot.store.contacts.get(conversation.contact)
            self.contact = contact.id if contact else ""
            numbers = numbers_of(contact) if contact else ()
            topics += [self.id, figures_of(self.id), self.contact, SUBSCRIPTIONS, *numbers]
        # Subscribe before catching up, so that no change is missed in between.
        with self.bot.feed.follow(*topics) as self.follower, self.request.app[METRICS].sockets.track_inprogress():
            if await self.session.is_over():
                return
            if self.id:
                await self._refresh()
                await self.presence.arrive()
            await websocket.send(self.socket, {"type": "ready", "last": self.sent})
            try:
                async with websocket.telling(self.socket, self._send, self._stay, self._hint_often):
                    await self._receive()
            finally:
                if self.id:
                    await self.presence.leave()

    async def _refresh(self) -> None:
        """Resends what the page may have missed: entries, figures, progress of cards and texts."""
        if self.id:
            await self._catch_up()
            await self._tell_figures()
            await self._redraw()

    async def _redraw(self) -> None:
        """Progress of cards and texts is not an entry. The page ignores a card that did not change."""
        newest = await self.bot.inbox.page(self.id)
        await self._show([part for part in newest if part.seq <= self.sent and self._has_progress(part)])

    def _has_progress(self, part: Part) -> bool:
        is_text = self.is_sms and part.is_message_of in {AuthorKind.TEAMMATE, AuthorKind.BOT}
        return is_text or isinstance(part.content, Card) or part.author == OUTBOUND

    async def _receive(self) -> None:
        async for message in self.socket:
            if message.type is not WSMsgType.TEXT:
                continue
            told = parse(InboxClientMessage, message.data)
            time = asyncio.get_running_loop().time()
            if told.type == "seen" and self.id:
                await self.bot.inbox.seen(self.id, min(told.seq, self.sent))
            elif told.type == "typing" and self.id and time - self.told_at >= TYPING_SECONDS:
                self.told_at = time
                await self.bot.conversations.signal(self.id, SignalKind.TYPING, self.me)

    async def _stay(self) -> None:
        """Signals presence. A session also ends by the passing of time."""
        while not self.socket.closed:
            await asyncio.sleep(HERE_SECONDS)
            if await self.session.is_over():
                return
            if self.id:
                await self.presence.stay()

    async def _send(self) -> None:
        while True:
            news = await self.follower.next()
            if isinstance(news, Entries):
                await self._take(news.parts)
            elif isinstance(news, Signal):
                await self._signal(news)
            elif isinstance(news, News):
                await self._news(news)
            elif not await self.session.is_over():
                await self._refresh()
                self._hint("list", "panel")

    async def _take(self, parts: Sequence[Part]) -> None:
        new = [part for part in parts if part.seq > self.sent]
        if new and new[0].seq > self.sent + 1:
            await self._catch_up()
        elif new:
            await self._push(new, parts)

    async def _news(self, news: News) -> None:
        if news.topic in self.accounts:
            await self.session.is_over()
        elif news.topic == INBOX:
            self._hint("list")
        elif news.topic == figures_of(self.id):
            await self._tell_figures()
            await self._redraw()
        else:
            if news.topic == self.contact and (contact := await self.bot.ledger.contact(self.contact)):
                self.bot.feed.also(self.follower, *numbers_of(contact))
                await self._tell_figures()
            self._hint("panel")
            if news.topic in {self.contact, SUBSCRIPTIONS}:
                await self._redraw()

    async def _signal(self, signal: Signal) -> None:
        if signal.kind in {SignalKind.CARD, SignalKind.TEXT}:
            part = await self.bot.conversations.part(self.id, signal.seq)
            await self._show([part] if part else [])
        elif signal.kind is SignalKind.DISMISSED:
            await self._redraw()
        elif signal.author != self.me and signal.kind is SignalKind.TYPING:
            name = await self._name(signal)
            await websocket.send(self.socket, {"type": "typing", "kind": signal.author.kind, "name": name})
        else:
            await self.presence.take(signal)

    async def _name(self, signal: Signal) -> str:
        if signal.author.kind is AuthorKind.CONTACT:
            return views.name_of(await self.bot.store.contacts.get(signal.author.id), self.say)
        found = await self.bot.store.teammates.get(signal.author.id)
        return found.name if found else ""

    async def _catch_up(self) -> None:
        while self.id and (parts := await self.bot.conversations.after(self.id, self.sent)):
            await self._push(parts)

    async def _push(self, parts: Sequence[Part], known: Sequence[Part] = ()) -> None:
        await self._show([*await self.bot.conversations.changed_by(parts, known), *parts])
        self.sent = parts[-1].seq

    async def _show(self, parts: Sequence[Part]) -> None:
        if not parts:
            return
        conversation = await self.bot.inbox.get(self.id)
        contact = await self.bot.ledger.contact(conversation.contact)  # the change may arrive before its projection
        rendered = await views.rendered(self.request, parts, conversation, contact, self.say)
        entries = zip(parts, rendered, strict=True)
        await websocket.send(self.socket, *(_message(part, html) for part, html in entries))

    async def _tell_figures(self) -> None:
        """Sends how far the contact has read, and the thread's header, since the name may be known by now."""
        c = await self.bot.inbox.get(self.id)
        team = await self.bot.teammates.all()
        context = await pages.head(self.bot, c, self.say)
        html = await render(
            self.request,
            "inbox/_state.html",
            self.say.locale,
            conversation=c,
            team=team,
            me_id=self.me.id,
            csrf="",
            **context,
        )
        name = views.name_of(await self.bot.ledger.contact(c.contact), self.say)
        figures = {"seen": c.seen, "delivered": c.delivered, "name": name, "head": html}
        await websocket.send(self.socket, {"type": "figures", **figures})

    def _hint(self, *hints: str) -> None:
        self.hints |= {*hints}
        self.hinted.set()

    async def _hint_often(self) -> None:
        while True:
            await self.hinted.wait()
            await asyncio.sleep(HINT_SECONDS)
            self.hinted.clear()
            hints, self.hints = sorted(self.hints), set()
            for hint in hints:
                await websocket.send(self.socket, {"type": hint})


def _message(part: Part, html: str) -> dict[str, object]:
    return {"type": "part", "seq": part.seq, "html": html, "author": part.author.kind, "kind": part.content.kind}
