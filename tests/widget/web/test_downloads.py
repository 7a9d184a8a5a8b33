"""Files that are written piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from bot.errors import StoreUnavailable
from bot.model.audit import AuditAction
from bot.model.teammate import By
from tests.conftest import free_port
from tests.widget.help import Running
from widget.web.downloads import Download, send_file
from widget.web.http import BOT, METRICS
from widget.web.metrics import Metrics
from widget.web.middleware import add_headers, around


async def pieces() -> AsyncIterator[bytes]:
    yield b"first"
    raise StoreUnavailable


async def download(request: web.Request) -> web.StreamResponse:
    record = Download(AuditAction.CONTACTS_EXPORTED)
    return await send_file(request, "list.csv", "text/csv", pieces(), record, who=By("ada", "Ada"))


async def received(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /list.csv HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_an_error_within_a_file_ends_the_connection(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    app = web.Application(middlewares=[around])
    app[BOT], app[METRICS] = running.bot, Metrics()
    app.router.add_get("/list.csv", download)
    app.on_response_prepare.append(add_headers)
    runner, port = web.AppRunner(app), free_port()
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        answer = await received(port)
    finally:
        await runner.cleanup()
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"first" in answer
    assert answer.count(b"HTTP/1.1") == 1, "no second answer within the file"
    assert not answer.endswith(b"0\r\n\r\n"), "it isn't complete"
    assert "download failed" in caplog.text
