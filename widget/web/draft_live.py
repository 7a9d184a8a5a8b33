"""The live connection of a page that edits a draft: who else has it open, and that somebody saved it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from aiohttp import web

from bot.model.signal import Signal
from bot.workspace.access import Scope
from widget.web import websocket
from widget.web.access import teammate
from widget.web.http import BOT, METRICS
from widget.web.input import JsonInput
from widget.web.live_session import LiveSession
from widget.web.presence import HERE_SECONDS, Presence

News = Callable[[], Awaitable[Mapping[str, object]]]
"""Reads what the page hears at first and after each save. Raises NotFound."""


class Hello(JsonInput):
    type: Literal["hello"]


async def hold(request: web.Request, topic: str, scope: Scope, saved: News) -> web.StreamResponse:
    """`topic`: of the draft in the feed."""
    return await websocket.hold(request, lambda socket: _Connection(request, socket, topic, scope, saved).run())


class _Connection:
    def __init__(self, request: web.Request, socket: websocket.Socket, topic: str, scope: Scope, saved: News) -> None:
        self._request, self._socket, self._topic, self._saved = request, socket, topic, saved
        self._session = LiveSession(request, socket, scope)
        self._presence = Presence(request.app[BOT], socket, topic, teammate(request))

    async def run(self) -> None:
        """Raises NotFound."""
        if await websocket.greeting(self._socket, Hello) is None:
            return
        self._accounts, app = await self._session.topics(), self._request.app
        with (
            app[BOT].feed.follow(self._topic, *self._accounts) as self._follower,
            app[METRICS].sockets.track_inprogress(),
        ):
            if await self._session.is_over():
                return
            saved = await self._saved()
            await self._presence.arrive()
            await websocket.send(self._socket, {"type": "ready", **saved})
            try:
                async with websocket.telling(self._socket, self._send, self._stay):
                    async for _message in self._socket:
                        pass  # the page says nothing
            finally:
                await self._presence.leave()

    async def _send(self) -> None:
        while True:
            news = await self._follower.next()
            if isinstance(news, Signal):
                await self._presence.take(news)
            elif getattr(news, "topic", "") in self._accounts:
                await self._session.is_over()
            else:
                await websocket.send(self._socket, {"type": "saved", **await self._saved()})

    async def _stay(self) -> None:
        while not self._socket.closed:
            await asyncio.sleep(HERE_SECONDS)
            if await self._session.is_over():
                return
            await self._presence.stay()
