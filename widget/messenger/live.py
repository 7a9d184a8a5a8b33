"""The live line: every new entry of one conversation, from where the page left off, without gaps."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from aiohttp import WSCloseCode, WSMsgType, web

from bot.chat.feed import SUBSCRIPTIONS, Follower, News
from bot.errors import Invalid, NotFound, SaysoError, Unauthorized
from bot.model.contact import Contact
from bot.model.conversation import Card, Happening, Part
from bot.model.event import Source
from widget.http import BOT, METRICS
from widget.messenger import views
from widget.messenger.input import Hello, Seen, parse

log = logging.getLogger("sayso.live")

BEAT_SECONDS = 20
"""The page takes 45 s of silence for a dead line."""
HELLO_SECONDS = 10
TOKEN_REFUSED = 4401

SOCKETS = web.AppKey("sockets", set[web.WebSocketResponse])


async def live(request: web.Request) -> web.StreamResponse:
    if not _is_own_page(request):
        raise web.HTTPForbidden
    socket = web.WebSocketResponse(heartbeat=BEAT_SECONDS, max_msg_size=4096, compress=False)
    await socket.prepare(request)
    request.app[SOCKETS].add(socket)
    try:
        await _Line(request, socket).run()
    except (Unauthorized, NotFound):
        await socket.close(code=TOKEN_REFUSED)
    except (Invalid, TimeoutError):
        await socket.close(code=WSCloseCode.POLICY_VIOLATION)
    except SaysoError:
        await socket.close(code=WSCloseCode.TRY_AGAIN_LATER)
    except ConnectionError:  # the page went away while it was being told something
        pass
    finally:
        request.app[SOCKETS].discard(socket)
    return socket


async def close_all(app: web.Application) -> None:
    """Tells every page that we are going: it comes back to whoever is there then."""
    await asyncio.gather(*(_say_bye(socket) for socket in app[SOCKETS]))


async def _say_bye(socket: web.WebSocketResponse) -> None:
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(1):
            await socket.send_json({"type": "bye"})
            await socket.close(code=WSCloseCode.SERVICE_RESTART)


def _is_own_page(request: web.Request) -> bool:
    """The messenger's page is ours, so its origin is: a page of any other site has no business here."""
    origin = request.headers.get("Origin")
    public = urlsplit(request.app[BOT].public_url).netloc
    try:
        return origin is not None and urlsplit(origin).netloc in {request.host, public}
    except ValueError:  # `http://[`
        return False


class _Line:
    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.request = request
        self.socket = socket
        self.bot = request.app[BOT]

    async def run(self) -> None:
        hello = await self._hello()
        if hello is None:
            return
        contact = await self.bot.visitors.known(hello.token)
        await self.bot.conversations.of_contact(hello.conversation, contact.id)
        self.contact, self.conversation, self.sent = contact.id, hello.conversation, hello.after
        topics = (hello.conversation, contact.id, SUBSCRIPTIONS)
        # Following begins before the catching up, so that nothing falls between the two.
        with self.bot.feed.follow(*topics) as follower, self.request.app[METRICS].sockets.track_inprogress():
            await self._catch_up()
            await self.socket.send_json({"type": "ready", "last": self.sent})
            tasks = [asyncio.create_task(self._send(follower)), asyncio.create_task(self._beat())]
            try:
                await self._receive()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _hello(self) -> Hello | None:
        """None: the page hung up before it said anything."""
        async with asyncio.timeout(HELLO_SECONDS):
            message = await self.socket.receive()
        if message.type is WSMsgType.BINARY:
            raise Invalid
        return parse(Hello, message.data) if message.type is WSMsgType.TEXT else None

    async def _receive(self) -> None:
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                seen = parse(Seen, message.data)
                newest = min(seen.seq, self.sent)
                await self.bot.conversations.mark_seen(self.conversation, self.contact, newest)

    async def _send(self, follower: Follower) -> None:
        """An entry that does not follow the last one sent, or a hint that some were missed, is answered from the
        database."""
        try:
            while True:
                part = await follower.next()
                if isinstance(part, News):
                    await self._redraw_cards(part)
                elif part is None or part.seq > self.sent + 1:
                    await self._catch_up()
                elif part.seq == self.sent + 1:
                    await self._push([part])
        except ConnectionError:
            return
        except Exception as error:
            if not isinstance(error, SaysoError):
                log.exception("a live line broke")
            await self.socket.close(code=WSCloseCode.TRY_AGAIN_LATER)

    async def _beat(self) -> None:
        while not self.socket.closed:
            await asyncio.sleep(BEAT_SECONDS)
            await self.socket.send_json({"type": "beat"})

    async def _catch_up(self) -> None:
        while parts := await self.bot.conversations.after(self.conversation, self.sent):
            await self._push(parts)

    async def _redraw_cards(self, news: News) -> None:
        """What a person said elsewhere, and what became of a subscription, shows on the cards of the newest page.

        The page draws only those whose state is another one. The answers of its own cards come with their entries.
        """
        if news.source == Source.FORM:
            return
        newest = await self.bot.conversations.page(self.conversation)
        await self._show([part for part in newest if isinstance(part.content, Card) and part.seq <= self.sent])

    async def _push(self, parts: Sequence[Part]) -> None:
        await self._show([*await self._changed(parts), *parts])
        self.sent = parts[-1].seq

    async def _show(self, shown: Sequence[Part]) -> None:
        if not shown:
            return
        contact = await self._fresh()
        for part, html in zip(shown, await views.entries(self.request, shown, contact), strict=True):
            kind = part.content.kind
            await self.socket.send_json(
                {"type": "part", "seq": part.seq, "html": html, "author": part.author.kind, "kind": kind}
            )

    async def _changed(self, parts: Sequence[Part]) -> list[Part]:
        """Earlier entries that these ones say have changed: a completed card is drawn again."""
        new = {part.seq for part in parts}
        seqs = {part.content.part for part in parts if isinstance(part.content, Happening)} - new
        found = [await self.bot.conversations.part(self.conversation, seq) for seq in sorted(seqs)]
        return [part for part in found if part]

    async def _fresh(self) -> Contact:
        contact = await self.bot.ledger.contact(self.contact)
        if contact is None:
            raise Unauthorized
        return contact
