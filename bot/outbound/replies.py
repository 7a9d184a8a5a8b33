"""A teammate's reply, sent over the channel of the conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bot.chat.inbox import Inbox
from bot.consent.ledger import Ledger
from bot.consent.numbers import address_of, read_number
from bot.consent.stop_list import StopList
from bot.errors import Invalid, NotFound, NumberStopped
from bot.errors import marked as _
from bot.model.conversation import Channel, Conversation, Part, Text
from bot.model.subscription import MessageType
from bot.model.workspace import Workspace
from bot.outbound.gateways import LONGEST
from bot.outbound.queue import DeliveryQueue
from bot.store import Store


class Replies:
    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        stops: StopList,
        inbox: Inbox,
        deliveries: DeliveryQueue,
        workspace: Callable[[], Awaitable[Workspace]],
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._stops = stops
        self._inbox = inbox
        self._deliveries = deliveries
        self._workspace = workspace

    async def reply(self, conversation: Conversation, me: str, text: str, key: str) -> Part:
        """Writes the reply, and queues it as a text if the conversation is by text; once for each `key`. An unassigned
        conversation is assigned to the teammate who replies.

        Raises NumberStopped, NumberRefused, Invalid or NotFound if it can't be texted: then nothing was written.
        """
        part = await self._written(conversation, me, text, key)
        if not conversation.assignee:
            await self._inbox.assign(conversation.id, me, me, f"reply:{key}")
        return part

    async def _written(self, conversation: Conversation, me: str, text: str, key: str) -> Part:
        if conversation.channel is Channel.CHAT:
            return await self._inbox.reply(conversation.id, me, text, key)
        part = await self._store.parts.by_key(conversation.id, f"{conversation.id}:reply:{key}")
        if part is None:
            await self._judge(conversation, text)
            part = await self._inbox.reply(conversation.id, me, text, key, is_due=True)
        await self.queue(part)
        return part

    async def queue(self, part: Part) -> None:
        """Queues a teammate's reply as a text. Idempotent."""
        conversation = await self._store.conversations.get(part.conversation)
        if conversation and conversation.number and isinstance(part.content, Text):
            await self._deliveries.message(part, conversation.contact, conversation.number, part.content.text)
        await self._store.parts.update({"_id": part.id}, {"$unset": {"follow_up": ""}})

    async def _judge(self, conversation: Conversation, text: str) -> None:
        """Whether it could be sent now; checked again at the moment of sending (law 7).

        Texting us invites a reply (CTIA, exhibit II: conversational), which is not marketing (47 CFR 64.1200(f)(13)):
        only contacts who wrote get replies.
        """
        number = conversation.number or ""
        if not text.strip():
            raise Invalid(_("Write a message first."))
        if len(text) > LONGEST:
            raise Invalid(_("This message is too long to send as a text. Shorten it."))
        if not conversation.called:
            raise Invalid(_("You can only text contacts who texted you first."))
        contact, is_stopped, workspace = await asyncio.gather(
            self._ledger.contact(conversation.contact), self._stops.is_stopped(number), self._workspace()
        )
        if contact is None:
            raise NotFound(_("Contact not found."))
        if is_stopped:
            raise NumberStopped(_("This number opted out with STOP. You can text it again after it texts START."))
        read_number(number, "US", workspace.texted)
        if address_of(contact, MessageType.SMS) != number:
            raise Invalid(_("This contact's number has changed. You can't text the old one."))
