"""Adds numbers that opted out with the SMS provider to the stop list."""

from __future__ import annotations

from bot.consent.stop_list import StopList
from bot.model.delivery import Delivery


async def stop_with_provider(stops: StopList, delivery: Delivery) -> None:
    """The provider refused this text because its number opted out there. Idempotent."""
    await stops.stop(delivery.number, "", f"provider:{delivery.id}", act="opted out with the SMS provider")
