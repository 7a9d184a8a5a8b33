"""Whatever flow, whatever comes, and wherever a process dies: a stored run does what the step function says, each
effect once, and loses no event."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot import fault_points
from bot.chat.conversations import ConversationService
from bot.errors import StoreUnavailable
from bot.flows.document import FlowDocument
from bot.flows.effects import Effect, HandOver, Write
from bot.flows.engine import advance, begun
from bot.flows.matching import PersonFacts
from bot.flows.performing import BOT
from bot.flows.publish import create
from bot.flows.runs import Runs
from bot.flows.script import Script
from bot.flows.steps.base import Answered, CardCompleted, CardPending, Event, Started, TimeCame
from bot.model.base import new_id, now
from bot.model.conversation import AuthorKind, Card, Part, Text
from bot.model.conversation_event import ConversationEvent
from bot.model.flow import Run, State
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.flows.test_branches import FLOWS
from tests.people import AT, person, runs_of

LATER = now().replace(year=2090)
MOVES = st.lists(
    st.tuples(st.sampled_from(["x", "y", "No", "done", "pending", "time"]), st.integers(0, 14)), min_size=1, max_size=6
)
"""What comes, and at which fault point its process dies; there may be fewer."""


MOST = 60
"""Entries of a talk that is played: a flow in a circle writes 500 at once."""


def _event(move: str, part: str) -> Event:
    named: dict[str, Event] = {"done": CardCompleted(AT), "pending": CardPending(AT), "time": TimeCame(AT)}
    return named.get(move) or Answered(AT, move, part)


class Crash(StoreUnavailable):
    pass


class Talk:
    """A stored run beside what the step function makes of the same events."""

    def __init__(self, store: Store, flow: Script) -> None:
        self.store, self.id, self.contact = store, new_id(), new_id()
        self.flow = flow.model_copy(update={"flow": new_id(), "version": 1})
        self.effects: list[Effect] = []
        self.state: State = begun(self.flow, "en")
        self.chat = ConversationService(store)
        self.facts = PersonFacts(person(self.contact), AT)

    async def begin(self) -> None:
        await self.store.contacts.insert(person(self.contact))
        document = FlowDocument(**self.flow.model_dump(exclude={"flow", "version"}))
        await create(self.store, document, id=self.flow.flow)
        await self.chat.begin(self.id, self.contact, BOT, [])
        conversation = await self.chat.get(self.id)
        assert conversation
        await runs_of(self.store).start(conversation, self.flow, id=new_id())
        self._expect(Started(AT))

    async def run(self) -> Run:
        found = await self.chat.get(self.id)
        assert found
        assert found.run
        return found.run

    async def take(self, move: str, point: int) -> None:
        """Handled by a process that dies at this fault point, then by another one, twice."""
        part = await self._part(move)
        left = iter(range(point))

        def reached(_: str) -> None:
            if next(left, None) is None:
                raise Crash

        fault_points.reached = reached
        try:
            await self._handle(runs_of(self.store), move, part)
        except Crash:
            pass
        finally:
            fault_points.reached = lambda point: None
        await self.store.conversations.update({"run.due_at": {"$exists": True}}, {"$set": {"run.due_at": AT}})
        for _time in range(2):
            other = runs_of(self.store)
            await other.finish_left(now())
            if move != "time" or (await self.run()).state.until == self._until:
                await self._handle(other, move, part)
        self._expect(_event(move, str(part)))

    async def is_as_expected(self) -> None:
        parts = await self.store.parts.after(self.id, 0, limit=5000)
        assert [part.seq for part in parts] == list(range(1, len(parts) + 1))
        assert len({part.key for part in parts}) == len(parts)
        assert [_shown(part) for part in parts if part.author.kind is AuthorKind.BOT] == self._written()
        run, same = await self.run(), ("status", "step", "waits", "answers", "tries", "error")
        assert [getattr(run.state, name) for name in same] == [getattr(self.state, name) for name in same]
        assert (run.todo, run.due_at) == (None, None)

    async def _part(self, move: str) -> Part | str:
        run = await self.run()
        self._until = run.state.until
        if move in {"done", "pending", "time"}:
            return f"{self.id}:{run.part}"
        conversation = await self.chat.get(self.id)
        assert conversation
        return await self.chat.say(conversation, move, new_id())

    async def _handle(self, runs: Runs, move: str, part: Part | str) -> None:
        if move == "time":
            await runs.time_came(self._until or LATER)  # a timer after it counts from then
        elif isinstance(part, Part):
            await runs.message_received(part)
        else:
            await runs.card_answered(part, is_pending=move == "pending")

    def _expect(self, event: Event) -> None:
        effects, self.state = advance(self.flow, self.state, event, self.facts)
        self.effects += effects

    def _written(self) -> list[str]:
        entries = [effect for effect in self.effects if isinstance(effect, Write | HandOver)]
        return [_shown_by(entry) for entry in entries]


def _shown_by(effect: Write | HandOver) -> str:
    if isinstance(effect, HandOver):
        return "over"
    return effect.content.text if isinstance(effect.content, Text) else "card"


def _shown(part: Part) -> str:
    if isinstance(part.content, Text):
        return part.content.text
    return "card" if isinstance(part.content, Card) else "over" if isinstance(part.content, ConversationEvent) else ""


@pytest.mark.slow
@given(FLOWS, MOVES)
@settings(deadline=None, max_examples=25)
def test_a_stored_run_does_everything_once(mongo: EmbeddedServer, flow: Script, moves: list[tuple[str, int]]) -> None:
    assume(_entries_at_most(flow, [move for move, _ in moves]) < MOST)
    asyncio.run(_play(mongo.url, flow, moves))


def _entries_at_most(flow: Script, moves: list[str]) -> int:
    state, count, facts = begun(flow, "en"), 0, PersonFacts(person(), AT)
    for event in (Started(AT), *(_event(move, "") for move in moves)):
        effects, state = advance(flow, state, event, facts)
        count += len(effects)
    return count


async def _play(url: str, flow: Script, moves: list[tuple[str, int]]) -> None:
    async with open_store(url, "sayso_once") as store:
        await asyncio.gather(store.parts.make_indexes(), store.conversations.make_indexes())
        await store.conversations.collection.delete_many({})
        talk = Talk(store, flow)
        await talk.begin()
        for move, point in moves:
            await talk.take(move, point)
            await talk.is_as_expected()
