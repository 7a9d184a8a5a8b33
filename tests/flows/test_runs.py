"""Runs: one transition at a time, each entry once, whatever crashes when."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.chat.conversations import Conversations
from bot.errors import StoreUnavailable
from bot.flows.runs import Runs
from bot.model.conversation import Card, Happening, Part
from bot.model.flow import End, Flow, FlowRun, OptInForm, RunStatus, Say, Step
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.people import AT, card, second_process

STEPS: tuple[Step, ...] = (
    Say(id="hi", text="Hi"),
    OptInForm(id="first", subscription="deals", title="First"),
    Say(id="thanks", text="Thanks"),
    Say(id="more", text="One more"),
    OptInForm(id="second", subscription="orders", title="Second"),
    Say(id="bye", text="Bye"),
    End(id="end"),
)


TO_THE_SECOND = ["Hi", "First", "Thanks", "One more", "Second"]


def _flow(id: str = "flow", **values: Any) -> Flow:
    usual: dict[str, Any] = {"name": id, "state": "live", "steps": STEPS, "created_at": AT, "updated_at": AT}
    return Flow(id=id, **{**usual, **values})


@pytest.fixture
async def runs(store: Store) -> Runs:
    await store.flows.insert(_flow())
    return Runs(store, Conversations(store))


async def _script(store: Store, conversation: str) -> list[str]:
    """What stands in the chat: texts, and the titles of cards."""
    parts = await store.parts.after(conversation, 0, limit=100)
    assert [p.seq for p in parts] == list(range(1, len(parts) + 1))
    return [_said(p) for p in parts]


def _said(part: Part) -> str:
    match part.content:
        case Card(title=title):
            return title
        case Happening(name=name):
            return name
        case content:
            return content.text


async def _run(store: Store) -> FlowRun:
    (run,) = await store.flow_runs.find({}, limit=2)
    return run


async def _card(store: Store, conversation: str) -> Part:
    """The newest card."""
    parts = await store.parts.after(conversation, 0, limit=100)
    return [p for p in parts if isinstance(p.content, Card)][-1]


async def test_a_conversation_begins_with_the_flow_up_to_its_card(runs: Runs, store: Store) -> None:
    conversation, parts = await runs.begin("ada")
    assert [_said(p) for p in parts] == await _script(store, conversation) == ["Hi", "First"]
    run = await _run(store)
    assert (run.waiting_for, run.place.status) == (parts[-1].id, RunStatus.WAITING)
    assert (run.flow, run.flow_version, run.contact, run.conversation) == ("flow", 1, "ada", conversation)


async def test_a_completed_card_goes_on_to_the_next_and_then_to_the_end(runs: Runs, store: Store) -> None:
    conversation, parts = await runs.begin("ada")
    await runs.card_completed(parts[-1])
    assert await _script(store, conversation) == TO_THE_SECOND
    second = await _card(store, conversation)
    assert (await _run(store)).waiting_for == second.id
    await runs.card_completed(second)
    assert await _script(store, conversation) == [*TO_THE_SECOND, "Bye"]
    run = await _run(store)
    assert (run.waiting_for, run.place.status) == (None, RunStatus.ENDED)


async def test_without_a_live_flow_a_conversation_begins_empty(store: Store) -> None:
    await store.flows.insert(_flow(state="draft"))
    await store.flows.insert(_flow("paused", state="paused"))
    conversation, parts = await Runs(store, Conversations(store)).begin("ada")
    assert parts == []
    assert await store.conversations.get(conversation)
    assert await store.flow_runs.count_about() == 0


async def test_of_two_live_flows_the_older_greets(store: Store) -> None:
    await store.flows.insert(_flow("newer", created_at=AT + timedelta(days=1), steps=(Say(id="a", text="Newer"),)))
    await store.flows.insert(_flow("older", steps=(Say(id="a", text="Older"),)))
    conversation, _ = await Runs(store, Conversations(store)).begin("ada")
    assert await _script(store, conversation) == ["Older"]


async def test_a_flow_without_a_card_ends_at_once(store: Store) -> None:
    await store.flows.insert(_flow(steps=(Say(id="a", text="Hi"), End(id="end"))))
    await Runs(store, Conversations(store)).begin("ada")
    run = await _run(store)
    assert (run.place.status, run.waiting_for) == (RunStatus.ENDED, None)


async def test_a_card_that_no_run_waits_for_moves_nothing(runs: Runs, store: Store) -> None:
    conversation, parts = await runs.begin("ada")
    await runs.card_completed(parts[0].model_copy(update={"id": f"{conversation}:0000000009", "content": card()}))
    assert await _script(store, conversation) == ["Hi", "First"]


class TestOnce:
    async def test_a_card_completed_twice_moves_the_run_once(self, runs: Runs, store: Store) -> None:
        conversation, parts = await runs.begin("ada")
        for _ in range(3):
            await runs.card_completed(parts[-1])
        assert await _script(store, conversation) == TO_THE_SECOND
        assert (await _run(store)).revision == 2

    async def test_two_processes_at_once_move_the_run_once(
        self, runs: Runs, store: Store, mongo: EmbeddedServer
    ) -> None:
        conversation, parts = await runs.begin("ada")
        async with second_process(mongo) as other:
            both = [runs, Runs(other, Conversations(other))]
            await asyncio.gather(*(both[i % 2].card_completed(parts[-1]) for i in range(10)))
        assert await _script(store, conversation) == TO_THE_SECOND
        run = await _run(store)
        assert (run.revision, run.waiting_for) == (2, (await _card(store, conversation)).id)

    async def test_a_card_completed_again_while_its_entries_are_written_moves_the_run_once(
        self, runs: Runs, store: Store, mongo: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another process answers the same card when the next one stands already, but the run has not moved on."""
        conversation, parts = await runs.begin("ada")
        update = store.flow_runs.update
        async with second_process(mongo) as other:

            async def late(*args: Any) -> None:
                await Runs(other, Conversations(other)).card_completed(parts[-1])
                await update(*args)

            with monkeypatch.context() as patch:
                patch.setattr(store.flow_runs, "update", late)
                await runs.card_completed(parts[-1])
        assert await _script(store, conversation) == TO_THE_SECOND
        assert (await _run(store)).revision == 2


class TestCrash:
    @pytest.mark.parametrize("after", [0, 1, 2, 3])
    async def test_entries_that_a_crash_left_unwritten_are_written_once(
        self, runs: Runs, store: Store, monkeypatch: pytest.MonkeyPatch, after: int
    ) -> None:
        """It dies after so many of the three entries; with three, before the run moves on. Then it is done again."""
        conversation, parts = await runs.begin("ada")
        append, done = Conversations.append, 0

        async def dies(self: Conversations, *args: Any) -> Part:
            nonlocal done
            if done == after:
                raise StoreUnavailable
            done += 1
            return await append(self, *args)

        with monkeypatch.context() as patch:
            patch.setattr(Conversations, "append", dies)
            patch.setattr(store.flow_runs, "update", _away)
            with pytest.raises(StoreUnavailable):
                await runs.card_completed(parts[-1])
        assert len(await _script(store, conversation)) == 2 + after
        assert (await _run(store)).waiting_for == parts[-1].id
        for _ in range(2):
            await runs.card_completed(parts[-1])
        assert await _script(store, conversation) == TO_THE_SECOND
        assert (await _run(store)).waiting_for == (await _card(store, conversation)).id

    async def test_a_late_process_does_not_undo_a_later_step(
        self, runs: Runs, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One that read the run, slept, and wakes when the run has gone on."""
        conversation, parts = await runs.begin("ada")
        slept = await _run(store)
        await runs.card_completed(parts[-1])
        await runs.card_completed(await _card(store, conversation))

        async def as_it_was(_: str) -> FlowRun:
            return slept

        with monkeypatch.context() as patch:
            patch.setattr(store.flow_runs, "waiting_for", as_it_was)
            await runs.card_completed(parts[-1])
        assert await _script(store, conversation) == [*TO_THE_SECOND, "Bye"]
        run = await _run(store)
        assert (run.place.status, run.revision, run.waiting_for) == (RunStatus.ENDED, 3, None)


async def _away(*_: object) -> None:
    raise StoreUnavailable


class TestEdited:
    """A run ends on the version that it began."""

    async def test_a_run_goes_on_with_the_steps_it_began_with(self, runs: Runs, store: Store) -> None:
        conversation, parts = await runs.begin("ada")
        edited = [Say(id="new", text="Edited").model_dump()]
        await store.flows.update({"_id": "flow"}, {"$set": {"steps": edited, "version": 2}})
        await runs.card_completed(parts[-1])
        await runs.card_completed(await _card(store, conversation))
        assert await _script(store, conversation) == [*TO_THE_SECOND, "Bye"]
        assert (await _run(store)).flow_version == 1

    async def test_a_paused_flow_greets_nobody_but_ends_what_it_began(self, runs: Runs, store: Store) -> None:
        conversation, parts = await runs.begin("ada")
        await store.flows.update({"_id": "flow"}, {"$set": {"state": "paused"}})
        await runs.card_completed(parts[-1])
        assert len(await _script(store, conversation)) == 5
        assert (await Runs(store, Conversations(store)).begin("bob"))[1] == []
