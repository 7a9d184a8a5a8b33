"""The stop list."""

from __future__ import annotations

from bot.model.stop import Stop
from bot.store.repository import Repository


class StopRepository(Repository[Stop]):
    """The stop list."""

    name = "stops"
    model = Stop
