"""Opening a chat writes nothing; the first act makes exactly one contact and one conversation."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.app import Bot, make_bot
from bot.chat.conversations import opened_with
from bot.chat.inbox import View, Whose
from bot.chat.visitors import Claim
from bot.config import Settings
from bot.demo import DEALS, FLOW
from bot.errors import Invalid, NotFound, Unauthorized, WordsChanged
from bot.flows.document import FlowAudience, FlowDocument
from bot.flows.matching import Who
from bot.flows.messenger import Opened
from bot.flows.publish import create, publish
from bot.flows.steps import Condition, OptInForm, Say, WaitStep
from bot.flows.triggers import TimeOnPage
from bot.model.base import now
from bot.model.contact import ConsentState
from bot.model.conversation import Author, AuthorKind, Card, Conversation, OpeningEntry, Part, Text
from bot.model.conversation_event import ConversationEvent
from bot.model.filter import ConsentIs
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.people import AT, TEAMMATE, answer_to, greets, second_process
from widget.messenger.input import LONGEST_TOKEN

GREETED = ["text", "card"]
SIGN_UPS = View("ada0ada0ada0ada0ada0ada0", whose=Whose.SIGN_UPS)
DONE = [*GREETED, "event", "text"]


async def opened_chat(bot: Bot, token: str | None = None, wanted: str | None = None) -> Opened:
    """As the page opens it; the script that greets is read anew."""
    return await bot.open_messenger(token, Claim(page="https://shop.example/beans", time_zone="Europe/Madrid"), wanted)


async def documents(store: Store) -> dict[str, int]:
    return {table.name: await table.collection.count_documents({}) for table in store.tables}


async def answers(bot: Bot, opened: Opened, address: str = "(201) 555-0123") -> None:
    """The visitor completes the card of the chat, as the messenger's page does."""
    contact, chat = await bot.messenger.visit(opened.token, opened.conversation)
    assert chat
    part = await bot.cards.card(chat, 2)
    answer = await answer_to(bot, opened.parts[1], opened.contact, address=address)
    await bot.submit(part, contact, answer, chat.unstored)


async def says(bot: Bot, opened: Opened, text: str = "Hello?", key: str = "message-1") -> None:
    contact, chat = await bot.messenger.visit(opened.token, opened.conversation)
    assert chat
    await bot.openings.store(contact, chat)
    await bot.say(chat, text, key)


async def opens_card(bot: Bot, opened: Opened) -> None:
    contact, chat = await bot.messenger.visit(opened.token, opened.conversation)
    assert chat
    await bot.openings.store(contact, chat)
    await bot.cards.opened(chat.id, 2, contact.id)


Act = Callable[[Bot, Opened], Awaitable[None]]


async def the_chat(store: Store, opened: Opened) -> tuple[Conversation, list[Part]]:
    """The one conversation there is, with its one contact, and its entries: numbered without gap or duplicate."""
    (contact,) = await store.contacts.find({}, limit=3)
    (conversation,) = await store.conversations.find({}, limit=3)
    assert (contact.id, conversation.id) == (opened.contact.id, opened.conversation)
    assert conversation.contact == contact.id
    parts = await store.parts.after(conversation.id, 0, limit=100)
    assert [part.seq for part in parts] == list(range(1, len(parts) + 1))
    assert len({part.key for part in parts}) == len(parts)
    assert conversation.last == len(parts)
    return conversation, parts


async def settled(bot: Bot) -> None:
    await bot.consumers.drain()
    await bot.finish()


class TestNoAct:
    @pytest.mark.parametrize("count", [1_000, pytest.param(100_000, marks=pytest.mark.soak)])
    async def test_opened_chats_leave_no_document_and_the_first_act_makes_one(
        self, bot: Bot, store: Store, count: int
    ) -> None:
        before = await documents(store)
        opened = await _open_many(bot, count)
        assert await documents(store) == before
        await says(bot, opened)
        await settled(bot)
        _, parts = await the_chat(store, opened)
        assert [part.content.kind for part in parts] == [*GREETED, "text"]

    async def test_opened_again_it_is_the_same_chat(self, bot: Bot) -> None:
        first = await opened_chat(bot)
        again = await opened_chat(bot, first.token)
        assert (again.conversation, again.contact.id, again.parts) == (
            first.conversation,
            first.contact.id,
            first.parts,
        )
        assert (first.fresh, again.fresh) == ([1, 2], [])

    async def test_a_new_conversation_is_another_chat_of_the_same_person(self, bot: Bot, store: Store) -> None:
        first = await opened_chat(bot)
        other = await opened_chat(bot, first.token, "new")
        assert (other.contact.id, other.conversation != first.conversation) == (first.contact.id, True)
        assert await store.conversations.count_about() == 0

    async def test_an_opening_of_yesterday_is_made_anew(self, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
        first = await opened_chat(bot)
        monkeypatch.setattr("bot.flows.opening.FRESH", timedelta(0))
        again = await opened_chat(bot, first.token)
        assert (again.contact.id, again.conversation != first.conversation) == (first.contact.id, True)

    async def test_a_greeting_that_waits_for_a_time_is_stored_at_once(self, bot: Bot, store: Store) -> None:
        steps = (Say(id="hi", text="Hi"), WaitStep(id="wait", seconds=60), Say(id="still", text="Still there?"))
        await publish(store, FLOW, greets(*steps))
        opened = await opened_chat(bot)
        await the_chat(store, opened)
        await bot.runs.time_came(now() + timedelta(minutes=2))
        _, parts = await the_chat(store, opened)
        assert [part.preview for part in parts] == ["Hi", "Still there?"]


MEMBER = Who(conditions=(ConsentIs(subscription=DEALS, states=(ConsentState.OPTED_IN,)),))
PERSONAL = greets(
    Say(id="hi", text="Hi {{first_name|there}}"),
    Condition(
        id="member",
        when=MEMBER,
        then=(Say(id="back", text="Welcome back"),),
        otherwise=(OptInForm(id="form", subscription=DEALS, title="Get our deals"),),
    ),
    Say(id="thanks", text="Thanks, {{first_name|friend}}"),
)


class TestPersonalGreeting:
    """One with variables or conditions is drawn, too."""

    async def test_a_look_leaves_no_document(self, bot: Bot, store: Store) -> None:
        await publish(store, FLOW, PERSONAL)
        before = await documents(store)
        opened = await _open_many(bot, 1_000)
        assert [part.content.kind for part in opened.parts] == GREETED
        assert opened.parts[0].preview == "Hi there"
        assert await documents(store) == before
        again = await opened_chat(bot, opened.token)
        assert (again.conversation, again.parts) == (opened.conversation, opened.parts)

    async def test_an_answer_to_it_is_recorded_and_the_flow_goes_on(self, bot: Bot, store: Store) -> None:
        await publish(store, FLOW, PERSONAL)
        opened = await opened_chat(bot)
        for _ in range(2):
            await answers(bot, opened)
        await settled(bot)
        _, parts = await the_chat(store, opened)
        assert [part.content.kind for part in parts] == DONE
        assert parts[-1].preview == "Thanks, friend"
        (event,) = await store.events.after(opened.contact.id, 0, limit=9)
        assert event.context.opening is None, "what it asked about them is not in the ledger"

    async def test_what_was_shown_is_what_is_stored(self, bot: Bot, store: Store) -> None:
        await publish(store, FLOW, PERSONAL)
        first = await opened_chat(bot)
        await says(bot, first)
        await settled(bot)
        await store.contacts.update({"_id": first.contact.id}, {"$set": {"name": "Ada Byron"}})
        before = await documents(store)
        opened = await opened_chat(bot, first.token, "new")
        assert opened.parts[0].preview == "Hi Ada"
        await store.contacts.update({"_id": first.contact.id}, {"$set": {"name": "Eve"}})
        again = await opened_chat(bot, opened.token, opened.conversation)
        assert again.parts == opened.parts
        assert await documents(store) == before
        await says(bot, opened)
        await settled(bot)
        parts = await store.parts.after(opened.conversation, 0, limit=9)
        assert [part.preview for part in parts] == ["Hi Ada", "", "Hello?"]

    async def test_one_that_does_more_or_asks_for_too_much_is_stored(self, bot: Bot, store: Store) -> None:
        names = " ".join(f"{{{{attribute_a{n}|x}}}}" for n in range(9))
        await publish(store, FLOW, greets(Say(id="hi", text=names)))
        first = await opened_chat(bot)
        assert first.opening, "nothing is known of them"
        await says(bot, first)
        attributes = {f"a{n}": "y" * 100 for n in range(9)}
        await store.contacts.update({"_id": first.contact.id}, {"$set": {"attributes": attributes}})
        opened = await opened_chat(bot, first.token, "new")
        assert (opened.opening, opened.parts[0].preview[:3]) == (None, "yyy")

    @pytest.mark.parametrize("value", ["y" * 300, "\u0634" * 100])
    async def test_long_values_are_shown_whole_and_never_make_the_token_too_long(
        self, bot: Bot, store: Store, value: str
    ) -> None:
        names = " ".join(f"{{{{attribute_a{n}}}}}" for n in range(5))
        await publish(store, FLOW, greets(Say(id="hi", text=names)))
        first = await opened_chat(bot)
        await says(bot, first)
        for count in range(1, 6):
            attributes = {f"a{n}": value for n in range(count)}
            await store.contacts.update({"_id": first.contact.id}, {"$set": {"attributes": attributes}})
            opened = await opened_chat(bot, first.token, "new")
            assert opened.parts[0].preview.startswith(value[:60])
            assert isinstance(content := opened.parts[0].content, Text)
            assert content.text.split() == [value] * count
            assert len(opened.token) <= LONGEST_TOKEN


class TestStay:
    """A flow that greets visitors after some time on a page."""

    async def test_it_greets_in_a_chat_that_the_first_act_stores(self, bot: Bot, store: Store) -> None:
        before = await _stays(store)
        assert await bot.messenger.stayed(None, Claim(page="https://shop.example/cart"), 60) is None
        assert await bot.messenger.stayed(None, Claim(page="https://shop.example/beans"), 30) is None
        token = await bot.messenger.stayed(None, Claim(page="https://shop.example/cart"), 30)
        assert token
        opened = await opened_chat(bot, token)
        assert [part.preview for part in opened.parts] == ["Any questions about your cart?"]
        again = await opened_chat(bot, opened.token)
        assert (again.conversation, again.parts) == (opened.conversation, opened.parts), "on the next page"
        assert await documents(store) == before
        await says(bot, again)
        _, parts = await the_chat(store, opened)
        assert [part.preview for part in parts] == ["Any questions about your cart?", "Hello?"]

    async def test_it_is_unread_until_the_chat_is_opened(self, bot: Bot, store: Store) -> None:
        await _stays(store)
        token = await bot.messenger.stayed(None, Claim(page="https://shop.example/cart"), 30)
        opened = await opened_chat(bot, token)
        arrivals = [bot.visitors.arrival(one)[1] for one in (token, opened.token)]
        assert [bool(arrival and arrival.is_unread) for arrival in arrivals] == [True, False]

    @pytest.mark.parametrize("is_closed", [False, True])
    async def test_it_leaves_people_alone_whom_a_teammate_talks_to(
        self, bot: Bot, store: Store, is_closed: bool
    ) -> None:
        await _stays(store)
        opened = await opened_chat(bot)
        await says(bot, opened)
        await settled(bot)
        await bot.conversations.append(opened.conversation, TEAMMATE, Text(text="Hi"), "k1")
        if is_closed:
            await bot.conversations.append(opened.conversation, TEAMMATE, ConversationEvent(name="closed"), "k2")
        await store.conversations.update({"_id": opened.conversation}, {"$unset": {"run": ""}})
        token = await bot.messenger.stayed(opened.token, Claim(page="https://shop.example/cart"), 30)
        assert (token is not None) is is_closed

    async def test_it_leaves_people_alone_whom_a_flow_waits_for(self, bot: Bot, store: Store) -> None:
        await _stays(store)
        opened = await opened_chat(bot)
        await says(bot, opened)
        await settled(bot)
        assert await bot.messenger.stayed(opened.token, Claim(page="https://shop.example/cart"), 30) is None

    async def test_once_per_browser(self, bot: Bot, store: Store) -> None:
        await _stays(store, audience=FlowAudience(once=True))
        claim = Claim(page="https://shop.example/cart")
        token = await bot.messenger.stayed(None, claim, 30)
        assert token
        assert await bot.messenger.stayed(token, claim, 30) is None

    async def test_it_is_counted_as_shown_when_the_chat_is_opened(self, bot: Bot, store: Store) -> None:
        await _stays(store)
        shown = list[int]()
        token = await bot.messenger.stayed(None, Claim(page="https://shop.example/cart"), 30)
        for _ in range(3):
            shown.append((await bot.flow_figures.of("cart", days=1)).shown)
            token = (await opened_chat(bot, token)).token
        assert shown == [0, 1, 1]

    async def test_it_makes_nobody_another_person(self, bot: Bot, store: Store) -> None:
        await _stays(store)
        secret = (await bot.workspace()).identity_secrets[0].secret
        proof = hmac.new(secret.encode(), b"u1", "sha256").hexdigest()
        claim = Claim(page="https://shop.example/cart", user_id="u1", user_hash=proof, name="Ada", locale="es")
        for is_stored in (False, True):
            lead = await opened_chat(bot)
            if is_stored:
                await says(bot, lead)
                await settled(bot)
            before = await documents(store), await store.contacts.find({}, limit=9)
            assert await bot.messenger.stayed(lead.token, claim, 30) is None, "opening the chat says who they are"
            token = await bot.messenger.stayed(None, claim, 30)
            assert token, "in a browser that nobody used before"
            assert await bot.messenger.stayed(token, claim, 30), "and again there"
            assert before == (await documents(store), await store.contacts.find({}, limit=9))
        opened = await bot.open_messenger(token, claim, None)
        assert (opened.contact.external_id, opened.parts[0].preview) == ("u1", "Any questions about your cart?")
        await says(bot, opened)
        await settled(bot)
        before = await documents(store), await store.contacts.find({}, limit=9)
        await bot.messenger.stayed(opened.token, replace(claim, name="Eve", locale="de"), 30)
        assert before == (await documents(store), await store.contacts.find({}, limit=9))
        with pytest.raises(Invalid):
            await bot.messenger.stayed(None, replace(claim, user_hash="wrong"), 30)


async def _stays(store: Store, **values: Any) -> dict[str, int]:
    """A live flow that greets after 30 seconds in the cart. Returns how many documents there are."""
    trigger = TimeOnPage(seconds=30, pages=("/cart",))
    document = FlowDocument(
        triggers=(trigger,), steps=(Say(id="ask", text="Any questions about your cart?"),), **values
    )
    await create(store, document, id="cart", state="live", order=0)
    return await documents(store)


async def _open_many(bot: Bot, count: int) -> Opened:
    """The last of them."""
    for _ in range(count // 100):
        *_, last = await asyncio.gather(*(opened_chat(bot) for _ in range(100)))
    return last


class TestFirstAct:
    async def test_an_answer(self, bot: Bot, store: Store) -> None:
        opened = await opened_chat(bot)
        await answers(bot, opened)
        await settled(bot)
        conversation, parts = await the_chat(store, opened)
        assert [part.content.kind for part in parts] == DONE
        assert isinstance(parts[1].content, Card)
        assert (parts[1].content.state, parts[1].content.number) == ("completed", "+12015550123")
        assert (conversation.seen, conversation.delivered) == (2, 2)
        assert (conversation.begun, conversation.signed_up, conversation.is_unread) == (None, 3, True)
        assert [item.conversation.id for item in (await bot.inbox.listing(SIGN_UPS)).items] == [conversation.id]
        contact = await store.contacts.get(opened.contact.id)
        assert contact
        assert (contact.phone, contact.page, contact.time_zone) == (
            "+12015550123",
            "https://shop.example/beans",
            "Europe/Madrid",
        )
        assert [consent.state for consent in contact.consents] == [ConsentState.OPTED_IN]
        assert await store.deliveries.count_about() == 1
        assert await store.parts.count_about() == 0

    async def test_an_answer_that_has_to_be_confirmed(self, bot: Bot, store: Store) -> None:
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
        opened = await opened_chat(bot)
        await answers(bot, opened)
        await settled(bot)
        _, parts = await the_chat(store, opened)
        assert [part.content.kind for part in parts] == [*GREETED, "event"]
        await bot.sender.send_some()
        await bot.receive("+12015550123", "YES", "text-1")
        await settled(bot)
        _, parts = await the_chat(store, opened)
        assert [part.content.kind for part in parts] == [*GREETED, "event", "event", "text"]

    async def test_a_message(self, bot: Bot, store: Store) -> None:
        opened = await opened_chat(bot)
        for _ in range(2):
            await says(bot, opened)
        conversation, parts = await the_chat(store, opened)
        assert [part.content.kind for part in parts] == [*GREETED, "text"]
        assert (conversation.begun, conversation.seen) == (True, 2)
        await answers(bot, opened)
        await settled(bot)
        _, parts = await the_chat(store, opened)
        assert [part.content.kind for part in parts] == [*GREETED, "text", "event", "text"]

    async def test_a_card_opened(self, bot: Bot, store: Store) -> None:
        opened = await opened_chat(bot)
        await opens_card(bot, opened)
        conversation, parts = await the_chat(store, opened)
        assert isinstance(parts[1].content, Card)
        assert parts[1].content.opened_at
        assert not conversation.begun

    async def test_the_inbox_shows_the_greeting_before_it(self, bot: Bot, store: Store) -> None:
        opened = await opened_chat(bot)
        await answers(bot, opened)
        await settled(bot)
        assert [part.seq for part in await bot.inbox.page(opened.conversation)] == [1, 2, 3, 4]
        assert [part.seq for part in await bot.inbox.page(opened.conversation, before=3)] == [1, 2]
        assert [part.seq for part in await bot.inbox.page(opened.conversation, limit=3)] == [2, 3, 4]
        assert [part.seq for part in await bot.conversations.page(opened.conversation, before=4, limit=2)] == [2, 3]

    async def test_of_a_person_who_is_known_already(self, bot: Bot, store: Store) -> None:
        first = await opened_chat(bot)
        await says(bot, first)
        other = await opened_chat(bot, first.token, "new")
        await answers(bot, other)
        await settled(bot)
        assert await store.contacts.count_about() == 1
        assert await store.conversations.count_about() == 2
        parts = await store.parts.after(other.conversation, 0, limit=10)
        assert [part.content.kind for part in parts] == DONE


RACES: list[tuple[Act, ...]] = [
    (answers, answers),
    (answers, says),
    (says, answers),
    (says, says),
    (answers, opens_card),
    (opens_card, says, answers),
    (answers, says, answers, says, opens_card),
]


class TestRaces:
    @pytest.mark.parametrize("acts", RACES, ids=lambda acts: "-".join(act.__name__ for act in acts))
    @pytest.mark.parametrize("turn", range(3))
    async def test_acts_at_once_in_two_tabs_and_two_processes(
        self,
        bot: Bot,
        store: Store,
        mongo: EmbeddedServer,
        settings: Settings,
        acts: tuple[Act, ...],
        turn: int,
    ) -> None:
        opened = await opened_chat(bot)
        tab = await opened_chat(bot, opened.token)
        async with second_process(mongo) as other:
            bots = [bot, await make_bot(settings, other, "http://sayso.test")]
            await asyncio.gather(
                *(act(bots[(i + turn) % 2], (opened, tab)[i % 2]) for i, act in enumerate(acts)),
            )
            for one in bots:
                await settled(one)
        _, parts = await the_chat(store, opened)
        kinds = [part.content.kind for part in parts]
        assert kinds[:2] == GREETED
        assert kinds.count("event") == (answers in acts)
        assert sum(part.author.kind is AuthorKind.CONTACT and part.content.kind == "text" for part in parts) == (
            says in acts
        )
        thanks = [part for part in parts[2:] if part.author.kind is AuthorKind.BOT]
        assert len(thanks) == (answers in acts)
        assert await store.deliveries.count_about() == (answers in acts)
        events = await store.events.after(opened.contact.id, 0, limit=10)
        assert len(events) == (answers in acts)


class TestStrangers:
    async def test_nobody_acts_in_a_chat_that_is_not_in_their_token(self, bot: Bot) -> None:
        opened, stranger = await opened_chat(bot), await opened_chat(bot)
        _, chat = await bot.messenger.visit(stranger.token, opened.conversation)
        assert chat is None
        _, chat = await bot.messenger.visit(stranger.token, "f" * 24)
        assert chat is None
        await says(bot, opened)
        _, chat = await bot.messenger.visit(stranger.token, opened.conversation)
        assert chat is None
        with pytest.raises(NotFound):
            await opened_chat(bot, stranger.token, opened.conversation)

    async def test_a_token_that_was_changed_is_refused(self, bot: Bot) -> None:
        opened = await opened_chat(bot)
        for at in (0, 30, 60, len(opened.token) - 2):  # the last character has bits that don't count
            changed = opened.token[:at] + ("A" if opened.token[at] != "A" else "B") + opened.token[at + 1 :]
            with pytest.raises(Unauthorized):
                await bot.messenger.visit(changed, opened.conversation)

    async def test_the_token_of_a_person_who_was_deleted_is_refused(self, bot: Bot, store: Store) -> None:
        opened = await opened_chat(bot)
        await says(bot, opened)
        await store.contacts.collection.delete_many({})
        with pytest.raises(Unauthorized):
            await bot.messenger.visit(opened.token, opened.conversation)


class TestEdited:
    async def test_a_chat_ends_on_the_version_that_greeted(self, bot: Bot, store: Store) -> None:
        opened = await opened_chat(bot)
        form = OptInForm(id="form", subscription=DEALS, title="Another title", legal_text="Other terms")
        await publish(store, FLOW, greets(form, Say(id="other", text="Other thanks")))
        await answers(bot, opened)
        await settled(bot)
        conversation, parts = await the_chat(store, opened)
        assert [part.content.kind for part in parts] == DONE
        assert conversation.run
        assert conversation.run.version == 1
        (event,) = await store.events.find({}, limit=2)
        assert event.words
        assert isinstance(opened.parts[1].content, Card)
        assert event.words.title == opened.parts[1].content.title

    async def test_words_that_changed_meanwhile_are_shown_before_they_are_agreed_to(
        self, bot: Bot, store: Store
    ) -> None:
        opened = await opened_chat(bot)
        contact, chat = await bot.messenger.visit(opened.token, opened.conversation)
        assert chat
        answer = await answer_to(bot, opened.parts[1], contact)
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"description": "Twice a day"}})
        with pytest.raises(WordsChanged):
            await bot.submit(opened.parts[1], contact, answer, chat.unstored)
        assert await store.events.count_about() == 0


TEXT = st.builds(Text, text=st.sampled_from(["Hi", "Which roast?"]))
EVENT = st.just(ConversationEvent(name="signed_up", part=1, subscription="deals"))
CARD = st.just(Card(subscription="deals", title="Sign up"))
BOT_SAYS = st.tuples(st.just(Author(kind=AuthorKind.BOT, id="bot")), st.one_of(TEXT, CARD))
CONTACT_DOES = st.tuples(st.just(Author(kind=AuthorKind.CONTACT, id="ada")), EVENT)


@given(st.lists(st.one_of(BOT_SAYS, CONTACT_DOES), max_size=6))
def test_the_entries_of_an_opening_have_their_places_and_keys(found: list[tuple[Author, Text | Card]]) -> None:
    entries = [OpeningEntry(author=a, content=c, at=AT, key=f"k{i}") for i, (a, c) in enumerate(found)]
    conversation = opened_with("chat", "ada", entries, AT)
    parts = conversation.opening_parts
    assert [(p.seq, p.id, p.key) for p in parts] == [
        (i + 1, f"chat:{i + 1:010d}", f"chat:k{i}") for i in range(len(found))
    ]
    assert Conversation.load(conversation.stored()) == conversation


@pytest.mark.parametrize("kinds", [[], ["bot"], ["bot", "card"], ["bot", "card", "event", "bot"]])
async def test_figures_are_those_that_the_parts_would_have_made(store: Store, kinds: list[str]) -> None:
    contact, robot = Author(kind=AuthorKind.CONTACT, id="ada"), Author(kind=AuthorKind.BOT, id="bot")
    made = {
        "bot": (robot, Text(text="Hi")),
        "card": (robot, Card(subscription="deals", title="Sign up")),
        "event": (contact, ConversationEvent(name="signed_up", part=2, subscription="deals")),
    }
    entries = [
        OpeningEntry(author=made[kind][0], content=made[kind][1], at=AT + timedelta(seconds=i), key=f"k{i}")
        for i, kind in enumerate(kinds)
    ]
    opened = opened_with("chat", "ada", entries, AT)
    await store.conversations.insert(Conversation(id="chat", contact="ada", created_at=AT, updated_at=AT))
    await store.conversations.touch(opened.opening_parts)
    touched = await store.conversations.get("chat")
    assert touched
    assert touched.model_copy(update={"opening": opened.opening}) == opened
