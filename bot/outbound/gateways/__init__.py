"""Gateways by the name that `SAYSO_GATEWAY` gives: one module each, one line here."""

from __future__ import annotations

from collections.abc import Callable

from bot.config import Settings
from bot.outbound.gateways.base import LONGEST, Effect, Gateway, GatewayError, NoAnswer, NotTraceable, Outgoing
from bot.outbound.gateways.simulator import Simulator
from bot.outbound.gateways.twilio import TwilioGateway
from bot.store import Store

GATEWAYS: dict[str, Callable[[Settings, Store], Gateway]] = {
    "simulator": lambda settings, store: Simulator(store),
    "twilio": lambda settings, store: TwilioGateway(settings),
}


def make_gateway(settings: Settings, store: Store) -> Gateway:
    return GATEWAYS[settings.gateway](settings, store)


__all__ = [
    "GATEWAYS",
    "LONGEST",
    "Effect",
    "Gateway",
    "GatewayError",
    "NoAnswer",
    "NotTraceable",
    "Outgoing",
    "make_gateway",
]
