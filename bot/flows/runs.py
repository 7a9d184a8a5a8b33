"""Runs: durable, one transition at a time, continued after a crash.

Script, state and event determine what a transition writes. It writes its entries first, under keys made of run,
revision and place, then moves the run. Repeated after a crash, or done by two processes at once, it writes the same
entries under the same keys, so each exists once without a lock.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from async_lru import alru_cache

from bot.chat.conversations import ConversationService
from bot.flows.engine import advance
from bot.flows.script import Script
from bot.flows.steps.base import WAIT_OF, Answered, CardCompleted, ConsentChanged, Event, TimeCame
from bot.model.base import now
from bot.model.conversation import Author, AuthorKind, Conversation, Part, Text
from bot.model.event import ConsentEvent, FollowUp
from bot.model.flow import Run, RunStatus, Wait, version_id
from bot.store import Store

BOT = Author(kind=AuthorKind.BOT, id="bot")
CACHE_SECONDS = 1.0
KEPT = 256
"""Cached scripts: versions never change."""


class Scripts:
    """Published scripts, read once a process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[str, Script] = {}
        self.greeting = alru_cache(maxsize=1, ttl=CACHE_SECONDS)(self._greeting)
        """`await scripts.greeting()`: the script that opens a conversation, if a flow is live; a second old at most."""

    async def get(self, flow: str, version: int) -> Script | None:
        id = version_id(flow, version)
        if id not in self._kept:
            found = await self._store.flow_versions.get(id)
            if found is None:
                return None
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[id] = Script.of(found)
        return self._kept[id]

    async def _greeting(self) -> Script | None:
        flow = await self._store.flows.triggered_by("conversation_started")
        return await self.get(flow.id, flow.version) if flow else None


class Runs:
    def __init__(self, store: Store, conversations: ConversationService) -> None:
        self._store = store
        self._conversations = conversations
        self.scripts = Scripts(store)

    async def card_answered(self, part: str) -> None:
        """Continues the run that waits for this card (a part's id), if one does. Idempotent."""
        id, _, seq = part.partition(":")
        conversation = await self._store.conversations.get(id)
        if conversation and conversation.run and conversation.run.part == int(seq):
            await self._continue(conversation, CardCompleted(now()))

    async def message_received(self, part: Part) -> None:
        """Continues the run that waits for this message, if one does. Idempotent."""
        conversation = await self._store.conversations.get(part.conversation)
        is_later = conversation and conversation.run and part.seq > conversation.run.part
        if conversation and is_later and isinstance(part.content, Text):
            await self._continue(conversation, Answered(now(), part.content.text))

    async def consents_changed(self, events: Iterable[ConsentEvent]) -> None:
        """Continues the runs that wait for a change of consent, found in one query. Idempotent."""
        changes: defaultdict[str, list[ConsentEvent]] = defaultdict(list)
        for event in events:
            if event.changes_state and event.leads_to(FollowUp.FLOWS):
                changes[event.contact].append(event)
        async for waiting in self._store.conversations.waiting_for_consent(changes):
            await asyncio.gather(*(self._consents_changed(c, changes[c.contact]) for c in waiting))

    async def _consents_changed(self, conversation: Conversation, events: Sequence[ConsentEvent]) -> None:
        """One event after another: each may move the run to a step that waits for the next."""
        for event in sorted(events, key=lambda event: event.seq):
            if conversation.run and event.seq > conversation.run.consent_seq and event.subscription and event.state:
                await self._continue(conversation, ConsentChanged(event.at, event.subscription, event.state))
                conversation = await self._store.conversations.get(conversation.id) or conversation

    async def time_came(self, time: datetime) -> None:
        """Continues the runs whose time has come, found in one query."""
        due = await self._store.conversations.with_due_run(time)
        await asyncio.gather(*(self._continue(conversation, TimeCame(time)) for conversation in due))

    async def _continue(self, conversation: Conversation, event: Event) -> None:
        run = conversation.run
        if run is None or not waits_for(run, WAIT_OF[type(event)]):
            return
        script = await self.scripts.get(run.flow, run.version)
        if script is None:
            return
        effects, state = advance(script, run.state, event)
        if not effects and state == run.state:
            return
        seq = run.part
        for place, effect in enumerate(effects):
            seq = (await self._conversations.append(conversation.id, BOT, effect.content, run.key(place))).seq
        moved = run.model_copy(update={"revision": run.revision + 1, "state": state, "part": seq})
        if Wait.CONSENT in state.waits:
            heads = await self._store.contacts.heads([conversation.contact])
            moved = moved.model_copy(update={"consent_seq": heads.get(conversation.contact, 0)})
        await self._store.conversations.move_run(conversation.id, run, moved)
        if Wait.CONSENT in state.waits:  # what changed since the head was read found no run that waits for it
            await self.consents_changed(
                await self._store.events.after(conversation.contact, moved.consent_seq, limit=100)
            )


def waits_for(run: Run | None, what: Wait) -> bool:
    return run is not None and run.state.status is RunStatus.WAITING and what in run.state.waits
