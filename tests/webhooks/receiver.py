"""Who receives notifications: a server on the loopback that answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def topic(self) -> str:
        return str(self.json["topic"])

    @property
    def item(self) -> dict[str, Any]:
        item: dict[str, Any] = self.json["data"]["item"]
        return item


@dataclass
class Receiver:
    url: str = ""
    requests: list[Request] = field(default_factory=list)
    answer: Callable[[Request], web.Response] = lambda _request: web.Response(text="ok")
    open: asyncio.Event = field(default_factory=asyncio.Event)
    """Requests wait for it."""
    at_once: int = 0
    most_at_once: int = 0

    @property
    def topics(self) -> list[str]:
        return [request.topic for request in self.requests]

    async def receive(self, request: web.Request) -> web.Response:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await self.open.wait()
            got = Request(request.path, dict(request.headers), await request.read())
            self.requests.append(got)
            return self.answer(got)
        finally:
            self.at_once -= 1


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    receiver.open.set()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.receive)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    receiver.url = f"http://127.0.0.1:{server.port}/hook"
    try:
        yield receiver
    finally:
        receiver.open.set()
        await server.close()
