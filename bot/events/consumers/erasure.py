"""Erases a person again, some seconds after it was recorded: a crash may have come before the end, and another process
may have written something about them at the same moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from bot.contacts.erase import Eraser
from bot.events.consumers.base import Consumer, for_each
from bot.model.event import Action, ConsentEvent


class Erasure(Consumer):
    name = "erasure"
    after_crash_only: ClassVar[bool] = True

    def __init__(self, eraser: Eraser) -> None:
        self._eraser = eraser

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        await for_each([event for event in events if event.action is Action.ERASE], self._eraser.finish)
