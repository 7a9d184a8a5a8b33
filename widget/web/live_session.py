"""The teammate of a live connection: still signed in, with access to its content."""

from __future__ import annotations

from aiohttp import WSCloseCode, web
from aiohttp_session import get_session

from bot.chat.feed import account_of
from bot.model.base import now
from bot.workspace.access import Scope
from widget.web.access import teammate
from widget.web.http import BOT
from widget.web.sessions import signed_in
from widget.web.websocket import TOKEN_REFUSED, Socket


class LiveSession:
    def __init__(self, request: web.Request, socket: Socket, scope: Scope) -> None:
        self._request, self._socket, self._scope = request, socket, scope
        self._role = teammate(request).role

    async def topics(self) -> set[str]:
        """The topics that announce a sign-out, a removal or a new role."""
        return {account_of(await self._id()), account_of(teammate(self._request).id)}

    async def is_over(self) -> bool:
        """Closes the connection of a teammate who has lost access. A teammate with a new role reconnects."""
        session = await self._request.app[BOT].store.sessions.get(await self._id())
        who = await signed_in(self._request)
        is_live = session is not None and session.ended_at is None and session.expires_at > now()
        if who is None or not is_live or not who.may(self._scope):
            await self._socket.close(code=TOKEN_REFUSED)
        elif who.teammate.role is not self._role:
            await self._socket.close(code=WSCloseCode.SERVICE_RESTART)
        return self._socket.closed

    async def _id(self) -> str:
        return str((await get_session(self._request)).identity)
