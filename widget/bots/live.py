"""Live updates of an editor's page: who else has the flow open, and hints that someone saved or published it."""

from __future__ import annotations

import asyncio
from typing import Literal

from aiohttp import web

from bot.chat.feed import flow_of
from bot.model.signal import Signal
from widget.bots.pages import ONE
from widget.web import websocket
from widget.web.http import BOT, METRICS
from widget.web.input import JsonInput
from widget.web.live_session import LiveSession
from widget.web.presence import HERE_SECONDS, Presence
from widget.web.teammate_pages import Scope, requires, teammate


class FlowHello(JsonInput):
    type: Literal["hello"]


async def live(request: web.Request) -> web.StreamResponse:
    return await websocket.hold(request, lambda socket: FlowConnection(request, socket).run())


class FlowConnection:
    def __init__(self, request: web.Request, socket: websocket.Socket) -> None:
        self._request, self._socket, self._bot = request, socket, request.app[BOT]
        self._session = LiveSession(request, socket, Scope.MANAGE_FLOWS)
        self._flow = request.match_info["id"]
        self._presence = Presence(self._bot, socket, flow_of(self._flow), teammate(request))

    async def run(self) -> None:
        """Raises NotFound."""
        if await websocket.greeting(self._socket, FlowHello) is None:
            return
        await self._bot.flows.get(self._flow)
        self._accounts = await self._session.topics()
        topics = (flow_of(self._flow), *self._accounts)
        with self._bot.feed.follow(*topics) as self._follower, self._request.app[METRICS].sockets.track_inprogress():
            if await self._session.is_over():
                return
            await self._presence.arrive()
            await websocket.send(self._socket, {"type": "ready"})
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
                draft = await self._bot.flow_drafts.get(self._flow)
                await websocket.send(self._socket, {"type": "saved", "revision": draft.revision})

    async def _stay(self) -> None:
        while not self._socket.closed:
            await asyncio.sleep(HERE_SECONDS)
            if await self._session.is_over():
                return
            await self._presence.stay()


def add_routes(app: web.Application) -> None:
    app.router.add_get(f"{ONE}/live", requires(Scope.MANAGE_FLOWS)(live))
