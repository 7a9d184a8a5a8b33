"""Runs: durable, one transition at a time, continued after a crash.

A transition that only writes entries is determined by script, state and event. Where no other event could continue the
run, it writes its entries first, under keys made of run, revision and place, then moves the run. Repeated after a
crash, or done by two processes at once, it writes the same entries under the same keys, so each exists once without a
lock.

Any other transition (the run waits for one of several events, it asked about the person, or changes something besides
the conversation) is stored first, with
what is left to do, by one process alone. Then its effects are carried out, again under such keys; after a crash
another process carries out the rest.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime

from bot.chat.conversations import ConversationService
from bot.consent.keywords import read
from bot.contacts.service import ContactService
from bot.errors import StoreUnavailable
from bot.fault_points import reach
from bot.flows.counting import FlowCounters
from bot.flows.effects import Effect, StartFlow, loaded_effects, only_writes, stored_effects
from bot.flows.engine import BY_CONTACT, Transition, transition
from bot.flows.outlets import Outlets
from bot.flows.performing import BOT, Performer
from bot.flows.run_starts import STALLED, RunStarts, run_id
from bot.flows.script import Script
from bot.flows.scripts import Scripts
from bot.flows.steps.base import (
    WAIT_OF,
    Answered,
    CardCompleted,
    CardPending,
    ConsentChanged,
    Event,
    FactsNeeded,
    Started,
    TimeCame,
)
from bot.flows.triggers.base import ConsentComes, KeywordTexted, MessageComes
from bot.model.base import now
from bot.model.conversation import Author, AuthorKind, Channel, Conversation, Part, Text
from bot.model.conversation_event import ConversationEvent
from bot.model.conversation_event import ConversationEventName as EventName
from bot.model.event import ConsentEvent, FollowUp
from bot.model.flow import Run, RunStatus, State, Wait
from bot.store import Store

__all__ = ["BOT", "Runs", "waits_for"]

log = logging.getLogger("sayso.flows")
PAGE = 500


class Runs:
    def __init__(
        self, store: Store, conversations: ConversationService, contacts: ContactService, outlets: Outlets
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._performer = Performer(store, conversations, contacts, outlets)
        self.scripts = Scripts(store)
        self._starts = RunStarts(store, self.scripts, conversations, self._settled)
        self.start = self._starts.start
        self.counters = FlowCounters(store)

    # --- what happens to a run

    async def card_answered(self, part: str, *, is_pending: bool = False) -> None:
        """Continues the run that waits for this card (a part's id), if one does. `is_pending`: the number has to
        confirm it. Idempotent."""
        id, _, seq = part.partition(":")
        conversation = await self._settled(id)
        if conversation and conversation.run and conversation.run.part == int(seq):
            await self._continue(conversation, CardPending(now()) if is_pending else CardCompleted(now()))

    async def is_interested(self, conversation: Conversation, text: str) -> bool:
        """Whether this message of the contact may continue a run or start one."""
        if waits_for(conversation.run, Wait.ANSWER) or (conversation.run and conversation.run.due_at):
            return True
        return await self.scripts.may_start(MessageComes(text, by_text=conversation.channel is Channel.SMS))

    async def keyword_texted(self, conversation: str, keyword: str, text_id: str) -> None:
        """Starts the flow that the keyword of a program starts, in a conversation by text. Idempotent by text."""
        found = await self._settled(conversation)
        if found:
            await self._starts.by(KeywordTexted(keyword), found, id=run_id(f"keyword:{text_id}"))

    async def start_by_teammate(self, conversation: Conversation, script: Script, by: str, key: str) -> None:
        """Once for each `key`; teammates see who started it."""
        author, event = Author(kind=AuthorKind.TEAMMATE, id=by), ConversationEvent(name=EventName.STARTED_FLOW)
        await self._conversations.append(conversation.id, author, event, f"start:{key}")
        settled = await self._settled(conversation.id)
        await self._starts.start(settled or conversation, script, id=run_id(f"teammate:{key}"))

    async def message_received(self, part: Part) -> None:
        """Continues the run that waits for this message, or starts the flow that its words start. Idempotent."""
        conversation = await self._settled(part.conversation)
        if conversation is None or not isinstance(part.content, Text):
            return
        run, is_text = conversation.run, conversation.channel is Channel.SMS
        if (run and part.seq <= run.part) or (is_text and _is_reserved(part.content.text)):
            return
        if waits_for(run, Wait.ANSWER) and await self._continue(
            conversation, Answered(now(), part.content.text, part.id)
        ):
            return
        moment = MessageComes(part.content.text, by_text=is_text)
        await self._starts.by(moment, conversation, id=run_id(part.id))

    async def consents_changed(self, events: Iterable[ConsentEvent]) -> None:
        """Continues the runs that wait for a consent change, found in one query, and starts the flows that it triggers.
        Idempotent."""
        changes: defaultdict[str, list[ConsentEvent]] = defaultdict(list)
        for event in events:
            if event.changes_state and event.leads_to(FollowUp.FLOWS):
                changes[event.contact].append(event)
        async for waiting in self._store.conversations.waiting_for_consent(changes):
            await asyncio.gather(*(self._consents_changed(c.id, changes[c.contact]) for c in waiting))
        for event in (event for found in changes.values() for event in found):
            if event.subscription and event.state:
                await self._starts.by_consent(event, ConsentComes(event.subscription, event.state))

    async def time_came(self, time: datetime) -> None:
        """Continues the runs whose time has come, found in one query a page."""
        await self._all_due(self._store.conversations.with_due_run, time, self._continue_in_time)

    async def finish_left(self, time: datetime) -> None:
        """Continues the transitions that a crash left, found in one query a page."""
        await self._all_due(self._store.conversations.with_left_run, time, lambda left, at: self._settled(left.id))

    async def settle(self, conversation: str) -> None:
        """Carries out what its run has left to do, and begins a run that has not begun."""
        await self._settled(conversation)

    # --- one transition

    async def _continue(self, conversation: Conversation, event: Event) -> bool:
        """Whether the event made a transition."""
        run = conversation.run
        if run is None or not waits_for(run, WAIT_OF[type(event)]):
            return False
        return await self._advance(conversation, run, event)

    async def _advance(self, conversation: Conversation, run: Run, event: Event) -> bool:
        script = await self.scripts.get(run.flow, run.version)
        if script is None:
            return False
        made, is_sure = await self._transition(script, conversation, run, event)
        effects, state = made.effects, made.state
        if not effects and state == run.state:
            return False
        moved = await self._moved(conversation, run, state, event)
        if state.status is RunStatus.FAILED:
            log.error("flow %s, version %d: %s", run.flow, run.version, state.error)
        is_ours = True
        if not effects:
            is_ours = await self._store.conversations.move_run(conversation.id, run, moved)
        elif is_sure and only_writes(effects) and not _has_rivals(script, run.state):
            seq = await self._perform(conversation, run, effects)
            after = moved.model_copy(update={"part": seq})
            is_ours = await self._store.conversations.move_run(conversation.id, run, after)
        else:
            left = {"todo": stored_effects(effects), "due_at": now() + STALLED}
            reach("before plan")
            if not await self._store.conversations.move_run(conversation.id, run, moved.model_copy(update=left)):
                return True  # another process makes it
            reach("after plan")
            await self._settled(conversation.id)
        if is_ours:
            self.counters.moved(script, conversation.contact, run, made, event)
        await self._take_missed(conversation, moved, event)
        return True

    async def _transition(
        self, script: Script, conversation: Conversation, run: Run, event: Event
    ) -> tuple[Transition, bool]:
        """And whether each process would get the same."""
        try:
            return transition(script, run.state, event), True
        except FactsNeeded:
            contact = await self._store.contacts.get(conversation.contact)
            if contact is None or contact.is_gone:
                return Transition((), run.state), True
            return transition(script, run.state, event, await self.scripts.facts(script, contact, event.at)), False

    async def _moved(self, conversation: Conversation, run: Run, state: State, event: Event) -> Run:
        by_contact = {"hops": None, "is_answered": True} if isinstance(event, BY_CONTACT) else {}
        moved = run.model_copy(update={"revision": run.revision + 1, "state": state, "due_at": None, **by_contact})
        if Wait.CONSENT not in state.waits:
            return moved
        heads = await self._store.contacts.heads([conversation.contact])
        return moved.model_copy(update={"consent_seq": heads.get(conversation.contact, 0)})

    async def _perform(self, conversation: Conversation, run: Run, effects: Sequence[Effect], made: int = 0) -> int:
        """The sequence of the newest entry. `made`: how far `run.revision` is past the transition's."""
        seq = run.part
        for place, effect in enumerate(effects):
            key = run.key(place, run.revision - made)
            seq = await self._performer.perform(conversation, effect, key, seq) or seq
        return seq

    async def _settled(self, id: str) -> Conversation | None:
        """The conversation, once its run has nothing left to do."""
        conversation = await self._store.conversations.get(id)
        if conversation is None or conversation.run is None or conversation.run.due_at is None:
            return conversation
        run = conversation.run
        if run.state.status is RunStatus.RUNNING:
            await self._advance(conversation, run, Started(now()))
            return await self._store.conversations.get(id)
        effects = loaded_effects(run.todo or ())
        seq = await self._perform(conversation, run, effects, made=1)
        last = effects[-1] if effects else None
        error = await self._starts.next(conversation, run, last.flow) if isinstance(last, StartFlow) else ""
        reach("before settled")
        await self._store.conversations.settle_run(id, run, seq, error=error)
        reach("after settled")
        return await self._store.conversations.get(id)

    # --- what came meanwhile, and what is due

    async def _take_missed(self, conversation: Conversation, moved: Run, event: Event) -> None:
        """What came between the reading of the run and its move found no run that waits for it."""
        if Wait.CONSENT in moved.state.waits:
            missed = await self._store.events.after(conversation.contact, moved.consent_seq, limit=100)
            await self.consents_changed(missed)
        if Wait.ANSWER in moved.state.waits:
            settled = await self._store.conversations.get(conversation.id)
            last = max(settled.run.part if settled and settled.run else 0, _taken(event))
            for part in await self._store.parts.after(conversation.id, last, limit=100):
                if part.is_message_of is AuthorKind.CONTACT:
                    await self.message_received(part)

    async def _consents_changed(self, id: str, events: Sequence[ConsentEvent]) -> None:
        """One event after another: each may move the run to a step that waits for the next."""
        for event in sorted(events, key=lambda event: event.seq):
            conversation = await self._settled(id)
            if conversation is None or conversation.run is None:
                return
            if event.seq > conversation.run.consent_seq and event.subscription and event.state:
                await self._continue(conversation, ConsentChanged(event.at, event.subscription, event.state))

    async def _continue_in_time(self, conversation: Conversation, time: datetime) -> None:
        settled = await self._settled(conversation.id)
        if settled and settled.run and settled.run.state.until and settled.run.state.until <= time:
            await self._continue(settled, TimeCame(time))

    async def _all_due(
        self,
        find: Callable[[datetime], Awaitable[list[Conversation]]],
        time: datetime,
        work: Callable[[Conversation, datetime], Awaitable[object]],
    ) -> None:
        """Page by page, until none is left. One that fails holds up no other."""
        seen: set[str] = set()
        while due := [c for c in await find(time) if c.id not in seen]:
            seen |= {c.id for c in due}
            for result in await asyncio.gather(*(work(c, time) for c in due), return_exceptions=True):
                if isinstance(result, StoreUnavailable):
                    raise result
                if isinstance(result, BaseException):
                    log.error("a flow could not be continued", exc_info=result)
            if len(due) < PAGE:
                return


def waits_for(run: Run | None, what: Wait) -> bool:
    return run is not None and run.state.status is RunStatus.WAITING and what in run.state.waits


def _is_reserved(text: str) -> bool:
    """STOP, START and HELP, and what is likely one of them, are no answers."""
    reading = read(text)
    return reading.likely or reading.certain in {"stop", "start", "help"}


def _has_rivals(script: Script, state: State) -> bool:
    """Whether different events may continue the run from here: their entries would share their keys."""
    if len(state.waits) > 1 or Wait.ANSWER in state.waits:
        return True
    return bool(state.step and script.step(state.step).branches().get("pending"))


def _taken(event: Event) -> int:
    """The sequence of the answer that made a transition; 0: it was none."""
    return int(event.part.rpartition(":")[2]) if isinstance(event, Answered) and event.part else 0
