"""A gateway to the outside world, as a test sees it: it notes what it was handed, and then does as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from bot.app import Bot
from bot.outbound.facts import FactReader
from bot.outbound.gateways import Gateway, NotTraceable, Outgoing
from bot.outbound.sender import Sender
from bot.store import Store

Act = Callable[[Outgoing], Awaitable[str]]


class Carrier(Gateway):
    def __init__(self, act: Act | None = None, *, is_traceable: bool = True) -> None:
        self.handed: list[Outgoing] = []
        self.taken: dict[str, str] = {}
        self._act = act
        self._is_traceable = is_traceable

    async def send(self, text: Outgoing) -> str:
        self.handed.append(text)
        self.taken[text.id] = await self._act(text) if self._act else f"provider-{text.id}"
        return self.taken[text.id]

    async def find(self, text: Outgoing, handed_at: datetime) -> list[str]:
        if not self._is_traceable:
            raise NotTraceable
        return [self.taken[text.id]] if text.id in self.taken else []

    async def close(self) -> None:
        pass


class Crash(BaseException):
    """The process dies here."""


def raising(error: BaseException) -> Act:
    async def act(_: Outgoing) -> str:
        raise error

    return act


def through(bot: Bot, gateway: Gateway, store: Store | None = None) -> Sender:
    """A worker of its own, on the same queue."""
    quiet_hours = bot.settings.quiet_hours
    facts = FactReader(store or bot.store, bot.ledger, bot.stops, bot.workspace, quiet_hours=quiet_hours)
    return Sender(store or bot.store, bot.deliveries, facts, gateway, bot.threads, bot.stops)


class FileCarrier(Gateway):
    """The outside world as a file, which outlives the process that sends: one line a text."""

    def __init__(self, file: Path, seconds: float = 0.0, *, is_traceable: bool = True) -> None:
        self.file = file
        self._seconds = seconds
        self._is_traceable = is_traceable

    async def send(self, text: Outgoing) -> str:
        await asyncio.sleep(self._seconds)
        with self.file.open("a") as file:
            file.write(f"{text.id}\n")
        await asyncio.sleep(self._seconds)
        return f"provider-{text.id}"

    async def find(self, text: Outgoing, handed_at: datetime) -> list[str]:
        if not self._is_traceable:
            raise NotTraceable
        return [f"provider-{text.id}"] if text.id in self.taken() else []

    def taken(self) -> list[str]:
        return self.file.read_text().split() if self.file.exists() else []

    async def close(self) -> None:
        pass
