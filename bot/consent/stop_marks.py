"""Marks contacts whose number is on the stop list, or was: filters find them by it. Sending asks the list itself."""

from __future__ import annotations

from collections.abc import Iterable

from bot.model.stop import Stop
from bot.store import Store


async def mark_stops(store: Store, numbers: Iterable[str]) -> None:
    """Brings the marks of all contacts with these numbers in line with the list.

    Reads the list again after writing: a STOP or START in between may have written its marks first.
    """
    wanted = {*numbers}
    marked: dict[str, Stop] = {}
    while (stops := await store.stops.of(wanted)) != marked:
        await store.contacts.mark_stops(stops)
        marked = stops
