"""What a flow does outside its conversation: carried out by parts of Sayso that flows don't import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from bot.model.conversation import Conversation, Part


class TextOutlet(Protocol):
    """See `bot.outbound.flow_texts`."""

    async def send(self, contact: str, subscription: str, text: str, key: str, *, flow: str, locale: str) -> None: ...

    async def reply(self, conversation: Conversation, part: Part) -> None: ...

    async def accept(self, conversation: Conversation, seq: int, reply: str) -> None: ...


class EventOutlet(Protocol):
    """See `bot.webhooks.flow_events`."""

    async def notify(
        self,
        conversation: str,
        contact: str,
        event: str,
        values: Mapping[str, str],
        key: str,
        *,
        flow: str,
        version: int,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Outlets:
    texts: TextOutlet
    events: EventOutlet
