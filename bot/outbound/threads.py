"""Shows automatic texts (confirmations, opt-in questions, keyword answers) in conversations by text.

An automatic text never starts a conversation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.chat.conversations import ConversationService, texting_id
from bot.model.conversation import Author, AuthorKind, Part, SignalKind, Text
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.outbound.kinds import KINDS
from bot.outbound.links import MASKED
from bot.store import Store

BOT = Author(kind=AuthorKind.BOT, id="bot")
AUTOMATIC = "auto:"
"""The prefix of the key of such an entry; the id of its delivery follows."""
EARLIER = 10
"""How many earlier texts a new conversation starts with."""


class TextThreads:
    def __init__(self, store: Store, conversations: ConversationService) -> None:
        self._store = store
        self._conversations = conversations

    async def of(self, deliveries: Iterable[Delivery]) -> set[str]:
        """The ids of the deliveries that a conversation has to show, in one query."""
        automatic = {d.id: d for d in deliveries if d.contact and d.kind is not DeliveryKind.MESSAGE}
        found = await self._store.conversations.get_many({texting_id(d.contact) for d in automatic.values()})
        numbers = {conversation.contact: conversation.number for conversation in found.values()}
        return {id for id, delivery in automatic.items() if numbers.get(delivery.contact) == delivery.number}

    async def show(self, delivery: Delivery, body: str) -> Delivery:
        """Writes its entry; idempotent. `body`: as stored. Returns the delivery with the entry's id."""
        conversation, key = texting_id(delivery.contact), f"{AUTOMATIC}{delivery.id}"
        at = delivery.updated_at if delivery.state is DeliveryState.SENT else None
        part = await self._conversations.append(conversation, BOT, Text(text=_shown(body)), key, at=at)
        return delivery.model_copy(update={"part": part.id})

    async def show_earlier(self, contact: str, number: str) -> None:
        """Starts a conversation with the automatic texts that were sent to the contact before."""
        sent = await self._store.deliveries.sent_to(number, limit=EARLIER)
        for delivery in reversed([d for d in sent if d.kind is not DeliveryKind.MESSAGE and d.contact == contact]):
            await self.show(delivery, delivery.body or "")

    async def tell(self, delivery: Delivery) -> None:
        """Tells viewers of the conversation what happened to the text."""
        if entry := delivery.entry:
            conversation, _, seq = entry.partition(":")
            await self._conversations.signal(conversation, SignalKind.TEXT, BOT, seq=int(seq))

    async def deliveries_of(self, parts: Sequence[Part]) -> dict[str, Delivery]:
        """The delivery of each entry, in one query. Entries whose text is not queued yet have none."""
        ids = {part.id: id for part in parts if (id := _delivery_id(part))}
        found = await self._store.deliveries.get_many(ids.values())
        return {part: found[id] for part, id in ids.items() if id in found}


def _delivery_id(part: Part) -> str | None:
    if part.is_message_of is AuthorKind.TEAMMATE:
        return KINDS[DeliveryKind.MESSAGE].id_of(part.id)
    key = part.key.removeprefix(f"{part.conversation}:")
    return key.removeprefix(AUTOMATIC) if key.startswith(AUTOMATIC) else None


def _shown(body: str) -> str:
    """With its masked link as plain text, since it would open nothing."""
    start, found, rest = body.partition(MASKED)
    return f"{start.rpartition('http')[0]}…{found}{rest}" if found else body
