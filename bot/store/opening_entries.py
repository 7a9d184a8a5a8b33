"""The entries that are stored inside their conversation, written with it."""

from __future__ import annotations

from collections.abc import Iterable

from bot.aio.batching import Batcher
from bot.model.conversation import Conversation, Part
from bot.store.conversations import ConversationRepository

REMEMBERED = 10_000
"""Cached numbers of opening entries, which never change."""


class OpeningEntries:
    def __init__(self, conversations: ConversationRepository) -> None:
        self.conversations = conversations
        self._counts: dict[str, int] = {}
        self._of: Batcher[str, list[Part]] = Batcher(self._round)

    async def of(self, conversation: str) -> list[Part]:
        """In order. None for a conversation that isn't stored."""
        return [] if self._counts.get(conversation) == 0 else await self._of(conversation)

    async def of_many(self, conversations: Iterable[str]) -> dict[str, list[Part]]:
        wanted = [id for id in dict.fromkeys(conversations) if self._counts.get(id) != 0]
        return {id: parts for id, parts in zip(wanted, await self._round(wanted), strict=True) if parts}

    async def counts(self, conversations: Iterable[str]) -> dict[str, int]:
        """How many each has; in one query for those that this process doesn't know yet."""
        wanted = {*conversations}
        await self._round([id for id in wanted if id not in self._counts])
        return {id: self._counts.get(id, 0) for id in wanted}

    def may_have(self, place: tuple[str, int]) -> bool:
        """Whether the entry of this conversation and sequence can be an opening one, as far as this process knows."""
        conversation, seq = place
        return 0 < seq <= self._counts.get(conversation, seq)

    def remember(self, conversations: Iterable[Conversation]) -> None:
        """Remembers the numbers of conversations that were read or written."""
        for conversation in conversations:
            self._counts[conversation.id] = len(conversation.opening)
        while len(self._counts) > REMEMBERED:
            del self._counts[next(iter(self._counts))]

    def forget(self) -> None:
        self._counts.clear()

    async def _round(self, ids: list[str]) -> list[list[Part]]:
        found = await self.conversations.get_many(ids)
        self.remember(found.values())
        return [found[id].opening_parts if id in found else [] for id in ids]
