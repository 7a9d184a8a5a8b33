"""What a run does besides writing: once each, whatever crashes when."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any, Literal, cast

import pytest

from bot.chat.conversations import ConversationService
from bot.consent.changes import address_change
from bot.consent.ledger import Ledger
from bot.contacts.service import ContactService
from bot.demo import DEALS
from bot.flows.document import FlowDocument
from bot.flows.performing import BOT
from bot.flows.publish import create
from bot.flows.run_starts import IN_A_CIRCLE, MOST_HOPS
from bot.flows.runs import Runs
from bot.model.attribute import Attribute, AttributeType
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.conversation import Conversation, Part, Text
from bot.model.conversation_event import ConversationEvent, ConversationEventName
from bot.model.event import Action, Actor, ConsentEvent, Source
from bot.model.flow import Run, RunStatus, State, Wait
from bot.model.tag import Tag
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests import processes
from tests.flows import crashing_run
from tests.people import AT, change, greeted, greets, person, runs_of, second_process
from tests.store.wire import listened_to

QUESTION = {
    "kind": "ask", "id": "which", "text": "Which?", "answer": "choice",
    "choices": [
        {
            "id": "dark", "label": "Dark",
            "steps": [
                {"kind": "tag", "id": "tag", "tag": "vip"},
                {"kind": "say", "id": "nice", "text": "Nice, {{first_name|you}}!"},
                {"kind": "send_sms", "id": "text", "subscription": DEALS, "text": "{{which}} is on its way"},
                {"kind": "set_attribute", "id": "set", "attribute": "roast", "value": "{{which}}"},
                {"kind": "say", "id": "noted", "text": "Noted."},
                {"kind": "start_flow", "id": "next", "flow": "mail"},
            ],
        },
        {"id": "help", "label": "Help", "steps": [{"kind": "hand_over", "id": "over", "text": "One moment"}]},
    ],
}  # fmt: skip
MAIL = [
    {"kind": "ask", "id": "mail", "text": "Your email?", "answer": "email"},
    {"kind": "say", "id": "thanks", "text": "Thanks!"},
]
TALK = ["Which?", "Dark", "Nice, you!", "Noted.", "Your email?"]


def flow(*steps: dict[str, Any], **values: Any) -> FlowDocument:
    return FlowDocument.model_validate({"steps": steps, **values})


@pytest.fixture
async def runs(store: Store) -> Runs:
    """A flow that greets, another one that it starts, a tag and an attribute."""
    await create(store, greets(*flow(QUESTION).steps), id="flow")
    await create(store, flow(*MAIL), id="mail")
    await store.tags.insert(Tag(id="vip", name="VIP", by="ada", created_at=AT))
    roast = Attribute(id="roast", name="Roast", type=AttributeType.TEXT, by="ada", created_at=AT)
    await store.attributes.insert(roast)
    await store.contacts.insert(person("ada"))
    return runs_of(store)


async def said(store: Store, id: str) -> list[str]:
    parts = await store.parts.after(id, 0, limit=100)
    assert [part.seq for part in parts] == list(range(1, len(parts) + 1))
    assert len({part.key for part in parts}) == len(parts)
    return [part.content.text for part in parts if isinstance(part.content, Text)]


async def the_chat(store: Store, id: str) -> tuple[Conversation, Run]:
    conversation = await store.conversations.get(id)
    assert conversation
    assert conversation.run
    return conversation, conversation.run


async def contact(store: Store) -> Contact:
    found = await store.contacts.get("ada")
    assert found
    return found


async def says(store: Store, id: str, text: str, key: str = "") -> Part:
    conversation, _ = await the_chat(store, id)
    return await ConversationService(store).say(conversation, text, key or text)


async def is_whole(store: Store, id: str) -> None:
    """The chat after "Dark": everything once."""
    assert await said(store, id) == TALK
    ada = await contact(store)
    assert (ada.tags, ada.attributes) == (("vip",), {"roast": "Dark"})
    texts = await store.deliveries.find({"contact": "ada", "_id": {"$regex": f":{id}:"}}, limit=10)
    assert [text.text for text in texts] == ["Dark is on its way"]
    conversation, run = await the_chat(store, id)
    assert (run.flow, run.state.step, run.todo, run.due_at) == ("mail", "mail", None, None)
    assert (conversation.ran or ("",))[0] == "flow"
    assert run.part == conversation.last


async def test_a_transition_does_all_that_it_says(runs: Runs, store: Store) -> None:
    id, _ = await greeted(store, "ada")
    for _ in range(2):
        await runs.message_received(await says(store, id, "Dark"))
    await is_whole(store, id)
    for _ in range(2):
        await runs.message_received(await says(store, id, "ada@example.com"))
    assert await said(store, id) == [*TALK, "ada@example.com", "Thanks!"]
    assert (await contact(store)).email == "ada@example.com"
    assert len(await store.events.after("ada", 0, limit=10)) == 1, "an address is a ledger event (law 14)"


async def test_an_address_that_is_saved_is_not_replaced(runs: Runs, store: Store) -> None:
    id, _ = await greeted(store, "ada")
    await store.contacts.update({"_id": "ada"}, {"$set": {"email": "old@example.com"}})
    await runs.message_received(await says(store, id, "Dark"))
    await runs.message_received(await says(store, id, "ada@example.com"))
    assert (await contact(store)).email == "old@example.com"


async def test_an_address_that_is_saved_meanwhile_is_not_replaced(runs: Runs, store: Store) -> None:
    """Somebody saves one between the reading of the contact and the keeping of the answer (law 5)."""
    read, ledger = await contact(store), Ledger(store)
    fields: tuple[tuple[Literal["email", "phone"], str, str], ...] = (
        ("email", "old@example.com", "new@example.com"),
        ("phone", "+12015550111", "+12015550122"),
    )
    for field, saved, answered in fields:
        ben, address = Actor(kind="teammate", id="ben"), cast("dict[str, Any]", {field: saved})
        await ledger.record(address_change("ada", source=Source.PROFILE, actor=ben, key=field, **address))
        await ContactService(store, ledger).keep_answer(read, field, answered, conversation="chat", key=f"run:{field}")
        assert getattr(await contact(store), field) == saved


async def test_a_handover_brings_the_chat_to_the_inbox(runs: Runs, store: Store) -> None:
    id, _ = await greeted(store, "ada")
    await store.conversations.update({"_id": id}, {"$unset": {"begun": ""}})
    await runs.message_received(await says(store, id, "help"))
    parts = await store.parts.after(id, 0, limit=10)
    assert isinstance(parts[-1].content, ConversationEvent)
    assert parts[-1].content.name is ConversationEventName.HANDED_OVER
    conversation, run = await the_chat(store, id)
    assert (conversation.begun, conversation.is_unread, run.state.status) == (True, True, RunStatus.ENDED)


async def test_two_processes_at_once_do_everything_once(runs: Runs, store: Store, mongo: EmbeddedServer) -> None:
    id, _ = await greeted(store, "ada")
    part = await says(store, id, "Dark")
    async with second_process(mongo) as other:
        both = [runs, runs_of(other)]
        await asyncio.gather(*(both[i % 2].message_received(part) for i in range(6)))
    await runs.finish_left(now())
    await is_whole(store, id)


@pytest.mark.slow
async def test_killed_at_every_point_a_run_does_everything_once(
    runs: Runs, store: Store, mongo: EmbeddedServer
) -> None:
    """Another process finishes what is left, when the message is handled again and when it is not."""
    points = 0
    while True:
        await store.contacts.update({"_id": "ada"}, {"$unset": {"attributes": "", "tags": ""}})
        id, _ = await greeted(store, "ada")
        part = await says(store, id, "Dark")
        victim = await processes.start(crashing_run.answer, mongo.url, store.database.name, part.id, points)
        if await victim.wait() == 0:
            break
        points += 1
        if points % 2:
            await runs.message_received(part)
        await store.conversations.update({"_id": id, "run.due_at": {"$exists": True}}, {"$set": {"run.due_at": AT}})
        await runs.finish_left(now())
        await runs.message_received(part)
        await is_whole(store, id)
    await is_whole(store, id)
    assert points > 12


async def test_flows_that_start_each_other_are_stopped(store: Store) -> None:
    await create(store, greets(*flow({"kind": "start_flow", "id": "s", "flow": "b"}).steps), id="a")
    await create(
        store, flow({"kind": "say", "id": "hi", "text": "b"}, {"kind": "start_flow", "id": "s", "flow": "a"}), id="b"
    )
    await store.contacts.insert(person("ada"))
    runs = runs_of(store)
    await ConversationService(store).begin("chat", "ada", BOT, [])
    id = "chat"
    conversation = await store.conversations.get(id)
    script = await runs.scripts.get("a", 1)
    assert conversation
    assert script
    await runs.start(conversation, script, id="first")
    _, run = await the_chat(store, id)
    assert (run.state.status, run.state.error, run.hops) == (RunStatus.FAILED, IN_A_CIRCLE, MOST_HOPS)
    assert len(await said(store, id)) == MOST_HOPS // 2


class TestTriggers:
    """What starts a flow in a conversation that exists."""

    async def _chat(self, store: Store, **values: Any) -> str:
        """A chat of Ada's without a flow, and one flow that says hello."""
        await create(store, flow({"kind": "say", "id": "hi", "text": "Hello"}, **values), id="hello")
        await store.contacts.insert(person("ada"))
        await ConversationService(store).begin("chat", "ada", BOT, [])
        return "chat"

    async def _says(self, store: Store, text: str) -> list[str]:
        conversation = await store.conversations.get("chat")
        assert conversation
        part = await ConversationService(store).say(conversation, text, text)
        runs = runs_of(store)
        assert await runs.is_interested(conversation, text) == ("deal" in text.casefold())
        for _ in range(2):
            await runs.message_received(part)
        return await said(store, "chat")

    async def test_a_word_in_a_message(self, store: Store) -> None:
        await self._chat(store, triggers=[{"kind": "words_in_message", "words": ["Any DEALS"]}])
        assert await self._says(store, "Hi") == ["Hi"]
        assert await self._says(store, "Are there any deals?") == ["Hi", "Are there any deals?", "Hello"]
        assert await self._says(store, "Any deals??") == ["Hi", "Are there any deals?", "Hello", "Any deals??", "Hello"]

    async def test_once_a_person(self, store: Store) -> None:
        words = {"kind": "words_in_message", "words": ["deals"]}
        await self._chat(store, triggers=[words], audience={"once": True})
        await self._says(store, "Deals")
        assert await self._says(store, "More deals") == ["Deals", "Hello", "More deals"]

    async def test_not_where_a_teammate_talks(self, store: Store) -> None:
        await self._chat(store, triggers=[{"kind": "words_in_message", "words": ["deals"]}])
        await store.conversations.update({"_id": "chat"}, {"$set": {"assignee": "ben"}})
        assert await self._says(store, "Deals") == ["Deals"]

    async def test_the_first_in_order_that_matches(self, store: Store) -> None:
        words = {"kind": "words_in_message", "words": ["deals"]}
        await self._chat(store, triggers=[words])
        other = {"kind": "say", "id": "hi", "text": "Ahead"}
        await create(
            store, flow(other, triggers=[words], audience={"conditions": [{"field": "has_phone"}]}), id="phone"
        )
        await create(store, flow(other, triggers=[words]), id="first")
        await store.flows.update({"_id": "phone"}, {"$set": {"order": -2}})
        await store.flows.update({"_id": "first"}, {"$set": {"order": -1}})
        assert await self._says(store, "Deals") == ["Deals", "Ahead"]

    async def test_a_change_of_consent(self, store: Store) -> None:
        trigger = {"kind": "consent_changed", "subscription": DEALS, "states": ["opted_out"]}
        await self._chat(store, triggers=[trigger])
        runs, ledger = runs_of(store), Ledger(store)
        yes = (await ledger.record(change("ada", "yes"))).event
        no = (await ledger.record(change("ada", "no", Action.OPT_OUT))).event
        for _ in range(2):
            await runs.consents_changed([yes, no])
        assert await said(store, "chat") == ["Hello"]

    async def test_a_change_of_consent_starts_a_chain_of_flows_once(self, store: Store) -> None:
        """Events are handled again, also when each has already started flows that are over, and in a newer chat."""
        trigger = {"kind": "consent_changed", "subscription": DEALS, "states": ["opted_out"]}
        await self._chat(store)
        say, next = {"kind": "say", "id": "a", "text": "A"}, {"kind": "start_flow", "id": "next", "flow": "hello"}
        await create(store, flow(say, next, triggers=[trigger]), id="first")
        runs, ledger = runs_of(store), Ledger(store)
        events: list[ConsentEvent] = []
        for key, action in (("yes", Action.OPT_IN), ("no", Action.OPT_OUT)) * 2:
            events.append((await ledger.record(change("ada", f"{key}{len(events)}", action))).event)
        await runs.consents_changed(events)
        once = await the_chat(store, "chat")
        assert await said(store, "chat") == ["A", "Hello"] * 2
        await runs.consents_changed(events)
        assert await the_chat(store, "chat") == once
        await ConversationService(store).begin("newer", "ada", BOT, [])
        await store.conversations.update({"_id": "newer"}, {"$set": {"created_at": AT}})
        await runs.consents_changed(events)
        assert await said(store, "chat") == ["A", "Hello"] * 2
        assert await said(store, "newer") == []


async def test_a_tick_costs_one_query_of_each_kind_however_many_runs_wait(store: Store, mongo: EmbeddedServer) -> None:
    until, waiting = now() + timedelta(hours=1), State(status=RunStatus.WAITING, step="w", waits=(Wait.TIME,))
    run = Run(id="r", flow="flow", version=1, state=waiting.model_copy(update={"until": until}))
    chats = [Conversation(id=f"{i:024x}", contact="ada", run=run, created_at=AT, updated_at=AT) for i in range(10_000)]
    await store.conversations.insert_many(chats)
    async with listened_to(mongo) as (listening, wire):
        runs = runs_of(listening)
        await runs.time_came(now())
        await runs.finish_left(now())
        found = [one["filter"] for name, one in wire.queries if name == "find" and one["find"] == "conversations"]
    assert [[*match] for match in found] == [["run.state.until"], ["run.due_at"]], "tests/store explains them"
