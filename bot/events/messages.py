"""What follows from an entry that somebody wrote: a flow that waits for it continues, and an answer by text is queued.

No consent is in it, so it is not in the ledger: the entry itself is marked (`Part.follow_up`) until this is done.
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
        """Doing it again does nothing twice."""
        if part.is_message_of is AuthorKind.CONTACT:
            await self._runs.heard(part)
            await self._parts.update({"_id": part.id}, {"$unset": {"follow_up": ""}})
        else:
            await self._replies.queue(part)

    async def handle_overdue(self, before: datetime) -> None:
        """Those that were written before this time and that a crash left marked. One that fails is put off: it must
        not keep the others waiting."""
        for part in await self._parts.due(before):
            try:
                await self.handle(part)
            except StoreUnavailable:
                raise
            except Exception:
                log.exception("what follows from an entry failed")
                await self._parts.update({"_id": part.id}, {"$set": {"follow_up": now()}})
