"""Follows up written entries: continues the flow that waits for a message, and queues a reply by text.

Entries are not in the ledger, so each one is marked (`Part.follow_up`) until this is done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from datetime import datetime

from bot.chat.conversations import ConversationService
from bot.errors import StoreUnavailable
from bot.flows.runs import Runs
from bot.model.base import now
from bot.model.conversation import AuthorKind, Conversation, Part
from bot.outbound.replies import Replies
from bot.store import Store

log = logging.getLogger("sayso.events")


class Messages:
    """`spawn`: runs a background task that a stop waits for."""

    def __init__(
        self,
        store: Store,
        conversations: ConversationService,
        runs: Runs,
        replies: Replies,
        spawn: Callable[[Coroutine[object, object, None]], None],
    ) -> None:
        self._parts = store.parts
        self._conversations = conversations
        self._spawn = spawn
        self._runs = runs
        self._replies = replies

    async def say(self, conversation: Conversation, text: str, key: str) -> Part:
        """Writes a message of the contact, once for each key. A flow that it continues or starts does so in the
        background."""
        is_awaited = await self._runs.is_interested(conversation, text)
        part = await self._conversations.say(conversation, text, key, is_due=is_awaited)
        if is_awaited:
            self._spawn(self.handle(part))
        return part

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
