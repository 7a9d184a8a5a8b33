"""Marks contacts whose number is on the stop list, so that filters find them. Sending asks the list itself."""

from __future__ import annotations

from collections.abc import Iterable

from bot.store import Store


async def mark_stopped(store: Store, numbers: Iterable[str]) -> None:
    """Brings the marks of all contacts with these numbers in line with the list.

    The list is read again after the marks were written: whoever changed it meanwhile may have been overtaken.
    """
    wanted = {*numbers}
    marked: set[str] | None = None
    while (stopped := await store.stops.stopped(wanted)) != marked:
        await store.contacts.mark_stopped(stopped, wanted - stopped)
        marked = stopped
