"""Runs: one transition at a time, each entry once, whatever crashes when."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bot.chat.conversations import ConversationService
from bot.consent.ledger import Ledger
from bot.demo import DEALS, ORDERS
from bot.errors import StoreUnavailable
from bot.flows.publish import publish
from bot.flows.runs import Runs
from bot.flows.script import flow_version
from bot.flows.steps import Ask, End, OptInForm, Say, Step, WaitForConsent, WaitStep
from bot.model.base import now
from bot.model.conversation import Card, Conversation, Part
from bot.model.conversation_event import ConversationEvent
from bot.model.event import Action, FollowUp, Source
from bot.model.flow import Flow, Run, RunStatus
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.people import AT, card, change, greeted, greets, person, runs_of, second_process

STEPS: tuple[Step, ...] = (
    Say(id="hi", text="Hi"),
    OptInForm(id="first", subscription="deals", title="First"),
    Say(id="thanks", text="Thanks"),
    Say(id="more", text="One more"),
    OptInForm(id="second", subscription="orders", title="Second"),
    Say(id="bye", text="Bye"),
    End(id="end"),
)


OLD_STEPS = [step.model_dump() for step in STEPS]
TO_THE_SECOND = ["Hi", "First", "Thanks", "One more", "Second"]


async def _add(store: Store, id: str = "flow", steps: tuple[Step, ...] = STEPS, **values: Any) -> None:
    usual: dict[str, Any] = {"name": id, "state": "live", "created_at": AT, "updated_at": AT}
    await store.flow_versions.insert(flow_version(id, 1, greets(*steps), AT))
    await store.flows.insert(Flow(id=id, **{**usual, **values}))


@pytest.fixture
async def runs(store: Store) -> Runs:
    await _add(store)
    return runs_of(store)


async def _script(store: Store, conversation: str) -> list[str]:
    """What stands in the chat: texts, and the titles of cards."""
    parts = await store.parts.after(conversation, 0, limit=100)
    assert [p.seq for p in parts] == list(range(1, len(parts) + 1))
    return [_said(p) for p in parts]


def _said(part: Part) -> str:
    match part.content:
        case Card(title=title):
            return title
        case ConversationEvent(name=name):
            return name
        case content:
            return content.text


async def _run(store: Store) -> Run:
    (conversation,) = await store.conversations.find({}, limit=2)
    assert conversation.run
    return conversation.run


async def _card(store: Store, conversation: str) -> Part:
    """The newest card."""
    parts = await store.parts.after(conversation, 0, limit=100)
    return [p for p in parts if isinstance(p.content, Card)][-1]


async def test_a_conversation_begins_with_the_flow_up_to_its_card(runs: Runs, store: Store) -> None:
    conversation, parts = await greeted(store, "ada")
    assert [_said(p) for p in parts] == await _script(store, conversation) == ["Hi", "First"]
    run = await _run(store)
    assert (run.part, run.state.step, run.state.status) == (parts[-1].seq, "first", RunStatus.WAITING)
    assert (run.flow, run.version) == ("flow", 1)


async def test_a_completed_card_goes_on_to_the_next_and_then_to_the_end(runs: Runs, store: Store) -> None:
    conversation, parts = await greeted(store, "ada")
    await runs.card_answered(parts[-1].id)
    assert await _script(store, conversation) == TO_THE_SECOND
    second = await _card(store, conversation)
    assert (await _run(store)).part == second.seq
    await runs.card_answered(second.id)
    assert await _script(store, conversation) == [*TO_THE_SECOND, "Bye"]
    assert (await _run(store)).state.status is RunStatus.ENDED


async def test_without_a_live_flow_a_conversation_begins_empty(store: Store) -> None:
    await _add(store, state="draft")
    await _add(store, "paused", state="paused")
    conversation, parts = await greeted(store, "ada")
    assert parts == []
    stored = await store.conversations.get(conversation)
    assert stored
    assert stored.run is None


async def test_of_two_live_flows_the_older_greets(store: Store) -> None:
    await _add(store, "newer", (Say(id="a", text="Newer"),), created_at=AT + timedelta(days=1))
    await _add(store, "older", (Say(id="a", text="Older"),))
    conversation, _ = await greeted(store, "ada")
    assert await _script(store, conversation) == ["Older"]


async def test_a_flow_without_a_card_ends_at_once(store: Store) -> None:
    await _add(store, steps=(Say(id="a", text="Hi"), End(id="end")))
    await greeted(store, "ada")
    assert (await _run(store)).state.status is RunStatus.ENDED


async def test_a_card_that_no_run_waits_for_moves_nothing(runs: Runs, store: Store) -> None:
    conversation, parts = await greeted(store, "ada")
    other = {"id": f"{conversation}:0000000009", "seq": 9, "content": card()}
    await runs.card_answered(parts[0].model_copy(update=other).id)
    assert await _script(store, conversation) == ["Hi", "First"]


class TestOnce:
    async def test_a_card_completed_twice_moves_the_run_once(self, runs: Runs, store: Store) -> None:
        conversation, parts = await greeted(store, "ada")
        for _ in range(3):
            await runs.card_answered(parts[-1].id)
        assert await _script(store, conversation) == TO_THE_SECOND
        assert (await _run(store)).revision == 2

    async def test_two_processes_at_once_move_the_run_once(
        self, runs: Runs, store: Store, mongo: EmbeddedServer
    ) -> None:
        conversation, parts = await greeted(store, "ada")
        async with second_process(mongo) as other:
            both = [runs, runs_of(other)]
            await asyncio.gather(*(both[i % 2].card_answered(parts[-1].id) for i in range(10)))
        assert await _script(store, conversation) == TO_THE_SECOND
        run = await _run(store)
        assert (run.revision, run.part) == (2, (await _card(store, conversation)).seq)

    async def test_a_card_completed_again_while_its_entries_are_written_moves_the_run_once(
        self, runs: Runs, store: Store, mongo: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another process answers the same card when the next one stands already, but the run has not moved on."""
        conversation, parts = await greeted(store, "ada")
        move_run = store.conversations.move_run
        async with second_process(mongo) as other:

            async def late(*args: Any) -> None:
                await runs_of(other).card_answered(parts[-1].id)
                await move_run(*args)

            with monkeypatch.context() as patch:
                patch.setattr(store.conversations, "move_run", late)
                await runs.card_answered(parts[-1].id)
        assert await _script(store, conversation) == TO_THE_SECOND
        assert (await _run(store)).revision == 2


class TestCrash:
    @pytest.mark.parametrize("after", [0, 1, 2, 3])
    async def test_entries_that_a_crash_left_unwritten_are_written_once(
        self, runs: Runs, store: Store, monkeypatch: pytest.MonkeyPatch, after: int
    ) -> None:
        """It dies after so many of the three entries; with three, before the run moves on. Then it is done again."""
        conversation, parts = await greeted(store, "ada")
        append, done = ConversationService.append, 0

        async def dies(self: ConversationService, *args: Any) -> Part:
            nonlocal done
            if done == after:
                raise StoreUnavailable
            done += 1
            return await append(self, *args)

        with monkeypatch.context() as patch:
            patch.setattr(ConversationService, "append", dies)
            patch.setattr(store.conversations, "move_run", _away)
            with pytest.raises(StoreUnavailable):
                await runs.card_answered(parts[-1].id)
        assert len(await _script(store, conversation)) == 2 + after
        assert (await _run(store)).part == parts[-1].seq
        for _ in range(2):
            await runs.card_answered(parts[-1].id)
        assert await _script(store, conversation) == TO_THE_SECOND
        assert (await _run(store)).part == (await _card(store, conversation)).seq

    @pytest.mark.parametrize("is_late", [True, False], ids=["no answer", "pending"])
    async def test_an_event_that_comes_after_a_crash_does_not_mix_with_the_one_that_was_left(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, is_late: bool
    ) -> None:
        """The first one's process dies when one of its two entries stands; then the form is completed."""
        left = (Say(id="one", text="One"), Say(id="two", text="Two"))
        branches: dict[str, Any] = {"seconds": 60, "no_answer": left} if is_late else {"pending": left}
        done = (Say(id="thanks", text="Thanks"), Say(id="welcome", text="Welcome"))
        form = OptInForm(id="form", subscription="deals", title="Form", completed=done, **branches)
        await _add(store, steps=(form, Say(id="bye", text="Bye")))
        runs = runs_of(store)
        conversation, parts = await greeted(store, "ada")
        append = ConversationService.append

        async def dies(self: ConversationService, *args: Any) -> Part:
            await append(self, *args)
            raise StoreUnavailable

        with monkeypatch.context() as patch:
            patch.setattr(ConversationService, "append", dies)
            later, form_part = now() + timedelta(seconds=70), parts[-1].id
            with pytest.raises(StoreUnavailable):
                await (runs.time_came(later) if is_late else runs.card_answered(form_part, is_pending=True))
        assert await _script(store, conversation) == ["Form", "One"]
        for _ in range(2):
            await runs.card_answered(parts[-1].id)
        assert await _script(store, conversation) == ["Form", "One", "Two", "Bye"]
        run = await _run(store)
        assert (run.state.status, run.part, run.todo) == (RunStatus.ENDED, 4, None)

    async def test_a_late_process_does_not_undo_a_later_step(
        self, runs: Runs, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One that read the run, slept, and wakes when the run has gone on."""
        conversation, parts = await greeted(store, "ada")
        slept = await store.conversations.get(conversation)
        await runs.card_answered(parts[-1].id)
        await runs.card_answered((await _card(store, conversation)).id)

        async def as_it_was(_: str) -> Conversation | None:
            return slept

        with monkeypatch.context() as patch:
            patch.setattr(store.conversations, "get", as_it_was)
            await runs.card_answered(parts[-1].id)
        assert await _script(store, conversation) == [*TO_THE_SECOND, "Bye"]
        run = await _run(store)
        assert (run.state.status, run.revision) == (RunStatus.ENDED, 3)


async def _away(*_: object) -> None:
    raise StoreUnavailable


class TestEdited:
    """A run ends on the version that it began."""

    async def test_a_run_goes_on_with_the_steps_it_began_with(self, runs: Runs, store: Store) -> None:
        conversation, parts = await greeted(store, "ada")
        assert (await publish(store, "flow", greets(Say(id="new", text="Edited")))).version == 2
        await runs.card_answered(parts[-1].id)
        await runs.card_answered((await _card(store, conversation)).id)
        assert await _script(store, conversation) == [*TO_THE_SECOND, "Bye"]
        assert (await _run(store)).version == 1
        _, edited = await greeted(store, "bob")
        assert [_said(p) for p in edited] == ["Edited"]

    async def test_a_paused_flow_greets_nobody_but_ends_what_it_began(self, runs: Runs, store: Store) -> None:
        conversation, parts = await greeted(store, "ada")
        await store.flows.update({"_id": "flow"}, {"$set": {"state": "paused"}})
        await runs.card_answered(parts[-1].id)
        assert len(await _script(store, conversation)) == 5
        assert (await greeted(store, "bob"))[1] == []

    async def test_two_who_publish_at_once_make_two_versions(self, store: Store) -> None:
        await _add(store)
        texts = ["One", "Two", "Three"]
        made = await asyncio.gather(*(publish(store, "flow", greets(Say(id="a", text=text))) for text in texts))
        assert sorted(v.version for v in made) == [2, 3, 4]
        flow = await store.flows.get("flow")
        assert flow
        assert flow.version == 4

    async def test_a_publisher_who_stopped_between_its_writes_holds_up_nobody(self, store: Store) -> None:
        await _add(store)
        await store.flow_versions.insert(flow_version("flow", 2, greets(Say(id="a", text="Left")), AT))
        assert (await publish(store, "flow", greets(Say(id="a", text="Next")))).version == 3


class TestWaits:
    async def test_a_question_continues_with_the_answer_and_no_earlier_message(self, store: Store) -> None:
        good, bye = Say(id="good", text="Good choice"), Say(id="bye", text="Bye")
        await _add(store, steps=(Ask(id="ask", text="Which?"), good, bye))
        chats = ConversationService(store)
        runs = runs_of(store)
        id, parts = await greeted(store, "ada")
        await runs.message_received(parts[0])
        assert await _script(store, id) == ["Which?"]
        conversation = await store.conversations.get(id)
        assert conversation
        answer = await chats.say(conversation, "Kenya", "key-of-answer")
        for _ in range(2):
            await runs.message_received(answer)
        assert await _script(store, id) == ["Which?", "Kenya", "Good choice", "Bye"]

    async def test_a_pause_continues_when_its_time_has_come(self, store: Store) -> None:
        pause, bye = WaitStep(id="pause", seconds=60), Say(id="bye", text="Still there?")
        await _add(store, steps=(Say(id="hi", text="Hi"), pause, bye))
        runs = runs_of(store)
        id, _ = await greeted(store, "ada")
        await runs.time_came(now() + timedelta(seconds=50))
        assert await _script(store, id) == ["Hi"]
        for _ in range(2):
            await runs.time_came(now() + timedelta(seconds=70))
        assert await _script(store, id) == ["Hi", "Still there?"]

    async def test_a_change_of_consent_continues_one_step_and_counts_once(self, store: Store) -> None:
        """The second step waits for a later change than the one that ended the first."""
        runs, ledger, id = await _waiting_for_consent(store)
        await ledger.record(change("ada", "other", subscription=ORDERS))
        asked = await ledger.record(change("ada", "asked", Action.REQUEST_CONFIRMATION))
        yes = await ledger.record(change("ada", "yes", Action.CONFIRM))
        for _ in range(2):
            await runs.consents_changed([yes.event, asked.event])
        assert await _script(store, id) == ["Yes"]
        again = [await ledger.record(change("ada", key, action)) for key, action in AGAIN]
        await runs.consents_changed([recorded.event for recorded in again])
        assert await _script(store, id) == ["Yes", "Again"]
        assert (await _run(store)).state.status is RunStatus.ENDED

    async def test_a_change_for_many_people_continues_no_run_unless_asked_for(self, store: Store) -> None:
        runs, ledger, id = await _waiting_for_consent(store)
        event = (await ledger.record(change("ada", "yes", source=Source.BULK))).event
        await runs.consents_changed([event])
        assert await _script(store, id) == []
        await runs.consents_changed([event.model_copy(update={"follow_ups": [FollowUp.FLOWS]})])
        assert await _script(store, id) == ["Yes"]

    async def test_a_change_while_the_run_moves_to_its_wait_is_not_missed(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runs, ledger, id = await _waiting_for_consent(store)
        yes = await ledger.record(change("ada", "yes"))
        move_run = store.conversations.move_run

        async def after_it_changed(*args: Any) -> bool:
            monkeypatch.undo()
            for key, action in AGAIN:
                await ledger.record(change("ada", key, action))
            return await move_run(*args)

        monkeypatch.setattr(store.conversations, "move_run", after_it_changed)
        await runs.consents_changed([yes.event])
        assert await _script(store, id) == ["Yes", "Again"]


AGAIN = [("no", Action.OPT_OUT), ("again", Action.OPT_IN)]


async def _waiting_for_consent(store: Store) -> tuple[Runs, Ledger, str]:
    """A run of two waits for a yes to the deals, and Ada, who has said nothing yet."""
    first, second = (WaitForConsent(id=id, subscription=DEALS, seconds=60) for id in ("first", "second"))
    await _add(store, steps=(first, Say(id="yes", text="Yes"), second, Say(id="more", text="Again")))
    await store.contacts.insert(person("ada"))
    runs = runs_of(store)
    id, _ = await greeted(store, "ada")
    return runs, Ledger(store), id


async def _old_run(store: Store, conversation: str, **values: Any) -> None:
    """The conversation's run as version 0.1 stored it."""
    runs = store.database.get_collection("flow_runs")
    await runs.delete_many({})
    usual = {
        "_id": "old",
        "flow": "flow",
        "flow_version": 1,
        "steps": OLD_STEPS,
        "conversation": conversation,
        "contact": "ada",
        "created_at": AT,
        "updated_at": AT,
    }
    await runs.insert_one({**usual, **values})
    await store.conversations.update({"_id": conversation}, {"$unset": {"run": ""}})


class TestMoved:
    """What version 0.1 kept in `flow_runs`."""

    async def test_an_old_run_continues_after_its_card(self, store: Store) -> None:
        await _add(store)
        conversation, parts = await greeted(store, "ada")
        place = {"step": 2, "status": "waiting"}
        await _old_run(store, conversation, flow_version=7, place=place, revision=1, waiting_for=parts[-1].id)
        await store.flows.update({"_id": "flow"}, {"$set": {"steps": OLD_STEPS, "version": 3}})
        for _ in range(2):
            await store.prepare()
        assert await store.database.get_collection("flow_runs").count_documents({"moved": True}) == 1
        versions = [v.version for v in await store.flow_versions.find({}, sort=[("_id", 1)], limit=9)]
        assert versions == [1, 3, 7]
        await runs_of(store).card_answered(parts[-1].id)
        assert await _script(store, conversation) == TO_THE_SECOND

    async def test_an_old_run_that_ended_stays_ended(self, store: Store) -> None:
        await _add(store)
        conversation, parts = await greeted(store, "ada")
        await _old_run(store, conversation, place={"step": 7, "status": "ended"}, revision=3)
        await store.prepare()
        await runs_of(store).card_answered(parts[-1].id)
        assert await _script(store, conversation) == ["Hi", "First"]
