"""Runs: durable, one transition at a time, gone on with after a crash.

A transition is claimed by a conditional update that also keeps its effects. They are written under keys made of run,
revision and place, so doing them again after a crash writes nothing twice. Then the run waits, or has ended.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from bot.chat.conversations import Conversations
from bot.flows.engine import advance
from bot.model.base import new_id, now
from bot.model.conversation import Author, AuthorKind, Part
from bot.model.flow import FlowRun, Place, RunStatus
from bot.recent import Recent
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
        time, run = now(), new_id()
        settled = FlowRun(
            id=run,
            flow=flow.id,
            flow_version=flow.version,
            steps=flow.steps,
            conversation=conversation,
            contact=contact,
            place=place,
            waiting_for=self._store.parts.place(conversation, len(effects))
            if place.status is RunStatus.WAITING
            else None,
            created_at=time,
            updated_at=time,
        )
        opening = [(settled.key(i), effect.content) for i, effect in enumerate(effects)]
        _, parts = await asyncio.gather(
            self._store.flow_runs.insert(settled), self._conversations.begin(conversation, contact, BOT, opening)
        )
        return conversation, parts

    async def card_completed(self, part: Part) -> None:
        """Goes on with the run that waits for this card, if one does."""
        run = await self._store.flow_runs.waiting_for(part.id)
        if run is None:
            return
        place, effects = advance(run.steps, run.place)
        moved = run.model_copy(
            update={"place": place, "effects": effects, "due": now(), "revision": run.revision + 1, "updated_at": now()}
        )
        values = moved.model_dump(include={"place", "effects", "due", "revision", "updated_at"})
        if await self._store.flow_runs.claim(run.id, {"revision": run.revision, "waiting_for": part.id}, values):
            await self._act(moved)

    async def resume(self, before: datetime) -> int:
        """Goes on with runs whose effects have been due since `before`: a crash left them undone. Answers how many."""
        stalled = await self._store.flow_runs.stalled(before)
        for run in stalled:
            await self._act(run)
        return len(stalled)

    async def _act(self, run: FlowRun) -> None:
        """Writes the run's effects, one after the other, then settles it."""
        last: Part | None = None
        for i, effect in enumerate(run.effects):
            last = await self._conversations.append(run.conversation, BOT, effect.content, run.key(i))
        settled: dict[str, object] = {"effects": [], "updated_at": now()}
        gone = {"due": "", "waiting_for": ""}
        if run.place.status is RunStatus.WAITING and last:
            settled["waiting_for"] = last.id
            del gone["waiting_for"]
        await self._store.flow_runs.update({"_id": run.id, "revision": run.revision}, {"$set": settled, "$unset": gone})
