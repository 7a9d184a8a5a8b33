"""Waiting for one of two things."""

from __future__ import annotations

import asyncio


async def either(one: asyncio.Event, other: asyncio.Event, seconds: float | None) -> bool:
    """Whether one of them was set within this time; None: as long as it takes."""
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    try:
        done, _pending = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    return bool(done)
