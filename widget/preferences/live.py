"""Live updates of a preference center: only a hint that something changed; the page then reloads itself."""

from __future__ import annotations

import asyncio
from collections import Counter

from aiohttp import web

from bot.app import Bot
from bot.chat.feed import SUBSCRIPTIONS, Follower
from bot.consent.choices import numbers_of
from bot.i18n import translator
from widget.preferences.view import center
from widget.web import websocket
from widget.web.http import BOT, wanted_locale

MOST = 8
"""Limit of connections per person and process."""
TOGETHER = 0.1
"""Seconds. Changes of one act become one hint."""
OPEN = web.AppKey("preference_lines", Counter[str])


async def live(request: web.Request) -> web.StreamResponse:
    return await websocket.hold(request, lambda socket: _talk(request, socket))


async def _talk(request: web.Request, socket: websocket.Socket) -> None:
    bot, open_lines = request.app[BOT], request.app[OPEN]
    sheet = await bot.preferences.look(request.match_info["token"])
    contact = sheet.contact
    if open_lines[contact.id] >= MOST:
        raise TimeoutError
    open_lines[contact.id] += 1
    try:
        # Subscribe before reading the page's state, so that no change is missed in between.
        with bot.feed.follow(contact.id, SUBSCRIPTIONS, *numbers_of(contact)) as follower:
            await websocket.send(socket, {"type": "ready", "stand": await _stand(request)})
            async with websocket.telling(socket, lambda: _tell(bot, socket, follower, contact.id)):
                async for _message in socket:
                    pass  # the page sends nothing
    finally:
        open_lines[contact.id] -= 1
        if not open_lines[contact.id]:
            del open_lines[contact.id]


async def _stand(request: web.Request) -> str:
    """A digest of what the page would show now; if the client's differs, it missed a change."""
    sheet = await request.app[BOT].preferences.look(request.match_info["token"])
    say = translator(wanted_locale(request, sheet.contact.locale))
    texts_from = (await request.app[BOT].workspace()).texts_from
    return center(
        sheet.contact, sheet.live, first=sheet.link.channel, say=say, stopped=sheet.stopped, texts_from=texts_from
    ).stand


async def _tell(bot: Bot, socket: websocket.Socket, follower: Follower, contact: str) -> None:
    while True:
        await follower.next()
        await asyncio.sleep(TOGETHER)
        follower.forget()
        if found := await bot.ledger.contact(contact):
            bot.feed.also(follower, *numbers_of(found))
        await websocket.send(socket, {"type": "changed"})
