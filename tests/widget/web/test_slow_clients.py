"""Clients that hold connections and do nothing with them are disconnected."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from aiohttp import web

from bot.app import Bot
from tests.conftest import PATIENCE
from widget.app import make_app
from widget.cli import serve
from widget.web import middleware, websocket

DRIP = b"X-Drip: 1\r\n"
HANDSHAKE = (
    "GET /messenger/live HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


@pytest.fixture
async def port(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A server as `sayso serve` runs it, with little patience."""
    monkeypatch.setattr(serve, "IDLE_SECONDS", 0.5)
    monkeypatch.setattr(serve, "LINGER_SECONDS", 0.5)
    monkeypatch.setattr(middleware, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(websocket, "HELLO_SECONDS", 0.5)
    listening = serve._listen(bot.settings.model_copy(update={"port": 0}))
    runner = serve.make_runner(make_app(bot))
    await runner.setup()
    await web.SockSite(runner, listening).start()
    bot.public_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    yield listening.getsockname()[1]
    await runner.cleanup()
    listening.close()


async def is_disconnected(port: int, first: bytes, drip: bytes = b"") -> bytes:
    """Sends `first`, then `drip` again and again, until the server closes. Answers what it said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    dripping = asyncio.create_task(_drip(writer, drip)) if drip else None
    writer.write(first)
    said = b""
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionError):
            while heard := await reader.read(4096):
                said += heard
    if dripping:
        dripping.cancel()
    writer.close()
    return said


async def _drip(writer: asyncio.StreamWriter, drip: bytes) -> None:
    with suppress(ConnectionError):
        while True:
            await asyncio.sleep(0.02)
            writer.write(drip)
            await writer.drain()


async def test_a_client_that_says_nothing(port: int) -> None:
    assert await is_disconnected(port, b"") == b""


async def test_headers_that_drip(port: int) -> None:
    assert await is_disconnected(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n", DRIP) == b""


async def test_headers_of_the_second_request_that_drip(port: int) -> None:
    said = await is_disconnected(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\n", DRIP)
    assert said.count(b"HTTP/1.1 200") == 1


async def test_a_client_that_asks_nothing_more(port: int) -> None:
    said = await is_disconnected(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert said.count(b"HTTP/1.1 200") == 1


@pytest.mark.parametrize("path", ["/messenger/open", "/messenger/unread", "/login"])
async def test_a_body_that_drips(port: int, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
    said = await is_disconnected(port, head.encode(), b" ")
    assert said.startswith((b"HTTP/1.1 503", b"HTTP/1.1 4")), said


async def test_a_live_connection_without_a_hello(port: int) -> None:
    said = await is_disconnected(port, HANDSHAKE.format(host=f"127.0.0.1:{port}").encode())
    assert said.startswith(b"HTTP/1.1 101")


def test_a_client_that_reads_nothing_is_left_to_the_kernel(bot: Bot) -> None:
    with serve._listen(bot.settings.model_copy(update={"port": 0})) as listening:
        assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == serve.UNREAD_MS
