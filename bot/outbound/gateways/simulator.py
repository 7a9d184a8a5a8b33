"""Phones that exist only in the database, at `/demo/phone`: they show texts stored as sent."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from bot.consent.numbers import takes_texts
from bot.model.delivery import DeliveryState
from bot.outbound.gateways.base import LONGEST, Gateway, GatewayError, Outgoing
from bot.store import Store


class Simulator(Gateway):
    delivers_on_commit: ClassVar[bool] = True

    def __init__(self, store: Store) -> None:
        self._store = store

    async def send(self, text: Outgoing) -> str:
        if not takes_texts(text.number):
            raise GatewayError("invalid_number", permanent=True)
        if len(text.body) > LONGEST:
            raise GatewayError("too_long", permanent=True)
        return text.id

    async def find(self, text: Outgoing, handed_at: datetime) -> list[str]:
        delivery = await self._store.deliveries.get(text.id)
        if delivery is None:
            return []
        if delivery.state is DeliveryState.SENT:
            return [delivery.id]
        # An earlier version stored the phone's text separately.
        kept = await self._store.phone_texts.find_one({"number": delivery.number, "key": delivery.id})
        return [kept.id] if kept else []

    async def close(self) -> None:
        pass
