"""Flows that teammates and apps start in a conversation."""

from __future__ import annotations

from bot.errors import Invalid, NotFound
from bot.errors import marked as _
from bot.flows.runs import Runs
from bot.flows.script import Script
from bot.model.conversation import Channel
from bot.model.subscription import MessageType
from bot.store import Store


class FlowStarts:
    def __init__(self, store: Store, runs: Runs) -> None:
        self._store = store
        self._runs = runs

    async def offered(self) -> list[Script]:
        """Live flows that can be started so, in their order."""
        return [script for script in await self._runs.scripts.live() if script.is_offered]

    async def start(self, flow: str, conversation: str, by: str, key: str) -> None:
        """Starts a flow in a conversation, once for each `key`; one that runs there ends. `by`: the teammate's id.

        Raises NotFound, or Invalid: the flow can't be started so.
        """
        found = await self._store.conversations.get(conversation)
        if found is None or found.erased_at:
            raise NotFound(_("Conversation not found."))
        script = next((script for script in await self.offered() if script.flow == flow), None)
        if script is None:
            raise Invalid(
                _("This flow can't be started. Add the trigger “Started by a teammate” and put the flow live.")
            )
        if found.channel is Channel.SMS and not await self._fits_texts(script):
            raise Invalid(_("This flow can't be started by SMS: it has a form for an email subscription."))
        await self._runs.start_by_teammate(found, script, by, key)

    async def _fits_texts(self, script: Script) -> bool:
        """Whether all its forms can be answered by SMS."""
        known = await self._store.subscriptions.get_many(script.forms)
        return all(subscription.message_type is MessageType.SMS for subscription in known.values())
