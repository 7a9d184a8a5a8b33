"""Bot flows that talk by SMS: what texts continue and start them."""

from __future__ import annotations

import logging

from bot.errors import StoreUnavailable
from bot.events.messages import Messages
from bot.flows.runs import Runs
from bot.flows.triggers.base import KeywordTexted
from bot.model.conversation import Part
from bot.store import Store

log = logging.getLogger("sayso.events")


class FlowTextListener:
    def __init__(self, store: Store, runs: Runs, messages: Messages) -> None:
        self._store = store
        self._runs = runs
        self._messages = messages

    async def is_awaited(self, conversation: str, text: str) -> bool:
        found = await self._store.conversations.get(conversation)
        return found is not None and await self._runs.is_interested(found, text)

    async def heard(self, part: Part) -> None:
        """One that fails is handled again later: its entry says so. The text was received in any case."""
        try:
            await self._messages.handle(part)
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("a flow could not answer a text")

    async def is_keyword(self, keyword: str) -> bool:
        return await self._runs.scripts.may_start(KeywordTexted(keyword))

    async def keyword(self, conversation: str, keyword: str, text_id: str) -> None:
        await self._runs.keyword_texted(conversation, keyword, text_id)
