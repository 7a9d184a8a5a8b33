"""Follows up written entries: continues the flow that waits for a message, and queues a reply by text.

Entries are not in the ledger, so each one is marked (`Part.follow_up`) until this is done.
"""

from __future__ import annotations

import logging
from datetime import datetime

from bot.errors import StoreUnavailable
from bot.flows.runs import Runs
from bot.model.base import now
from bot.model.conversation import AuthorKind, Part
from bot.outbound.replies import Replies
from bot.store import Store

log = logging.getLogger("sayso.events")


class Messages:
    def __init__(self, store: Store, runs: Runs, replies: Replies) -> None:
        self._parts = store.parts
        self._runs = runs
        self._replies = replies

    async def handle(self, part: Part) -> None:
        """Idempotent."""
        if part.is_message_of is AuthorKind.CONTACT:
            await self._runs.message_received(part)
            await self._parts.update({"_id": part.id}, {"$unset": {"follow_up": ""}})
        else:
            await self._replies.queue(part)

    async def handle_overdue(self, before: datetime) -> None:
        """Handles entries from before this time that a crash left marked. One that fails is postponed, and holds up no
        other."""
        for part in await self._parts.due(before):
            try:
                await self.handle(part)
            except StoreUnavailable:
                raise
            except Exception:
                log.exception("what follows from an entry failed")
                await self._parts.update({"_id": part.id}, {"$set": {"follow_up": now()}})
