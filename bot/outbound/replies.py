"""A teammate's reply, sent over the channel of the conversation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.chat.inbox import Inbox
from bot.model.conversation import Channel, Conversation, Part
from bot.model.workspace import Workspace
from bot.outbound.texting import Texting


class Replies:
    def __init__(self, inbox: Inbox, texting: Texting, workspace: Callable[[], Awaitable[Workspace]]) -> None:
        self._inbox = inbox
        self._texting = texting
        self._workspace = workspace

    async def reply(self, conversation: Conversation, me: str, text: str, key: str) -> Part:
        """Writes the reply, once for each `key`.

        A reply by text may be refused (NumberStopped, NumberRefused, Invalid): then nothing was written.
        """
        if conversation.channel is Channel.CHAT:
            return await self._inbox.reply(conversation.id, me, text, key)
        return await self._texting.reply(conversation, me, text, key, (await self._workspace()).texted)
