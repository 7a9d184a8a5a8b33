"""Who else has the same page open, told to a live connection as `{"type": "here", "names": […]}`."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from bot.app import Bot
from bot.model.base import now
from bot.model.conversation import Author, AuthorKind
from bot.model.signal import Signal, SignalKind
from bot.model.teammate import Teammate
from widget.web import websocket

HERE_SECONDS = 15.0
"""An open page signals its presence this often; after two missed signals it counts as gone."""


class Presence:
    """`topic`: a conversation, or that of a flow or an outbound message in `bot.chat.feed`. The connection follows it
    and hands over its signals."""

    def __init__(self, bot: Bot, socket: websocket.Socket, topic: str, teammate: Teammate) -> None:
        self._bot, self._socket, self._topic = bot, socket, topic
        self.me = Author(kind=AuthorKind.TEAMMATE, id=teammate.id)
        self._here: dict[str, float] = {}

    async def arrive(self) -> None:
        """Signals presence and tells who is present."""
        for signal in await self._bot.store.signals.since(self._topic, now() - timedelta(seconds=2 * HERE_SECONDS)):
            if signal.author.kind is AuthorKind.TEAMMATE and signal.author != self.me:
                self._note(signal)
        await self.stay()

    async def stay(self) -> None:
        await self._signal(SignalKind.HERE)
        await self._tell()

    async def leave(self) -> None:
        await self._signal(SignalKind.GONE)

    async def take(self, signal: Signal) -> None:
        if signal.author == self.me and signal.kind is SignalKind.GONE:
            # another page of the same teammate closed: this one is still open
            await self._signal(SignalKind.HERE)
        elif signal.author != self.me and signal.author.kind is AuthorKind.TEAMMATE:
            self._note(signal)
            await self._tell()

    async def _signal(self, kind: SignalKind) -> None:
        await self._bot.conversations.signal(self._topic, kind, self.me)

    def _note(self, signal: Signal) -> None:
        if signal.kind is SignalKind.GONE:
            self._here.pop(signal.author.id, None)
        elif signal.kind is SignalKind.HERE:
            self._here[signal.author.id] = asyncio.get_running_loop().time()

    async def _tell(self) -> None:
        since = asyncio.get_running_loop().time() - 2 * HERE_SECONDS - 1
        self._here = {id: at for id, at in self._here.items() if at > since}
        known = await self._bot.store.teammates.get_many(self._here)
        names = [known[id].name for id in self._here if id in known]
        await websocket.send(self._socket, {"type": "here", "names": names})
