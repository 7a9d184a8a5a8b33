"""Gateways by the name that `SAYSO_GATEWAY` gives: one module each, one line here."""

from __future__ import annotations

from collections.abc import Callable

from bot.config import Settings
from bot.outbound.gateways.base import LONGEST, Gateway, GatewayError, NotTraceable, Outgoing
from bot.outbound.gateways.simulator import Simulator
from bot.store import Store

GATEWAYS: dict[str, Callable[[Settings, Store], Gateway]] = {
    "simulator": lambda settings, store: Simulator(store),
}


def make_gateway(settings: Settings, store: Store) -> Gateway:
    return GATEWAYS[settings.gateway](settings, store)


__all__ = ["GATEWAYS", "LONGEST", "Gateway", "GatewayError", "NotTraceable", "Outgoing", "make_gateway"]
