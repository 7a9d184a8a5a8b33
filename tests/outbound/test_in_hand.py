"""Texts in hand: those to one number are sent one after the other."""

from __future__ import annotations

import asyncio

from bot.outbound.in_hand import InHand


async def test_cancel_ends_all_texts_to_a_number() -> None:
    began, ended = asyncio.Event(), asyncio.Event()
    in_hand = InHand(lambda: None)

    async def send() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    tasks = [in_hand.add("+12015550123", [send]) for _ in range(3)]
    await began.wait()
    await in_hand.cancel()
    assert ended.is_set()
    assert all(task.cancelled() for task in tasks)
    assert (len(in_hand), "+12015550123" in in_hand) == (0, False)
