"""Runs: durable, one transition at a time, gone on with after a crash.

What a transition does is settled by the script, the place and the entry that it answers. Its entries are written first,
under keys made of run, revision and place; then the run moves on. Doing it again, after a crash or in two processes at
once, writes the same entries under the same keys: each stands once, and nobody needs a lock.
"""

from __future__ import annotations

from bot.aio.recent import Recent
from bot.chat.conversations import Conversations
from bot.flows.engine import advance
from bot.model.base import new_id, now
from bot.model.conversation import Author, AuthorKind, Part
from bot.model.flow import FlowRun, Place, RunStatus
from bot.store import Store

BOT = Author(kind=AuthorKind.BOT, id="bot")


class Runs:
    def __init__(self, store: Store, conversations: Conversations) -> None:
        self._store = store
        self._conversations = conversations
        self._greeting = Recent(lambda: store.flows.triggered_by("conversation_started"))

    async def begin(self, contact: str) -> tuple[str, list[Part]]:
        """Makes a conversation for the contact, opened by the flow that greets (if one is live).

        Answers its id and parts.

        Nobody knows the new conversation yet, so the run can be written with its entries already numbered.
        """
        conversation = new_id()
        flow = await self._greeting()
        if flow is None:
            return conversation, await self._conversations.begin(conversation, contact, BOT, [])
        place, effects = advance(flow.steps, Place())
        time, waits = now(), place.status is RunStatus.WAITING
        run = FlowRun(
            id=new_id(),
            flow=flow.id,
            flow_version=flow.version,
            steps=flow.steps,
            conversation=conversation,
            contact=contact,
            place=place,
            waiting_for=self._store.parts.place(conversation, len(effects)) if waits else None,
            created_at=time,
            updated_at=time,
        )
        opening = [(run.key(i), effect.content) for i, effect in enumerate(effects)]
        moved = run.model_copy(update={"revision": run.revision + 1})
        written = self._store.flow_runs.insert(moved)
        return conversation, await self._conversations.begin(conversation, contact, BOT, opening, written)

    async def card_completed(self, part: Part) -> None:
        """Goes on with the run that waits for this card, if one does. Doing it again does nothing twice."""
        run = await self._store.flow_runs.waiting_for(part.id)
        if run is None:
            return
        place, effects = advance(run.steps, run.place)
        last: Part | None = None
        for i, effect in enumerate(effects):
            last = await self._conversations.append(run.conversation, BOT, effect.content, run.key(i))
        moved = {"place": place.model_dump(), "revision": run.revision + 1, "updated_at": now()}
        if place.status is RunStatus.WAITING and last:
            change = {"$set": {**moved, "waiting_for": last.id}}
        else:
            change = {"$set": moved, "$unset": {"waiting_for": ""}}
        await self._store.flow_runs.update({"_id": run.id, "revision": run.revision}, change)
