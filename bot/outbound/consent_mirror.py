"""Tells the SMS provider who opted out of all texts, however they did: it then refuses texts to them, too."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol

from bot.model.stop import Stop
from bot.outbound.gateways.base import GatewayError, NoAnswer
from bot.store import Store

log = logging.getLogger("sayso.outbound")

MOST = 100
"""Numbers in one round."""


class OptOutReceiver(Protocol):
    async def opt_out(self, stops: Sequence[Stop]) -> int:
        """Tells the provider that these numbers opted out; returns how many it refused to note. The same again has no
        further effect. Raises GatewayError or NoAnswer."""


class ConsentMirror:
    """Only opt-outs are told, so no older opt-in can overtake a STOP. A START is a text to one of the provider's
    numbers: it knows it already."""

    def __init__(self, store: Store, provider: OptOutReceiver) -> None:
        self._store = store
        self._provider = provider

    async def push(self) -> None:
        """Reports opt-outs that the provider doesn't know yet. Failed ones are retried in the next round."""
        untold = await self._store.stops.untold(limit=MOST)
        stopped = [stop for stop in untold if stop.holds and stop.id.startswith("+")]
        try:
            refused = await self._provider.opt_out(stopped) if stopped else 0
        except (GatewayError, NoAnswer) as error:
            log.warning("opt-outs could not be mirrored: %s", error)
            return
        if refused:
            log.error("the SMS provider refused to note %d opt-outs", refused)
        await self._store.stops.note_told(untold)
