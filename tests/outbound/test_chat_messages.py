"""Chat messages: who gets one, exactly once, and what becomes of its form."""

from __future__ import annotations

import asyncio
import hmac
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.app import Bot, make_bot
from bot.chat.visitors import Claim
from bot.config import Settings
from bot.consent.verify import verify
from bot.demo import DEALS, FLOW, NEWS
from bot.errors import Conflict, FormWrong, Invalid, NotFound
from bot.flows.messenger import Opened
from bot.flows.publish import publish
from bot.flows.steps import OptInForm, Say
from bot.jobs.chat_messages import ChatFigures
from bot.jobs.kinds.count_audience import CountAudience, CountInput, CountPlace
from bot.jobs.kinds.send_message import SendInput
from bot.jobs.kinds.show_message import ShowMessage, ShowPlace
from bot.jobs.outbound_messages import MessageState
from bot.model.base import new_id, now
from bot.model.contact import ConsentState, Contact
from bot.model.conversation import Card, CardState, Channel, Part, Text
from bot.model.event import Action, Actor, Source
from bot.model.filter import ConsentIs, Filter, LocaleIs, TagIs
from bot.model.outbound_message import ChatTerms, OutboundMessage
from bot.model.teammate import By
from bot.outbound import chat_messages
from bot.outbound.send_time import NOW
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from bot.store.outbound_messages import MOST_RUNNING
from tests import processes
from tests.conftest import PATIENCE, eventually
from tests.outbound import dying
from tests.people import NUMBER, TEAMMATE, act, answer_to, card, change, greets, second_process
from tests.store.wire import listened_to

MakeContact = Callable[..., Awaitable[Contact]]
ADA = By("ada", "Ada")
TEXT = "Hi {{first_name|there}}, deals by text?"


async def drafted(bot: Bot, filter: Filter | None = None, *, text: str = TEXT, **terms: Any) -> OutboundMessage:
    draft = await bot.outbound.create("Deals", ADA, chat=ChatTerms(), filter=filter)
    values = {"texts": {"en": text, "es": "Hola"}, "chat": ChatTerms(**{"card": card(), **terms})}
    return await bot.outbound.save(draft.id, draft.version, values, ADA)


async def started(bot: Bot, filter: Filter | None = None, **terms: Any) -> OutboundMessage:
    draft = await drafted(bot, filter, **terms)
    return await bot.chat_messages.start(draft.id, draft.version, ADA)


async def signed(bot: Bot, user: str) -> Claim:
    """A user whom the site proves."""
    secret = (await bot.workspace()).identity_secrets[0].secret
    return Claim(user_id=user, user_hash=hmac.new(secret.encode(), user.encode(), "sha256").hexdigest())


async def opened(bot: Bot, contact: Contact, wanted: str | None = None) -> Opened:
    return await bot.open_messenger(bot.visitors.token(contact.id), Claim(locale=contact.locale), wanted)


def messages(parts: list[Part]) -> list[str | None]:
    """By entry of an outbound message: its text, or the message that its form names."""
    said = [part.content for part in parts if part.author.id == "outbound"]
    return [content.text if isinstance(content, Text) else getattr(content, "message", "?") for content in said]


async def shown(bot: Bot, contact: Contact) -> list[str | None]:
    """In all of the contact's chats."""
    found = await bot.store.conversations.of(contact.id)
    return [line for chat in found for line in messages(await bot.conversations.page(chat.id))]


class TestWho:
    async def test_whoever_matches_gets_it_when_they_open_the_messenger(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        maya, ben = await make_contact(name="Maya Lee", locale="en"), await make_contact(locale="fr")
        message = await started(bot, Filter.of(LocaleIs(locales=("en",))))
        chat = await opened(bot, maya)
        assert messages(chat.parts) == ["Hi Maya, deals by text?", message.id]
        assert messages((await opened(bot, ben)).parts) == []
        assert (await bot.outbound.status(message.id)).state is MessageState.RUNNING
        assert await bot.chat_messages.figures(message.id) == ChatFigures(1, 0, 0)

    async def test_it_is_written_in_the_persons_language(self, bot: Bot, make_contact: MakeContact) -> None:
        await started(bot)
        assert messages((await opened(bot, await make_contact(locale="es"))).parts)[0] == "Hola"

    async def test_it_goes_into_the_chat_they_have(self, bot: Bot, make_contact: MakeContact) -> None:
        maya = await make_contact()
        before = await bot.conversations.begin(new_id(), maya.id, TEAMMATE, [("hi", Text(text="Hi"))])
        await bot.conversations.mark_read(before[0].conversation, maya.id, seen=1, delivered=1)
        old = await bot.store.conversations.get(before[0].conversation)
        await started(bot)
        chat = await opened(bot, maya)
        assert [part.content.kind for part in chat.parts] == ["text", "text", "card"]
        kept = await bot.store.conversations.get(chat.conversation)
        assert old
        assert kept
        assert (kept.last, kept.rank) == (3, old.rank), "the inbox keeps its order"

    async def test_those_who_decided_are_not_asked(self, bot: Bot, make_contact: MakeContact) -> None:
        """Opted in, opted out, or on the stop list; who opted out is asked if the message says so."""
        people = [await make_contact() for _ in range(4)]
        yes, no, stopped, none = people
        await bot.ledger.record(change(yes.id, "in", number="+12015550101"))
        await bot.ledger.record(change(no.id, "out", Action.OPT_OUT, number="+12015550102"))
        await bot.ledger.record(change(stopped.id, "n", Action.CAPTURE_PHONE, subscription=None, number="+12015550103"))
        await bot.stops.stop("+12015550103", "STOP", "t1")
        draft = await drafted(bot)
        preview = await bot.outbound.audience.preview(draft)
        assert preview.counts == {"already": 1, "opted_out": 1, "stopped": 1, "queued": 1}
        await bot.chat_messages.start(draft.id, draft.version, ADA)
        assert [len(messages((await opened(bot, person)).parts)) for person in people] == [0, 0, 0, 2]
        again = await started(bot, asks_opted_out=True)
        assert [len(messages((await opened(bot, person)).parts)) for person in people] == [0, 2, 0, 2]
        assert again.id in await shown(bot, no)
        assert none.id

    async def test_a_yes_on_weak_evidence_is_asked_in_writing(self, bot: Bot, make_contact: MakeContact) -> None:
        maya, api = await make_contact(), Actor(kind="api", id="x")
        await bot.store.subscriptions.update({"_id": DEALS}, {"$set": {"written_only": True}})
        await bot.ledger.record(change(maya.id, "in", source=Source.API, actor=api))
        await started(bot)
        assert len(messages((await opened(bot, maya)).parts)) == 2

    async def test_without_a_form_it_is_for_everybody(self, bot: Bot, make_contact: MakeContact) -> None:
        maya = await make_contact()
        await bot.ledger.record(change(maya.id, "in"))
        await started(bot, card=None)
        assert messages((await opened(bot, maya)).parts) == ["Hi there, deals by text?"]

    async def test_a_second_message_waits_until_the_first_was_read(self, bot: Bot, make_contact: MakeContact) -> None:
        maya = await make_contact()
        first, second = await started(bot), await started(bot, card=card(subscription=NEWS))
        for _ in range(2):
            chat = await opened(bot, maya)
            assert messages(chat.parts)[1:] == [first.id]
        await bot.conversations.mark_read(chat.conversation, maya.id, seen=chat.last, delivered=chat.last)
        assert messages((await opened(bot, maya)).parts)[1::2] == [first.id, second.id]

    async def test_a_filter_of_something_that_is_gone_matches_nobody_and_harms_no_other(
        self, bot: Bot, make_contact: MakeContact
    ) -> None:
        maya = await make_contact()
        await started(bot, Filter.of(ConsentIs(subscription="gone", states=(ConsentState.OPTED_IN,))))
        await started(bot, Filter.of(TagIs(tags=("vip",))))
        third = await started(bot)
        assert messages((await opened(bot, maya)).parts)[1:] == [third.id]


class TestOnce:
    async def test_two_tabs_in_two_processes_show_it_once(
        self, bot: Bot, store: Store, mongo: EmbeddedServer, settings: Settings, make_contact: MakeContact
    ) -> None:
        with_chat, without = await make_contact(), await make_contact()
        await bot.conversations.begin(new_id(), with_chat.id, TEAMMATE, [("hi", Text(text="Hi"))])
        (chat,) = await store.conversations.of(with_chat.id)
        await bot.conversations.mark_read(chat.id, with_chat.id, seen=1, delivered=1)
        message = await started(bot)
        async with second_process(mongo) as theirs:
            both = [bot, await make_bot(settings, theirs, "http://sayso.test")]
            for person in (with_chat, without):
                await asyncio.gather(*(opened(one, person) for one in both for _ in range(4)))
                await asyncio.gather(*(one.chat_delivery.arrived(person.id) for one in both for _ in range(2)))
                assert await shown(bot, person) == ["Hi there, deals by text?", message.id]
                assert len(await store.conversations.of(person.id)) == 1
        assert await bot.chat_messages.figures(message.id) == ChatFigures(2, 0, 0)

    @pytest.mark.slow
    @pytest.mark.parametrize("has_chat", [True, False])
    @pytest.mark.parametrize("point", ["chat message claimed", "chat message entry written"])
    async def test_a_process_that_is_killed_leaves_it_to_the_next(
        self, bot: Bot, store: Store, mongo: EmbeddedServer, make_contact: MakeContact, point: str, has_chat: bool
    ) -> None:
        maya = await make_contact()
        if has_chat:
            await bot.conversations.begin(new_id(), maya.id, TEAMMATE, [])
        message = await started(bot)
        process = await processes.start(dying.open_page, mongo.url, store.database.name, maya.id, point)
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == -signal.SIGKILL
        await bot.conversations.begin(new_id(), maya.id, TEAMMATE, [("later", Text(text="Hi"))])
        for _ in range(2):
            await bot.chat_delivery.arrived(maya.id)
            assert await shown(bot, maya) == ["Hi there, deals by text?", message.id]
        assert (await bot.chat_messages.figures(message.id)).shown == 1

    async def test_a_merged_contact_gets_it_no_second_time(self, bot: Bot, make_contact: MakeContact) -> None:
        lead, user = await make_contact(), await make_contact(role="user", external_id="u1")
        message = await started(bot)
        await opened(bot, lead)
        await bot.merge.merge(user.id, lead.id, Actor(kind="teammate", id="ada"), Source.PROFILE)
        await opened(bot, user)
        assert await shown(bot, user) == ["Hi there, deals by text?", message.id]
        assert (await bot.chat_messages.figures(message.id)).shown == 1


class TestLife:
    async def test_paused_it_is_shown_to_nobody_within_a_second(
        self, bot: Bot, mongo: EmbeddedServer, settings: Settings, make_contact: MakeContact
    ) -> None:
        message = await started(bot)
        async with second_process(mongo) as theirs:
            other = await make_bot(settings, theirs, "http://sayso.test")
            assert await other.chat_delivery.running()
            await bot.chat_messages.act(message.id, "pause", ADA)
            assert await bot.chat_delivery.running() == []

            async def has_heard() -> bool:
                return not await other.chat_delivery.running()

            await eventually(has_heard)
            assert messages((await opened(other, await make_contact())).parts) == []
        assert (await bot.outbound.status(message.id)).state is MessageState.PAUSED
        await bot.chat_messages.act(message.id, "resume", ADA)
        assert len(messages((await opened(bot, await make_contact())).parts)) == 2
        await bot.chat_messages.act(message.id, "end", ADA)
        assert messages((await opened(bot, await make_contact())).parts) == []
        with pytest.raises(Conflict):
            await bot.chat_messages.act(message.id, "resume", ADA)

    def test_no_process_keeps_a_running_message_longer_than_a_second(self) -> None:
        assert chat_messages.CACHE_SECONDS < 1

    async def test_it_ends_by_itself(self, bot: Bot, make_contact: MakeContact) -> None:
        message = await started(bot, ends_at=now() + timedelta(hours=1))
        past = {"$set": {"chat.ends_at": now() - timedelta(seconds=1)}}
        await bot.store.outbound_messages.update({"_id": message.id}, past)
        bot.chat_delivery.changed()
        assert messages((await opened(bot, await make_contact())).parts) == []
        assert (await bot.outbound.status(message.id)).state is MessageState.ENDED
        with pytest.raises(Conflict):
            await bot.chat_messages.act(message.id, "resume", ADA)

    async def test_those_that_ended_by_themselves_take_no_place(self, bot: Bot, make_contact: MakeContact) -> None:
        table, message = bot.store.outbound_messages, await started(bot)
        over = ChatTerms(ends_at=now() - timedelta(seconds=1))
        old = {"ordered_at": now() - timedelta(days=1), "chat": over}
        await table.insert_many([message.model_copy(update={"id": new_id(), **old}) for _ in range(MOST_RUNNING + 1)])
        bot.chat_delivery.changed()
        assert messages((await opened(bot, await make_contact())).parts) == ["Hi there, deals by text?", message.id]
        another = await started(bot)
        kept = await table.find({"is_running": True}, limit=MOST_RUNNING + 1)
        assert {running.id for running in kept} == {message.id, another.id}

    @pytest.mark.parametrize(
        ("text", "terms", "field"),
        [
            (" ", {}, "text"),
            ("{{name}}", {}, "text"),
            ("Hi", {"ends_at": now() - timedelta(days=1)}, "ends_at"),
            ("Hi", {"card": card(subscription="gone")}, "text"),
        ],
    )
    async def test_what_is_not_ready_is_not_started(
        self, bot: Bot, text: str, terms: dict[str, Any], field: str
    ) -> None:
        draft = await drafted(bot, text=text, **terms)
        with pytest.raises(FormWrong) as wrong:
            await bot.chat_messages.start(draft.id, draft.version, ADA)
        assert [*wrong.value.faults] == [field]

    async def test_few_run_at_once(self, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("bot.jobs.chat_messages.MOST_RUNNING", 1)
        await started(bot)
        with pytest.raises(Invalid):
            await started(bot)

    async def test_a_duplicate_is_a_draft(self, bot: Bot) -> None:
        message = await started(bot, at_once=True)
        copy = await bot.outbound.duplicate(message.id, ADA)
        assert (copy.is_draft, copy.is_running, copy.chat) == (True, None, message.chat)

    async def test_it_is_never_sent_as_a_text(self, bot: Bot) -> None:
        draft = await drafted(bot)
        assert draft.channel is Channel.CHAT
        with pytest.raises(NotFound):
            await bot.outbound.order(draft.id, draft.version, ADA)
        with pytest.raises(Invalid):
            await bot.outbound.test(draft.id, NUMBER, ADA, key="k")


class TestForm:
    async def test_a_completed_form_names_its_message(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        maya, message = await make_contact(), await started(bot)
        chat = await opened(bot, maya)
        submitted = await bot.submit(chat.parts[1], maya, await answer_to(bot, chat.parts[1], maya))
        event = submitted.event
        assert (event.action, event.message, event.flow, event.source) == (Action.OPT_IN, message.id, None, Source.FORM)
        assert await bot.chat_messages.figures(message.id) == ChatFigures(1, 1, 0)
        await eventually(lambda: _completed(bot, chat.parts[1]))
        assert (await verify(store, repair=False)).is_whole

    async def test_a_confirmation_by_text_names_it_too(self, bot: Bot, store: Store, make_contact: MakeContact) -> None:
        await store.subscriptions.update({"_id": DEALS}, {"$set": {"double_opt_in": True}})
        maya, message = await make_contact(), await started(bot)
        chat = await opened(bot, maya)
        await bot.submit(chat.parts[1], maya, await answer_to(bot, chat.parts[1], maya))
        assert await bot.chat_messages.figures(message.id) == ChatFigures(1, 0, 1)
        await eventually(bot.sender.send_some)
        await bot.receive(NUMBER, "YES", "text-1")
        assert await bot.chat_messages.figures(message.id) == ChatFigures(1, 1, 0)


async def _completed(bot: Bot, part: Part) -> bool:
    found = await bot.conversations.part(part.conversation, part.seq)
    return found is not None and isinstance(found.content, Card) and found.content.state is CardState.COMPLETED


class TestVisitors:
    @pytest.fixture(autouse=True)
    async def _greeting_without_a_form(self, demo_store: Store) -> None:
        await publish(demo_store, FLOW, greets(Say(id="hi", text="Hi")))

    async def test_a_new_visitor_sees_it_drawn_and_nothing_is_stored(self, bot: Bot, store: Store) -> None:
        message = await started(bot, visitors=True)
        before = await store.contacts.count_about(), await store.conversations.count_about()
        chat = await bot.open_messenger(None, Claim(), None)
        assert [part.content.kind for part in chat.parts] == ["text", "text", "card"]
        assert messages(chat.parts) == ["Hi there, deals by text?", message.id]
        assert (await store.contacts.count_about(), await store.conversations.count_about()) == before
        assert (await bot.chat_messages.figures(message.id)).shown == 0
        again = await bot.open_messenger(chat.token, Claim(), None)
        assert (again.conversation, messages(again.parts)) == (chat.conversation, messages(chat.parts))

    async def test_with_the_first_act_it_is_a_copy_and_is_not_shown_again(self, bot: Bot, store: Store) -> None:
        message = await started(bot, visitors=True)
        chat = await act(bot, await bot.open_messenger(None, Claim(), None))
        assert (await bot.chat_messages.figures(message.id)).shown == 1
        assert await shown(bot, chat.contact) == ["Hi there, deals by text?", message.id]
        again = await bot.open_messenger(chat.token, Claim(), None)
        assert again.conversation == chat.conversation
        assert await shown(bot, chat.contact) == ["Hi there, deals by text?", message.id]

    async def test_completing_its_form_is_a_first_act(self, bot: Bot, store: Store) -> None:
        message = await started(bot, visitors=True)
        chat = await bot.open_messenger(None, Claim(), None)
        contact, conversation = await bot.messenger.visit(chat.token, chat.conversation)
        assert conversation
        part = await bot.cards.card(conversation, 3)
        submitted = await bot.submit(part, contact, await answer_to(bot, part, contact), conversation.unstored)
        assert submitted.event.message == message.id
        assert submitted.event.context.opening
        assert submitted.event.context.opening.message == message.id

        async def is_counted() -> bool:
            is_stored = await shown(bot, contact) == ["Hi there, deals by text?", message.id]
            return is_stored and await bot.chat_messages.figures(message.id) == ChatFigures(1, 1, 0)

        await eventually(is_counted)
        assert (await verify(store, repair=False)).is_whole

    async def test_paused_it_disappears_from_chats_that_nobody_acted_in(self, bot: Bot) -> None:
        message = await started(bot, visitors=True)
        chat = await bot.open_messenger(None, Claim(), None)
        await bot.chat_messages.act(message.id, "pause", ADA)
        again = await bot.open_messenger(chat.token, Claim(), None)
        assert (again.contact.id, messages(again.parts)) == (chat.contact.id, [])

    async def test_it_is_not_for_them_unless_it_says_so(self, bot: Bot) -> None:
        await started(bot)
        assert messages((await bot.open_messenger(None, Claim(), None)).parts) == []

    async def test_what_the_greeting_offers_is_not_offered_twice(self, bot: Bot, demo_store: Store) -> None:
        await publish(demo_store, FLOW, greets(OptInForm(id="form", subscription=DEALS, title="Deals")))
        await started(bot, visitors=True)
        chat = await bot.open_messenger(None, Claim(), None)
        assert [part.content.kind for part in chat.parts] == ["card"]


class TestDismissed:
    @pytest.fixture(autouse=True)
    async def _greeting_without_a_form(self, demo_store: Store) -> None:
        await publish(demo_store, FLOW, greets(Say(id="hi", text="Hi")))

    async def test_it_is_hidden_for_good_and_counted_once(self, bot: Bot, make_contact: MakeContact) -> None:
        maya, message = await make_contact(), await started(bot)
        chat = await opened(bot, maya)
        for seq in (1, 2, 1):
            assert await bot.messenger.dismiss(chat.token, chat.conversation, seq)
        assert await bot.chat_delivery.dismissed(maya.id, chat.parts) == {message.id}
        again = await opened(bot, maya)
        assert len(again.parts) == 2, "nothing is written anew"
        assert await bot.chat_messages.figures(message.id) == ChatFigures(1, 0, 0, 1)
        assert await bot.chat_delivery.dismissed((await make_contact()).id, chat.parts) == set()

    async def test_only_their_own_and_nothing_but_messages(self, bot: Bot, make_contact: MakeContact) -> None:
        maya, stranger = await make_contact(), await make_contact()
        said = await bot.conversations.begin(new_id(), maya.id, TEAMMATE, [("hi", Text(text="Hi"))])
        token = bot.visitors.token(maya.id)
        for wrong, seq in ((bot.visitors.token(stranger.id), 1), (token, 1), (token, 9)):
            with pytest.raises(NotFound):
                await bot.messenger.dismiss(wrong, said[0].conversation, seq)

    async def test_a_merged_contact_has_dismissed_it_too(self, bot: Bot, make_contact: MakeContact) -> None:
        lead, user = await make_contact(), await make_contact(role="user", external_id="u1")
        message, chat = await started(bot), await opened(bot, lead)
        await bot.merge.merge(user.id, lead.id, Actor(kind="teammate", id="ada"), Source.PROFILE)
        await bot.messenger.dismiss(bot.visitors.token(user.id), chat.conversation, 1)
        assert await bot.chat_delivery.dismissed(user.id, chat.parts) == {message.id}
        assert await bot.chat_messages.figures(message.id) == ChatFigures(1, 0, 0, 1)

    async def test_a_visitor_dismisses_it_before_anything_is_stored_of_them(self, bot: Bot, store: Store) -> None:
        message = await started(bot, visitors=True)
        before = await store.contacts.count_about(), await store.conversations.count_about()
        chat = await bot.open_messenger(None, Claim(), None)
        token = await bot.messenger.dismiss(chat.token, chat.conversation, 2)
        assert (await store.contacts.count_about(), await store.conversations.count_about()) == before
        again = await bot.open_messenger(token, Claim(), None)
        assert [part.content.kind for part in again.parts] == ["text"], "the greeting alone"
        assert again.contact.id == chat.contact.id
        acted = await act(bot, again)
        assert await shown(bot, acted.contact) == []
        assert await bot.chat_messages.figures(message.id) == ChatFigures(1, 0, 0, 1)
        await opened(bot, acted.contact)
        assert await shown(bot, acted.contact) == []

    async def test_a_visitor_who_never_acts_is_forgotten_with_their_token(
        self, bot: Bot, store: Store, settings: Settings
    ) -> None:
        message = await started(bot, visitors=True)
        for acts in (True, False):
            chat = await bot.open_messenger(None, Claim(), None)
            token = await bot.messenger.dismiss(chat.token, chat.conversation, chat.parts[-1].seq)
            if acts:
                acted = await act(bot, await bot.open_messenger(token, Claim(), None))
        assert (await bot.chat_messages.figures(message.id)).dismissed == 2
        for days in (settings.visitor_days - 1, settings.visitor_days + 1):
            time = now() + timedelta(days=days)
            await bot.chat_delivery.forget_visitors(time)
            copies = await store.chat_deliveries.find({"message": message.id}, limit=3)
            ends = {copy.contact: copy.expires_at for copy in copies}
            never = {acted.contact.id: None, chat.contact.id: None}
            assert ends == (never if days < settings.visitor_days else {**never, chat.contact.id: time})
        assert {copy.lapses_at for copy in copies} == {None}

    async def test_the_page_that_dismissed_it_goes_on_in_its_chat(self, bot: Bot) -> None:
        message = await started(bot, visitors=True)
        chat = await bot.open_messenger(None, Claim(), None)
        last = chat.parts[-1].seq
        token = await bot.messenger.dismiss(chat.token, chat.conversation, last)
        contact, conversation = await bot.messenger.visit(token, chat.conversation)
        assert conversation
        await bot.openings.store(contact, conversation)
        part = await bot.say(conversation, "Hello", "key-12345")
        assert part.seq == last + 1
        parts = await bot.conversations.page(chat.conversation)
        assert await bot.chat_delivery.dismissed(contact.id, parts) == {message.id}
        assert await bot.chat_messages.figures(message.id) == ChatFigures(1, 0, 0, 1)

    async def test_who_signs_in_afterwards_has_dismissed_it(self, bot: Bot, make_contact: MakeContact) -> None:
        user = await make_contact(role="user", external_id="u7")
        message = await started(bot, visitors=True)
        chat = await bot.open_messenger(None, Claim(), None)
        token = await bot.messenger.dismiss(chat.token, chat.conversation, chat.parts[-1].seq)
        signed_in = await bot.open_messenger(token, await signed(bot, "u7"), None)
        assert signed_in.contact.id == user.id
        assert await shown(bot, user) == []
        assert await bot.chat_messages.figures(message.id) == ChatFigures(1, 0, 0, 1)

    async def test_another_user_of_the_browser_has_not_dismissed_it(self, bot: Bot, make_contact: MakeContact) -> None:
        """Neither what a stored user dismissed in an older chat nor what a new user did becomes theirs."""
        await make_contact(role="user", external_id="ada")
        ada, ben, new = [await signed(bot, id) for id in ("ada", "ben", "new")]
        message = await started(bot, visitors=True)
        old = await bot.open_messenger(None, ada, None)
        fresh = await bot.open_messenger(old.token, ada, "new")
        token = await bot.messenger.dismiss(fresh.token, old.conversation, 1)
        other = await bot.open_messenger(token, ben, None)
        drawn = await bot.open_messenger(None, new, None)
        token = await bot.messenger.dismiss(drawn.token, drawn.conversation, drawn.parts[-1].seq)
        await bot.open_messenger(token, ben, None)
        for person in (old.contact, drawn.contact):
            assert await bot.chat_delivery.dismissed(person.id, old.parts) == {message.id}
        assert await bot.chat_delivery.dismissed(other.contact.id, old.parts) == set()


class TestCount:
    async def test_a_large_audience_is_estimated_and_then_counted_exactly(
        self, bot: Bot, make_contact: MakeContact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people = [await make_contact() for _ in range(4)]
        await bot.ledger.record(change(people[3].id, "in", number="+12015550101"))
        draft = await drafted(bot)
        first = await bot.outbound.audience.preview(draft, most=2)
        size = await bot.outbound.audience.size(draft, first)
        assert (first.is_sample, size.is_exact) == (True, False)
        job = await bot.audience_counts.start(draft, NOW, ADA)
        without = {"chat": ChatTerms()}
        changed = await bot.outbound.save(draft.id, draft.version, without, ADA)
        kind, at, counts = bot.jobs.kinds[CountAudience.name], CountPlace(), Counter[str]()
        input = CountInput.model_validate(job.input)
        while True:
            batch = await kind.step(job.id, input, at, 3)
            at, counts = batch.checkpoint, counts + Counter(batch.counts)
            if batch.is_last:
                break
        assert counts == {"queued": 3, "already": 1}, "of the message as it was when the count was asked for"
        assert await bot.audience_counts.newest(changed, NOW) is None


class TestNow:
    async def test_the_number_of_round_trips_does_not_grow_with_the_people(
        self, bot: Bot, mongo: EmbeddedServer, settings: Settings, make_contact: MakeContact
    ) -> None:
        """Those who are online, in one batch: with and without a chat."""
        costs = []
        for count in (2, 20):
            people = [await make_contact(last_seen_at=now()) for _ in range(count)]
            for person in people[1:]:
                await bot.conversations.begin(new_id(), person.id, TEAMMATE, [("hi", Text(text="Hi"))])
            message = await started(bot)
            async with listened_to(mongo) as (theirs, wire):
                other = await make_bot(settings, theirs, "http://sayso.test")
                await other.workspace()
                wire.commands.clear()
                await other.chat_delivery.deliver(message, people)
                costs.append([name for name, _ in wire.commands])
            for person in people:
                assert await shown(bot, person) == ["Hi there, deals by text?", message.id]
        assert sorted(costs[0]) == sorted(costs[1])

    async def test_those_online_get_it_in_their_open_chat(self, bot: Bot, make_contact: MakeContact) -> None:
        online, away = (
            await make_contact(last_seen_at=now()),
            await make_contact(last_seen_at=now() - timedelta(days=9)),
        )
        for person in (online, away):
            await bot.conversations.begin(new_id(), person.id, TEAMMATE, [("hi", Text(text="Hi"))])
        message = await started(bot, at_once=True)
        kind = bot.jobs.kinds[ShowMessage.name]
        input = SendInput(ordered_at=message.ordered_at or now())
        for _ in range(2):  # repeated after a crash
            batch = await kind.step(message.id, input, ShowPlace(), 50)
        assert batch.is_last
        assert batch.counts == {"shown": 1, "away": 1}
        assert await shown(bot, online) == ["Hi there, deals by text?", message.id]
        assert await bot.conversations.unread(online.id) == 3
        assert await shown(bot, away) == []
        await bot.chat_messages.act(message.id, "pause", ADA)
        assert (await kind.step(message.id, input, ShowPlace(), 50)).again_after
        await bot.chat_messages.act(message.id, "end", ADA)
        assert (await kind.step(message.id, input, ShowPlace(), 50)).is_last

    async def test_those_who_were_merged_get_no_second_copy(self, bot: Bot, make_contact: MakeContact) -> None:
        lead, user = await make_contact(), await make_contact(role="user", external_id="u1")
        message = await started(bot, at_once=True)
        await bot.chat_delivery.deliver(message, [lead])
        await bot.merge.merge(user.id, lead.id, Actor(kind="teammate", id="ada"), Source.PROFILE)
        await bot.chat_delivery.deliver_to_online(message, [user])
        assert await shown(bot, user) == ["Hi there, deals by text?", message.id]
        assert (await bot.chat_messages.figures(message.id)).shown == 1

    async def test_it_needs_a_chat_and_many_chats_of_one_hide_nobody(self, bot: Bot, make_contact: MakeContact) -> None:
        talker, other, texting = people = [await make_contact(last_seen_at=now()) for _ in range(3)]
        for person, count in ((talker, 40), (other, 1)):
            for _ in range(count):
                await bot.conversations.begin(new_id(), person.id, TEAMMATE, [("hi", Text(text="Hi"))])
        await bot.conversations.begin_texting(texting.id, NUMBER)
        message = await started(bot, at_once=True)
        await bot.chat_delivery.deliver_to_online(message, people)
        assert [len(await shown(bot, person)) for person in people] == [2, 2, 0]
        ids = [person.id for person in people]
        assert await bot.store.conversations.contacts_among(ids) == {*ids}

    async def test_an_open_page_asks_for_nothing_else(self, bot: Bot, make_contact: MakeContact) -> None:
        """A page that has been open for a while shows what is for those online, and nothing that waits for a visit."""
        maya, ben = await make_contact(), await make_contact()
        await started(bot)
        await bot.chat_delivery.arrived(maya.id, is_new=False)
        assert await shown(bot, maya) == []
        message = await started(bot, at_once=True)
        await bot.chat_delivery.arrived(ben.id, is_new=False)
        assert await shown(bot, ben) == ["Hi there, deals by text?", message.id]
