"""Conversations by text: what people write comes in once, and what teammates answer leaves once, if it may."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from bot.app import Bot, make_bot
from bot.chat.inbox import View
from bot.chat.visitors import Claim
from bot.config import Settings
from bot.consent.verify import verify
from bot.demo import DEALS
from bot.errors import Invalid, NotFound, NumberRefused, NumberStopped, StoreUnavailable
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.conversation import Channel, Conversation, ConversationState, Part, Text
from bot.model.conversation_event import ConversationEvent, ConversationEventName
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.model.event import Action
from bot.model.signal import SignalKind
from bot.outbound.gateways import LONGEST, GatewayError
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.conftest import eventually
from tests.outbound.carrier import Carrier, raising, through
from tests.people import ANOTHER, NUMBER, act, change, events_of, second_process, texted

MakeContact = Callable[..., Awaitable[Contact]]
ADA = "ada0ada0ada0ada0ada0ada0"


@pytest.fixture
async def maya(bot: Bot, make_contact: MakeContact) -> Contact:
    """Somebody whose number we know, and who said no to everything."""
    contact = await make_contact(name="Maya")
    await bot.ledger.record(change(contact.id, "k", Action.OPT_OUT))
    await bot.ledger.record(change(contact.id, "n", Action.CAPTURE_PHONE, subscription=None))
    return contact


async def _inbox(bot: Bot) -> list[Conversation]:
    return [item.conversation for item in (await bot.inbox.listing(View(ADA))).items]


async def _texting(bot: Bot, *texts: str, number: str = NUMBER) -> Conversation:
    """The conversation in which these texts came."""
    for i, text in enumerate(texts or ("Is the Sidamo back?",)):
        await bot.receive(number, text, f"{number}-{i}")
    (conversation,) = [c for c in await _inbox(bot) if c.number == number]
    return conversation


async def _said(bot: Bot, conversation: Conversation) -> list[str]:
    parts = await bot.inbox.page(conversation.id)
    return [f"{p.author.kind}: {p.content.text}" for p in parts if isinstance(p.content, Text)]


async def _thread(bot: Bot, conversation: Conversation) -> list[str]:
    """Each entry by its first three words, or its name."""
    contents = [part.content for part in await bot.inbox.page(conversation.id)]
    return [
        " ".join(c.text.split()[: 4 if c.text.startswith("Harbor") else 9])
        if isinstance(c, Text)
        else str(getattr(c, "name", "?"))
        for c in contents
    ]


async def _leave(bot: Bot) -> None:
    while await bot.sender.send_some():
        pass


async def _on_phone(bot: Bot, number: str = NUMBER) -> list[str]:
    await _leave(bot)
    return [text.body for text in await bot.phone.texts(number) if text.incoming]


async def _delivery(bot: Bot, part: Part) -> Delivery:
    return (await bot.threads.deliveries_of([part]))[part.id]


class TestIn:
    async def test_a_text_is_a_message_of_whoever_has_the_number(self, bot: Bot, maya: Contact) -> None:
        c = await _texting(bot, "Is the Sidamo back?", "Hello?")
        assert (c.contact, c.channel, c.number, c.state) == (maya.id, Channel.SMS, NUMBER, ConversationState.OPEN)
        assert c.is_unread
        assert await _said(bot, c) == ["contact: Is the Sidamo back?", "contact: Hello?"]

    async def test_the_same_text_again_stands_once(self, bot: Bot, maya: Contact) -> None:
        await asyncio.gather(*(bot.receive(NUMBER, "Hi", "t1") for _ in range(5)))
        await bot.receive(NUMBER, "Hi", "t1")
        (c,) = await _inbox(bot)
        assert await _said(bot, c) == ["contact: Hi"]

    async def test_a_number_that_nobody_has_makes_a_lead_with_it(self, bot: Bot, store: Store) -> None:
        c = await _texting(bot)
        lead = await bot.ledger.contact(c.contact)
        assert lead
        assert (lead.phone, lead.role, lead.consents) == (NUMBER, "lead", ())
        (event,) = await events_of(store, lead.id)
        assert (event.action, event.number, event.subscription) == (Action.CAPTURE_PHONE, NUMBER, None)
        assert (await verify(store, repair=False)).is_whole
        assert [i.contact for i in (await bot.inbox.search(NUMBER)).items] == [lead]

    async def test_two_processes_that_hear_it_at_once_make_one(
        self, bot: Bot, store: Store, mongo: EmbeddedServer, settings: Settings
    ) -> None:
        async with second_process(mongo) as theirs:
            both = [bot, await make_bot(settings, theirs, "http://sayso.test")]
            await asyncio.gather(*(one.receive(NUMBER, f"Text {i % 4}", f"t{i % 4}") for i in range(8) for one in both))
        (c,) = await _inbox(bot)
        assert sorted(await _said(bot, c)) == [f"contact: Text {i}" for i in range(4)]
        assert len(await store.contacts.find({}, limit=9)) == 1
        assert len(await events_of(store, c.contact)) == 1
        assert c.last == 4

    async def test_a_process_that_died_before_the_number_was_recorded_is_mended_by_the_next_text(
        self, bot: Bot, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def away(*_: object) -> None:
            raise StoreUnavailable

        with monkeypatch.context() as patch:
            patch.setattr(bot.ledger, "record", away)
            with pytest.raises(StoreUnavailable):
                await bot.receive(NUMBER, "Hi", "t1")
        c = await _texting(bot, "Hi")
        (lead,) = await store.contacts.find({}, limit=9)
        assert (c.contact, lead.phone) == (lead.id, NUMBER)

    async def test_the_id_of_a_lead_tells_no_number(self, bot: Bot, settings: Settings, store: Store) -> None:
        """Numbers are few: without a key, anyone could try them all."""
        other = await make_bot(settings.model_copy(update={"secret_key": None}), store, "http://sayso.test")
        assert bot.threads._lead_id(NUMBER, 0) != other.threads._lead_id(NUMBER, 0)

    async def test_a_lead_who_has_another_number_now_is_not_who_texts_from_the_old_one(
        self, bot: Bot, store: Store
    ) -> None:
        first = await _texting(bot)
        await bot.ledger.record(change(first.contact, "moved", Action.CAPTURE_PHONE, subscription=None, number=ANOTHER))
        await bot.receive(NUMBER, "Who is this?", "later")
        (mine,) = [c for c in await _inbox(bot) if c.contact != first.contact]
        assert await _said(bot, mine) == ["contact: Who is this?"]
        assert len(await store.contacts.find({}, limit=9)) == 2

    async def test_who_texts_from_a_new_number_goes_on_in_one_conversation(self, bot: Bot, maya: Contact) -> None:
        await _texting(bot)
        await bot.ledger.record(change(maya.id, "moved", Action.CAPTURE_PHONE, subscription=None, number=ANOTHER))
        await bot.receive(ANOTHER, "My new number", "t9")
        (c,) = await _inbox(bot)
        assert (c.number, len(await _said(bot, c))) == (ANOTHER, 2)

    async def test_of_several_people_with_the_number_it_is_the_one_changed_last_then_always_the_same(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        old, new = await make_contact(phone=NUMBER), await make_contact(phone=NUMBER)
        await bot.ledger.record(change(new.id, "k"))
        assert (await _texting(bot)).contact == new.id
        await bot.ledger.record(change(old.id, "k"))
        assert (await _texting(bot, "a", "b")).contact == new.id

    async def test_keywords_show_where_a_conversation_is_and_begin_none(self, bot: Bot, maya: Contact) -> None:
        for word in ("HELP", "STOP", "START"):
            await bot.receive(NUMBER, word, f"before-{word}")
        assert await _inbox(bot) == []
        await _texting(bot, "Hi")
        for word in ("HELP", "STOP", "STOP", "START"):
            await bot.receive(NUMBER, word, f"then-{word}")
        (c,) = await _inbox(bot)
        assert [text for text in await _said(bot, c) if text.startswith("contact")] == [
            "contact: Hi", "contact: HELP", "contact: STOP", "contact: START",
        ]  # fmt: skip

    async def test_a_yes_that_answers_nothing_is_a_message(self, bot: Bot, maya: Contact) -> None:
        c = await _texting(bot, "Yes")
        assert await _said(bot, c) == ["contact: Yes"]

    async def test_a_text_without_words_is_passed_over(self, bot: Bot, maya: Contact) -> None:
        await bot.receive(NUMBER, "  \n", "t1")
        assert await _inbox(bot) == []

    async def test_a_text_begins_no_marketing(self, bot: Bot, maya: Contact, store: Store) -> None:
        await _texting(bot)
        assert [e.action for e in await events_of(store, maya.id)] == [Action.OPT_OUT, Action.CAPTURE_PHONE]
        assert await store.deliveries.count_about() == 0

    async def test_whoever_only_typed_the_number_into_a_form_reads_no_texts_of_its_owner(self, bot: Bot) -> None:
        opened = await act(bot, await bot.open_messenger(None, Claim(), None))
        await bot.ledger.record(change(opened.contact.id, "typed"))
        texting = await _texting(bot, "My address is 1 Harbor St")
        assert texting.contact == opened.contact.id
        again = await bot.open_messenger(opened.token, Claim(), None)
        assert again.conversation == opened.conversation
        assert [c.id for c, _ in await bot.conversations.all_of(opened.contact.id)] == [opened.conversation]
        with pytest.raises(NotFound):
            await bot.open_messenger(opened.token, Claim(), texting.id)


class TestBothSides:
    """A thread shows what we send automatically, and what a keyword did."""

    async def test_keywords_and_their_answers(self, bot: Bot, maya: Contact) -> None:
        c = await _texting(bot, "Hi")
        for word in ("HELP", "STOP", "STOP", "START"):
            await bot.receive(NUMBER, word, f"t-{word}-{len(await _thread(bot, c))}")
            await _leave(bot)
        assert await _thread(bot, c) == [
            "Hi",
            "HELP", "Harbor Coffee: Help at",
            "STOP", "texted_stop", "Harbor Coffee: You are",
            "STOP", "texted_stop",
            "START", "texted_start", "Harbor Coffee: You can",
        ]  # fmt: skip

    async def test_a_text_without_its_answer_yet_comes_first_all_the_same(self, bot: Bot, maya: Contact) -> None:
        c = await _texting(bot, "Hi")
        async with asyncio.TaskGroup() as tasks:
            for i in range(4):
                tasks.create_task(bot.receive(NUMBER, "HELP", f"t{i}"))
                tasks.create_task(_leave(bot))
        await _leave(bot)
        said = [text == "HELP" for text in (await _thread(bot, c))[1:]]
        assert said.count(True) == said.count(False) == 4
        assert all(sum(said[: i + 1]) * 2 >= i + 1 for i in range(8)), "never more answers than questions"

    async def test_a_confirmed_opt_in(self, bot: Bot, maya: Contact, store: Store) -> None:
        c = await _texting(bot, "Hi")
        question = (await bot.ledger.record(change(maya.id, "q", Action.REQUEST_CONFIRMATION))).event
        await bot.deliveries.queue_for([question])
        await _leave(bot)
        await bot.receive(NUMBER, "YES", "t9")
        await eventually(lambda: store.deliveries.find_one({"kind": DeliveryKind.CONFIRMED}))
        await _leave(bot)
        assert (await _thread(bot, c))[1:] == [
            "Harbor Coffee: Reply YES", "YES", "texted_yes", "Harbor Coffee: You are",
        ]  # fmt: skip

    @pytest.mark.parametrize("text", ["How do I unsubscribe?", "I didn't ask for this", "No, I didn't sign up"])
    async def test_a_likely_revocation_is_flagged_once_with_its_due_date(
        self, bot: Bot, maya: Contact, text: str
    ) -> None:
        c = await _texting(bot, text)
        part = (await bot.inbox.page(c.id))[-1]
        assert isinstance(part.content, ConversationEvent)
        assert part.content.name is ConversationEventName.MAYBE_STOP
        assert part.content.until
        assert timedelta(days=11) < part.content.until - part.at < timedelta(days=21), "ten business days"
        assert not part.is_for_contact
        assert not await bot.stops.is_stopped(NUMBER)
        assert await _thread(bot, c) == [text, "maybe_stop"]

    async def test_a_link_is_masked(self, bot: Bot, maya: Contact) -> None:
        c = await _texting(bot, "Hi")
        await bot.receive(NUMBER, "START", "t9")
        await _leave(bot)
        assert (await _said(bot, c))[-1].endswith("Manage your preferences: …/p/••••••••")

    async def test_each_has_its_delivery(self, bot: Bot, maya: Contact) -> None:
        c = await _texting(bot, "Hi")
        await bot.receive(NUMBER, "HELP", "t9")
        await _leave(bot)
        part = (await bot.inbox.page(c.id))[-1]
        delivery = await _delivery(bot, part)
        assert (delivery.state, delivery.answer, delivery.part) == (DeliveryState.SENT, "help", part.id)
        (signal,) = await bot.store.signals.since(c.id, part.at - timedelta(seconds=1))
        assert (signal.kind, signal.seq) == (SignalKind.TEXT, part.seq)

    async def test_one_that_is_tried_again_has_one_entry(self, bot: Bot, maya: Contact, store: Store) -> None:
        c = await _texting(bot, "Hi")
        await bot.receive(NUMBER, "HELP", "t9")
        await through(bot, Carrier(raising(GatewayError("busy", permanent=False)))).send_some()
        await store.deliveries.update({"answer": "help"}, {"$set": {"due_at": now()}})
        await _leave(bot)
        assert len(await _thread(bot, c)) == 3

    async def test_one_that_may_not_leave_has_none(self, bot: Bot, maya: Contact) -> None:
        c = await _texting(bot, "Hi")
        event = (await bot.ledger.record(change(maya.id, "yes"))).event
        await bot.deliveries.queue_for([event])
        await bot.ledger.record(change(maya.id, "no", Action.OPT_OUT))
        await _leave(bot)
        assert await _thread(bot, c) == ["Hi"]

    async def test_a_conversation_begins_with_what_was_sent_before(
        self, bot: Bot, maya: Contact, make_contact: MakeContact, store: Store
    ) -> None:
        other = await make_contact(name="Ben")
        for person in (maya, other):
            await bot.deliveries.queue_for([(await bot.ledger.record(change(person.id, "yes"))).event])
            await _leave(bot)
        assert await store.conversations.count_about() == 0, "an automatic text begins none"
        await bot.ledger.record(change(maya.id, "later", Action.CAPTURE_PHONE, subscription=None))
        c = await _texting(bot, "When do you open?")
        assert c.contact == maya.id
        assert await _thread(bot, c) == ["Harbor Coffee: You are", "When do you open?"]
        first, _ = await bot.inbox.page(c.id)
        assert first.at == (await _delivery(bot, first)).updated_at


class TestOut:
    async def test_an_answer_leaves_as_a_text_and_shows_so(self, bot: Bot, maya: Contact) -> None:
        c = await _texting(bot)
        part = await bot.reply(c, ADA, "Yes, since Monday!", "k1")
        queued = await _delivery(bot, part)
        assert (queued.id, queued.state, queued.body) == (f"message:{part.id}", "queued", "Yes, since Monday!")
        assert await _on_phone(bot) == ["Yes, since Monday!"]
        sent = await _delivery(bot, part)
        assert (sent.state, sent.number, sent.contact) == (DeliveryState.SENT, NUMBER, maya.id)
        assert sent.checked_at
        (signal,) = await bot.store.signals.since(c.id, part.at - timedelta(seconds=1))
        assert (signal.kind, signal.seq) == (SignalKind.TEXT, part.seq)
        assert await bot.store.parts.due(now() + timedelta(hours=1)) == []

    async def test_answers_that_waited_together_arrive_in_their_order(self, bot: Bot, maya: Contact) -> None:
        c = await _texting(bot)
        said = [f"Answer {i}" for i in range(12)]
        for i, text in enumerate(said):
            await bot.reply(c, ADA, text, f"k{i}")
        assert await _on_phone(bot) == said

    async def test_the_same_answer_again_is_one_text(self, bot: Bot, maya: Contact) -> None:
        c = await _texting(bot)
        parts = await asyncio.gather(*(bot.reply(c, ADA, "Yes", "k1") for _ in range(4)))
        assert await _on_phone(bot) == ["Yes"]
        await bot.receive(NUMBER, "STOP", "stop")
        parts.append(await bot.reply(c, ADA, "Yes", "k1"))
        assert len({part.id for part in parts}) == 1
        assert (await _on_phone(bot)).count("Yes") == 1

    async def test_a_chat_is_answered_in_the_chat(self, bot: Bot, store: Store) -> None:
        opened = await act(bot, await bot.open_messenger(None, Claim(), None))
        part = await bot.reply(await bot.inbox.get(opened.conversation), ADA, "Hello", "k1")
        assert part.follow_up is None
        assert await store.deliveries.count_about() == 0

    async def test_a_stopped_number_is_refused_before_anything_is_written(self, bot: Bot, maya: Contact) -> None:
        c = await _texting(bot, "Hi", "STOP")
        with pytest.raises(NumberStopped, match="after it texts START"):
            await bot.reply(c, ADA, "Sorry!", "k1")
        assert await _said(bot, c) == ["contact: Hi", "contact: STOP"]
        await bot.receive(NUMBER, "START", "t9")
        await bot.reply(c, ADA, "Welcome back", "k2")
        assert (await _on_phone(bot))[-1] == "Welcome back"

    async def test_a_stop_between_the_answer_and_its_sending_blocks_it(self, bot: Bot, maya: Contact) -> None:
        c = await _texting(bot)
        part = await bot.reply(c, ADA, "Yes", "k1")
        await bot.receive(NUMBER, "STOP", "t9")
        assert "Yes" not in await _on_phone(bot)
        blocked = await _delivery(bot, part)
        assert (blocked.state, blocked.reason, blocked.body) == (DeliveryState.BLOCKED, "stopped", "Yes")
        signals = await bot.store.signals.since(c.id, part.at - timedelta(seconds=1))
        assert [s.kind for s in signals if s.seq == part.seq] == ["text"]

    async def test_a_number_that_the_contact_left_gets_nothing(self, bot: Bot, maya: Contact) -> None:
        c = await _texting(bot)
        part = await bot.reply(c, ADA, "Yes", "k1")
        await bot.ledger.record(change(maya.id, "moved", Action.CAPTURE_PHONE, subscription=None, number=ANOTHER))
        assert await _on_phone(bot) == []
        assert (await _delivery(bot, part)).reason == "number_changed"
        with pytest.raises(Invalid, match="number has changed"):
            await bot.reply(c, ADA, "Are you there?", "k2")

    @pytest.mark.parametrize("text", [" ", "x" * (LONGEST + 1)])
    async def test_what_is_no_text_is_refused(self, bot: Bot, maya: Contact, text: str) -> None:
        c = await _texting(bot)
        with pytest.raises(Invalid):
            await bot.reply(c, ADA, text, "k1")
        assert len(await _said(bot, c)) == 1

    @pytest.mark.parametrize("number", ["+4915112345678", "+12015550", "+18005550199"])
    async def test_a_number_that_we_do_not_text_is_heard_and_not_answered(self, bot: Bot, number: str) -> None:
        c = await _texting(bot, number=number)
        with pytest.raises(NumberRefused):
            await bot.reply(c, ADA, "Yes", "k1")
        assert len(await _said(bot, c)) == 1

    async def test_only_who_texted_is_answered(self, bot: Bot, maya: Contact) -> None:
        c = await bot.inbox.get(await bot.conversations.begin_texting(maya.id, NUMBER))
        with pytest.raises(Invalid, match="texted you first"):
            await bot.reply(c, ADA, "Big sale today", "k1")

    async def test_a_process_that_died_before_the_text_was_queued_is_made_good_once(
        self, bot: Bot, maya: Contact, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        c = await _texting(bot)

        async def away(*_: object) -> None:
            raise StoreUnavailable

        with monkeypatch.context() as patch:
            patch.setattr(bot.replies, "queue", away)
            with pytest.raises(StoreUnavailable):
                await bot.reply(c, ADA, "Yes", "k1")
        assert await _on_phone(bot) == []
        await store.parts.update({"key": f"{c.id}:reply:k1"}, {"$set": {"follow_up": now() - timedelta(minutes=1)}})
        await bot.messages.handle_overdue(now())
        assert await store.parts.due(now()) == []
        await bot.messages.handle_overdue(now())
        await bot.reply(c, ADA, "Yes", "k1")
        assert await _on_phone(bot) == ["Yes"]
        assert await _said(bot, c) == ["contact: Is the Sidamo back?", "teammate: Yes"]

    async def test_one_whose_fate_is_unknown_says_so_and_is_not_sent_again(
        self, bot: Bot, maya: Contact, store: Store
    ) -> None:
        c = await _texting(bot)
        part = await bot.reply(c, ADA, "Yes", "k1")
        sender = through(bot, Carrier(raising(TimeoutError()), is_traceable=False))
        await sender.send_some()
        await sender.reconcile()
        assert (await _delivery(bot, part)).state is DeliveryState.SENDING
        await store.deliveries.update({"event": part.id}, {"$set": {"ask_at": now()}})
        await sender.reconcile()
        assert (await _delivery(bot, part)).state is DeliveryState.UNKNOWN
        assert [s.seq for s in await store.signals.since(c.id, part.at - timedelta(seconds=1))] == [part.seq]
        assert await _on_phone(bot) == []

    async def test_a_long_talk_is_held_up_by_nothing_and_holds_up_no_word_about_consent(
        self, bot: Bot, maya: Contact
    ) -> None:
        c = await _texting(bot)
        said = [f"Answer {i}" for i in range(8)]
        for i, text in enumerate(said):
            await bot.reply(c, ADA, text, f"k{i}")
            await _leave(bot)
        await bot.receive(NUMBER, "HELP", "h")
        got = await _on_phone(bot)
        assert (got[:8], len(got)) == (said, 9)

    async def test_texts_that_need_a_yes_still_need_one(self, bot: Bot, maya: Contact, store: Store) -> None:
        """Who texts us gets answers, and no marketing with them."""
        c = await _texting(bot)
        event = (await bot.ledger.record(change(maya.id, "yes"))).event
        await bot.deliveries.queue_for([event])
        await bot.ledger.record(change(maya.id, "no", Action.OPT_OUT))
        await bot.reply(c, ADA, "Yes", "k1")
        assert await _on_phone(bot) == ["Yes"]
        blocked = await store.deliveries.get(f"confirmation:{event.event}")
        assert blocked
        assert (blocked.reason, blocked.subscription) == ("opted_out", DEALS)


async def test_the_phone_of_the_demo_writes_into_the_inbox(server: TestServer, store: Store, bot: Bot) -> None:
    await texted(bot.store, NUMBER, "Hello", "first")
    async with aiohttp.ClientSession() as session:
        url = server.make_url("/demo/phone")
        form = {"number": NUMBER, "body": "Is the Sidamo back?", "key": "k"}
        async with session.post(url, data=form, headers={"Origin": str(server.make_url("")).rstrip("/")}) as answer:
            assert answer.status == 200
    (c,) = await _inbox(bot)
    assert await _said(bot, c) == ["contact: Is the Sidamo back?"]
