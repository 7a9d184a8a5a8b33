"""What all WebSockets share: access, the hello message, heartbeat and close codes.

A WebSocket URL ends in `/live`, which exempts it from the request time limit (`widget/web/middleware.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import orjson
from aiohttp import WSCloseCode, WSMsgType, web
from pydantic import BaseModel

from bot.errors import Invalid, NotFound, SaysoError, TooManyConnections, Unauthorized
from widget.web.connections import LiveConnections
from widget.web.http import client_ip, is_own_origin
from widget.web.input import parse
from widget.web.local import is_loopback

log = logging.getLogger("sayso.live")

BEAT_SECONDS = 20
"""The page treats 45 s of silence as a dead connection."""
HELLO_SECONDS = 10
BYE_SECONDS = 1.0
TOKEN_REFUSED = 4401

TOO_MANY = 4429
SOCKETS = web.AppKey("sockets", set[web.WebSocketResponse])
CONNECTIONS = web.AppKey("connections", LiveConnections)

Socket = web.WebSocketResponse
M = TypeVar("M", bound=BaseModel)


async def hold(request: web.Request, talk: Callable[[Socket], Awaitable[None]]) -> web.StreamResponse:
    """Runs `talk` until either side closes. Only our own pages are accepted. Errors become close codes.

    Raises TooManyConnections. Connections of this machine are bounded together only: through a proxy on it, without
    `SAYSO_TRUSTED_PROXIES`, come all visitors.
    """
    if not _is_own_page(request):
        raise web.HTTPForbidden
    address = client_ip(request)
    with request.app[CONNECTIONS].of_address(address, is_bounded=not is_loopback(address)):
        return await _hold(request, talk)


async def _hold(request: web.Request, talk: Callable[[Socket], Awaitable[None]]) -> web.StreamResponse:
    socket = web.WebSocketResponse(heartbeat=BEAT_SECONDS, max_msg_size=4096, compress=False)
    await socket.prepare(request)
    request.app[SOCKETS].add(socket)
    try:
        await talk(socket)
    except (Unauthorized, NotFound):
        await socket.close(code=TOKEN_REFUSED)
    except (Invalid, TimeoutError):
        await socket.close(code=WSCloseCode.POLICY_VIOLATION)
    except TooManyConnections:
        await socket.close(code=TOO_MANY)
    except SaysoError:
        await socket.close(code=WSCloseCode.TRY_AGAIN_LATER)
    except ConnectionError:  # the page closed during a send
        pass
    finally:
        request.app[SOCKETS].discard(socket)
    return socket


async def greeting(socket: Socket, hello: type[M]) -> M | None:
    """None: the page closed before its hello. Raises Invalid or TimeoutError."""
    async with asyncio.timeout(HELLO_SECONDS):
        message = await socket.receive()
    if message.type is WSMsgType.BINARY:
        raise Invalid
    return parse(hello, message.data) if message.type is WSMsgType.TEXT else None


async def send(socket: Socket, *messages: Mapping[str, object]) -> None:
    """In one frame, which holds a message or a list of them."""
    if messages:
        frame = messages[0] if len(messages) == 1 else messages
        await socket.send_frame(orjson.dumps(frame), WSMsgType.TEXT)


@asynccontextmanager
async def telling(socket: Socket, *works: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Runs the heartbeat and `works` until the block ends. If one of them fails, the socket is closed."""
    tasks = [asyncio.create_task(_beat(socket)), *(asyncio.create_task(_work(socket, work)) for work in works)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def close_all(app: web.Application) -> None:
    """Tells every page that this process stops, so that it reconnects to another."""
    await asyncio.gather(*(_say_bye(socket) for socket in app[SOCKETS]))


async def _work(socket: Socket, work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except ConnectionError:
        return
    except (Unauthorized, NotFound):
        await socket.close(code=TOKEN_REFUSED)
    except Exception as error:
        if not isinstance(error, SaysoError):
            log.exception("a live connection failed")
        await socket.close(code=WSCloseCode.TRY_AGAIN_LATER)


async def _beat(socket: Socket) -> None:
    while not socket.closed:
        await asyncio.sleep(BEAT_SECONDS)
        await send(socket, {"type": "beat"})


async def _say_bye(socket: Socket) -> None:
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(BYE_SECONDS):
            await send(socket, {"type": "bye"})
            await socket.close(code=WSCloseCode.SERVICE_RESTART)


def _is_own_page(request: web.Request) -> bool:
    """Compares the origin: pages of other sites are refused."""
    origin = request.headers.get("Origin")
    return origin is not None and is_own_origin(request, origin)
