"""Finishes the merge of two contacts again, some seconds after it was recorded: a crash may have come before the end,
and another process may have written something for the contact that was merged away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from bot.contacts.merge import ContactMerge
from bot.events.consumers.base import Consumer, for_each
from bot.model.event import ConsentEvent


class Merging(Consumer):
    name = "merging"
    after_crash_only: ClassVar[bool] = True

    def __init__(self, merge: ContactMerge) -> None:
        self._merge = merge

    async def handle(self, events: Sequence[ConsentEvent]) -> None:
        await for_each([event for event in events if event.merged_into], self._merge.finish)
