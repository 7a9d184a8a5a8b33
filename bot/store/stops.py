"""The stop list."""

from __future__ import annotations

from bot.model.stop import Stop
from bot.store.table import Table


class Stops(Table[Stop]):
    """The stop list."""

    name = "stops"
    model = Stop
