"""Drops an erased person's values from the ledger, if a crash came between the event and the erasure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from bot.consent.ledger import Ledger
from bot.events.consumers.base import Consumer, for_each
from bot.model.event import Action, ConsentEvent


class Erasure(Consumer):
    name = "erasure"
    after_crash_only: ClassVar[bool] = True

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        await for_each([event for event in events if event.action is Action.ERASE], self._ledger.drop_values)
