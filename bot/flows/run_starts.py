"""Starts runs: each cause starts at most one, however often it is handled."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from hashlib import sha256

from bot.chat.conversations import ConversationService
from bot.errors import marked as _
from bot.flows.engine import begun
from bot.flows.script import Script
from bot.flows.scripts import Occasion, Scripts
from bot.flows.triggers.base import ConsentComes, Moment
from bot.model.base import now
from bot.model.conversation import Channel, Conversation
from bot.model.event import ConsentEvent
from bot.model.flow import Run
from bot.store import Store

log = logging.getLogger("sayso.flows")
STALLED = timedelta(seconds=10)
"""When the transition of a process that died is continued by any other."""
NOT_LIVE = _("The flow was stopped: the flow that it starts isn't live.")
IN_A_CIRCLE = _("The flow was stopped: flows kept starting each other without waiting for an answer.")
MOST_HOPS = 20
"""Flows that start each other in one conversation without a message of the contact."""


class RunStarts:
    """`settle` carries out what a conversation's run has left to do."""

    def __init__(
        self,
        store: Store,
        scripts: Scripts,
        conversations: ConversationService,
        settle: Callable[[str], Awaitable[Conversation | None]],
    ) -> None:
        self._store = store
        self._scripts = scripts
        self._conversations = conversations
        self._settle = settle

    async def start(self, conversation: Conversation, script: Script, *, id: str, hops: int | None = None) -> bool:
        """In a stored conversation; the flow that runs there is over. `id`: the run's; once for each. False: another
        process changed the conversation meanwhile."""
        contact = await self._store.contacts.get(conversation.contact)
        if contact is None or contact.is_gone or has_run(conversation, id):
            return True
        state = begun(script, contact.locale, by_text=conversation.channel is Channel.SMS)
        run = Run(id=id, flow=script.flow, version=script.version, state=state, due_at=now() + STALLED, hops=hops)
        run = run.model_copy(update={"part": await self._conversations.end(conversation)})
        is_ours = await self._store.conversations.begin_run(conversation.id, conversation.run, run)
        if is_ours:
            await self._settle(conversation.id)
        return is_ours

    async def by(self, moment: Moment, conversation: Conversation, *, id: str) -> None:
        contact = await self._store.contacts.get(conversation.contact)
        if contact is None or contact.is_gone:
            return
        script = await self._scripts.starting(Occasion(moment, contact, conversation))
        if script:
            await self.start(conversation, script, id=id)

    async def by_consent(self, event: ConsentEvent, moment: ConsentComes) -> None:
        """In the newest chat of before, unless a flow waits there."""
        if not await self._scripts.may_start(moment):
            return
        contact = await self._store.contacts.get(event.contact)
        chats, id = await self._store.conversations.of(event.contact), run_id(event.event)
        if any(has_run(chat, id) for chat in chats):
            return
        chat = next((chat for chat in chats if chat.created_at <= event.at), None)
        if contact is None or contact.is_gone or chat is None or (chat.run and not chat.run.is_over):
            return
        script = await self._scripts.starting(Occasion(moment, contact, chat))
        if script:
            await self.start(chat, script, id=id)

    async def next(self, conversation: Conversation, run: Run, flow: str) -> str:
        """Another flow, which replaces this run. Returns why it can't start; empty: it did."""
        hops = (run.hops or 0) + 1
        known = await self._store.flows.get(flow)
        script = await self._scripts.get(flow, known.version) if known and known.state == "live" else None
        error = NOT_LIVE if script is None else IN_A_CIRCLE if hops > MOST_HOPS else ""
        if script is None or error:
            log.error("flow %s, version %d: %s", run.flow, run.version, error)
            return error
        await self.start(conversation, script, id=run_id(run.key(0)), hops=hops)
        return ""


def has_run(conversation: Conversation, id: str) -> bool:
    """Whether the conversation has or had this run."""
    return id in (conversation.ran or ()) or (conversation.run is not None and conversation.run.id == id)


def run_id(cause: str) -> str:
    """The id of the run that something starts, so that it starts once."""
    return sha256(cause.encode()).hexdigest()[:24]
