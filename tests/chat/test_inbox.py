"""The teammates' side of conversations: lists, states, notes, search, and that none of it depends on the order in which
entries are taken over."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from bot.app import Bot
from bot.chat.card_submission import Answer
from bot.chat.inbox import PAGE, View, Whose
from bot.demo import DEALS
from bot.errors import CardClosed, Invalid, NotFound
from bot.flows.performing import BOT
from bot.model.base import now
from bot.model.conversation import (
    Author,
    AuthorKind,
    Card,
    CardState,
    Channel,
    Content,
    Conversation,
    ConversationState,
    Note,
    Part,
    Text,
)
from bot.model.conversation_event import ConversationEvent, ConversationEventName
from bot.model.event import Context
from bot.store import Store
from tests.conftest import eventually
from tests.people import NUMBER, answer_to, asked, card, change, person, wording

ADA, BEN = "ada0ada0ada0ada0ada0ada0", "be00be00be00be00be00be00"
OPEN, SIGN_UPS = View(ADA), View(ADA, whose=Whose.SIGN_UPS)


async def talk(bot: Bot, id: str, *texts: str, name: str | None = None) -> Conversation:
    """A conversation in which the contact has written."""
    contact = person(f"c-{id}", name=name)
    await bot.store.contacts.keep(contact)
    await bot.conversations.begin(id, contact.id, BOT, [("hello", Text(text="Welcome"))])
    conversation = await bot.inbox.get(id)
    for i, text in enumerate(texts):
        await bot.conversations.say(conversation, text, f"{id}-key-{i}")
    return await bot.inbox.get(id)


async def signed_up(bot: Bot, id: str) -> None:
    """A conversation in which the contact completed the bot's card, and did nothing else."""
    contact = person(f"c-{id}", name=f"c-{id}")
    await bot.store.contacts.keep(contact)
    entries: list[tuple[str, Content]] = [("hello", Text(text="Welcome")), ("card", card())]
    await bot.conversations.begin(id, contact.id, BOT, entries)
    author = Author(kind=AuthorKind.CONTACT, id=contact.id)
    await bot.conversations.append(id, author, ConversationEvent(name=ConversationEventName.SIGNED_UP, part=2), "done")
    await bot.conversations.append(id, BOT, Text(text="Thank you"), "thanks")


async def ids(bot: Bot, view: View = OPEN) -> list[str]:
    return [item.conversation.id for item in (await bot.inbox.listing(view)).items]


async def test_what_only_a_bot_said_is_not_in_the_inbox(bot: Bot) -> None:
    await talk(bot, "silent")
    await talk(bot, "loud", "Hi")
    assert await ids(bot) == ["loud"]


async def test_who_only_signed_up_with_a_bot_is_among_the_sign_ups(bot: Bot) -> None:
    await signed_up(bot, "maya")
    await signed_up(bot, "noor")
    await talk(bot, "loud", "Hi")
    assert (await ids(bot), await ids(bot, SIGN_UPS)) == (["loud"], ["noor", "maya"])
    assert await bot.inbox.unread(ADA) == {Whose.MINE: 0, Whose.UNASSIGNED: 1, Whose.ALL: 1, Whose.SIGN_UPS: 2}
    noor = await bot.inbox.get("noor")
    assert noor.is_unread
    await bot.inbox.seen("noor", noor.last)
    assert await ids(bot, SIGN_UPS) == ["maya", "noor"], "those that nobody has seen come first"
    assert (await bot.inbox.unread(ADA))[Whose.SIGN_UPS] == 1
    first = await bot.inbox.listing(SIGN_UPS, rows=1)
    assert (await bot.inbox.listing(SIGN_UPS, current=noor)).apart == ""
    assert first.next is None
    assert [item.conversation.id for item in (await bot.inbox.search("c-no")).items] == ["noor"]


@pytest.mark.parametrize("what", ["their message", "a reply", "a note", "an assignment", "closing it"])
async def test_a_sign_up_moves_into_the_inbox_with_the_first_word_or_act(bot: Bot, what: str) -> None:
    await signed_up(bot, "maya")
    maya = await bot.inbox.get("maya")
    assert not maya.begun
    acts: dict[str, Callable[[], Awaitable[object]]] = {
        "their message": lambda: bot.conversations.say(maya, "Hi", "key"),
        "a reply": lambda: bot.inbox.reply("maya", ADA, "Hi", "key"),
        "a note": lambda: bot.inbox.note("maya", ADA, "Hi", "key"),
        "an assignment": lambda: bot.inbox.assign("maya", ADA, BEN, "key"),
        "closing it": lambda: bot.inbox.close("maya", ADA, "key"),
    }
    await acts[what]()
    view = View(ADA, ConversationState.CLOSED) if what == "closing it" else OPEN
    assert (await ids(bot, view), await ids(bot, SIGN_UPS)) == (["maya"], [])
    moved = await bot.inbox.get("maya")
    assert moved.sign_up_rank is None
    assert moved.is_unread == (what == "their message")


async def test_unread_ones_come_first_then_the_newest(bot: Bot) -> None:
    for id in ("one", "two", "three"):
        await talk(bot, id, "Hi")
    await bot.inbox.seen("three", 2)
    await bot.inbox.seen("two", 2)
    assert await ids(bot) == ["one", "three", "two"]
    await bot.conversations.say(await bot.inbox.get("two"), "Still there?", "again")
    assert await ids(bot) == ["two", "one", "three"]
    assert await bot.inbox.unread(ADA) == {Whose.MINE: 0, Whose.UNASSIGNED: 2, Whose.ALL: 2, Whose.SIGN_UPS: 0}


async def test_a_list_goes_on_where_its_last_page_ended(bot: Bot, store: Store) -> None:
    """Also where all of them came at one moment."""
    time = now()
    await store.conversations.insert_many(
        [
            Conversation(
                id=f"c{i:03}", contact="x", begun=True, rank=time, created_at=time, updated_at=time, state="open"
            )
            for i in range(PAGE * 2 + 5)
        ]
    )
    first = await bot.inbox.listing(OPEN)
    second = await bot.inbox.listing(OPEN, before=first.next)
    third = await bot.inbox.listing(OPEN, before=second.next)
    shown = [item.conversation.id for page in (first, second, third) for item in page.items]
    assert (len(shown), len(set(shown)), third.next) == (PAGE * 2 + 5, PAGE * 2 + 5, None)


async def test_a_conversation_is_closed_reopened_assigned_and_answered(bot: Bot) -> None:
    await talk(bot, "c", "Hi")
    assert await bot.inbox.assign("c", ADA, BEN, "k1")
    assert await bot.inbox.assign("c", ADA, BEN, "k2") is None
    assert (await ids(bot, View(BEN, whose=Whose.MINE)), await ids(bot, View(ADA, whose=Whose.MINE))) == (["c"], [])
    await bot.inbox.close("c", ADA, "k3")
    assert await bot.inbox.close("c", ADA, "k4") is None
    assert (await ids(bot), await ids(bot, View(ADA, ConversationState.CLOSED))) == ([], ["c"])
    await bot.inbox.reply("c", ADA, "One more thing", "k5")
    c = await bot.inbox.get("c")
    assert (c.state, c.assignee, c.is_unread, c.preview) == (ConversationState.OPEN, BEN, False, "One more thing")
    with pytest.raises(Invalid):
        await bot.inbox.assign("c", ADA, "nobody-here", "k6")
    with pytest.raises(NotFound):
        await bot.inbox.close("no-such", ADA, "k7")


async def test_a_conversation_of_an_older_version_is_nobodys_once_somebody_writes_in_it(bot: Bot, store: Store) -> None:
    c = await talk(bot, "old")
    gone = ("assignee", "assignee_seq", "team_seen", "called", "delivered", "state_seq", "preview_seq", "replied_seq")
    await store.conversations.update({"_id": "old"}, {"$unset": dict.fromkeys(gone, "")})
    await bot.conversations.say(c, "Hello?", "old-key-1")
    assert await ids(bot, View(ADA, whose=Whose.UNASSIGNED)) == ["old"]
    await bot.inbox.seen("old", 2)
    assert not (await bot.inbox.get("old")).is_unread


async def test_a_contact_who_writes_again_opens_what_was_closed_or_snoozed(bot: Bot) -> None:
    c = await talk(bot, "c", "Hi")
    for key in ("closed", "snoozed"):
        await (
            bot.inbox.close("c", ADA, key)
            if key == "closed"
            else bot.inbox.snooze("c", ADA, now() + timedelta(hours=1), key)
        )
        await bot.conversations.say(c, "Hello?", key)
        after = await bot.inbox.get("c")
        assert (after.state, after.snoozed_until, after.is_unread) == (ConversationState.OPEN, None, True)


async def test_a_snoozed_one_wakes_at_its_time_once_and_unread(bot: Bot, store: Store) -> None:
    await talk(bot, "c", "Hi")
    with pytest.raises(Invalid):
        await bot.inbox.snooze("c", ADA, now() - timedelta(seconds=1), "past")
    await bot.inbox.snooze("c", ADA, until := now() + timedelta(hours=1), "k")
    await bot.inbox.seen("c", 3)
    assert await ids(bot, View(ADA, ConversationState.SNOOZED)) == ["c"]
    await bot.inbox.wake(until - timedelta(minutes=1))
    assert await ids(bot) == []
    await bot.inbox.wake(until)
    await bot.inbox.wake(until)
    c = await bot.inbox.get("c")
    assert (c.state, c.snoozed_until, c.is_unread) == (ConversationState.OPEN, None, True)
    names = [
        p.content.name for p in await store.parts.after("c", 0, limit=50) if isinstance(p.content, ConversationEvent)
    ]
    assert names == ["snoozed", "woke"]


async def test_notes_and_what_teammates_do_stay_between_teammates(bot: Bot) -> None:
    await talk(bot, "c", "Hi")
    await bot.inbox.note("c", ADA, "A difficult one", "k1")
    await bot.inbox.close("c", ADA, "k2")
    await bot.inbox.reply("c", ADA, "Hello!", "k3")
    assert [p.seq for p in await bot.conversations.page("c")] == [1, 2, 5]
    assert [p.seq for p in await bot.inbox.page("c")] == [1, 2, 3, 4, 5]
    [(c, unread)] = await bot.conversations.all_of("c-c")
    assert (c.preview, unread) == ("Hello!", 2)


async def test_a_page_of_notes_hides_no_message_from_the_contact(bot: Bot) -> None:
    await talk(bot, "c", "Hi")
    for i in range(60):
        await bot.inbox.note("c", ADA, f"Note {i}", f"k{i}")
    assert [p.seq for p in await bot.conversations.page("c")] == [1, 2]


async def test_the_same_request_again_writes_nothing_twice(bot: Bot, store: Store) -> None:
    await talk(bot, "c", "Hi")
    for _ in range(2):
        await bot.inbox.reply("c", ADA, "Hello", "k")
        await bot.inbox.note("c", ADA, "Hm", "k")
    assert len(await store.parts.after("c", 2, limit=50)) == 2


async def test_a_request_that_ended_before_the_figures_were_written_is_mended_by_its_retry(
    bot: Bot, store: Store
) -> None:
    c = await talk(bot, "c")
    part = Part(
        id=store.parts.entry_id("c", 2),
        conversation="c",
        seq=2,
        author=Author(kind=AuthorKind.CONTACT, id="c-c"),
        content=Text(text="Hi"),
        at=now(),
        key="c:contact:k",
    )
    await store.parts.insert(part)
    assert await ids(bot) == []
    await bot.conversations.say(c, "Hi", "k")
    assert await ids(bot) == ["c"]


ANSWERED: list[tuple[AuthorKind, Content]] = [
    (AuthorKind.TEAMMATE, ConversationEvent(name=ConversationEventName.CLOSED)),
    (AuthorKind.TEAMMATE, Text(text="One more thing")),
    (AuthorKind.CONTACT, ConversationEvent(name=ConversationEventName.SIGNED_UP, subscription="deals")),
]
"""A reply after a close opens it; the newest words stay beside a newer event."""
HISTORY: list[tuple[AuthorKind, Content]] = [
    (AuthorKind.CONTACT, Text(text="$name")),
    (AuthorKind.TEAMMATE, ConversationEvent(name=ConversationEventName.ASSIGNED, to=BEN)),
    (AuthorKind.TEAMMATE, ConversationEvent(name=ConversationEventName.CLOSED)),
    (AuthorKind.TEAMMATE, Note(text="$$ROOT")),
    (AuthorKind.TEAMMATE, ConversationEvent(name=ConversationEventName.ASSIGNED, to=ADA)),
]


async def test_entries_make_the_same_conversation_in_whichever_order_they_are_taken_over(store: Store) -> None:
    time = now()

    async def taken_over(history: list[tuple[AuthorKind, Content]], order: tuple[int, ...]) -> Conversation:
        id = f"c{len(history)}" + "".join(map(str, order))
        await store.conversations.insert(Conversation(id=id, contact="x", created_at=time, updated_at=time))
        parts = [
            Part(
                id=store.parts.entry_id(id, seq),
                conversation=id,
                seq=seq,
                author=Author(kind=kind, id="x"),
                content=content,
                at=time + timedelta(seconds=seq),
                key=f"k{seq}",
            )
            for seq, (kind, content) in enumerate(history, start=1)
        ]
        for index in order:
            await store.conversations.touch([parts[index]])
        await store.conversations.touch(parts)
        found = await store.conversations.get(id)
        assert found
        return found

    async def in_any_order(history: list[tuple[AuthorKind, Content]]) -> list[Conversation]:
        orders = itertools.permutations(range(len(history)))
        return await asyncio.gather(*(taken_over(history, order) for order in orders))

    for c in await in_any_order(ANSWERED):
        assert (c.state, c.preview, c.newest.kind) == (ConversationState.OPEN, "One more thing", "event")
    for c in await in_any_order(HISTORY):
        assert (c.state, c.assignee, c.last, c.called, c.preview) == (ConversationState.CLOSED, ADA, 5, 1, "$name")
        assert (c.newest.seq, c.newest.kind) == (1, "text")


@pytest.mark.parametrize(
    "words", ["maya", "Ortiz", "may ort", "shop.example", "maya@shop", "2015550123", "555 0123", "0123", "+1 201"]
)
async def test_people_are_found_by_name_email_and_number(bot: Bot, words: str) -> None:
    maya = person("maya", name="Máya Ortiz", email="Maya@Shop.example", phone="+12015550123")
    await bot.store.contacts.insert(maya)
    await bot.conversations.begin("hers", "maya", BOT, [])
    await bot.conversations.say(await bot.inbox.get("hers"), "Hello", "k")
    await talk(bot, "other", "Nothing", name="Jon Bell")
    found = await bot.inbox.search(words)
    assert [i.conversation.id for i in found.items] == ["hers"]


async def test_conversations_are_found_by_words_that_people_wrote(bot: Bot) -> None:
    await talk(bot, "c", "Is the Sidamo back?")
    await bot.inbox.note("c", ADA, "Wants a grinder", "k")
    await talk(bot, "other", "Do you have decaf?")
    for words in ("sidamo", "SIDA back", "grinder"):
        assert [i.conversation.id for i in (await bot.inbox.search(words)).items] == ["c"], words
    for words in ("sidamo decaf", "welcome", "  ", ".*", "$ne"):
        assert not (await bot.inbox.search(words)).items, words


async def test_search_results_are_paged_by_recency(bot: Bot) -> None:
    for n in range(PAGE + 5):
        await talk(bot, f"c{n:02}", "Is the Sidamo back?")
    first = await bot.inbox.search("sidamo")
    rest = await bot.inbox.search("sidamo", before=first.next)
    found = [item.conversation.id for item in (*first.items, *rest.items)]
    assert (len(first.items), rest.next) == (PAGE, None)
    assert found == [f"c{n:02}" for n in reversed(range(PAGE + 5))]
    expanded = await bot.inbox.search("sidamo", rows=PAGE + 5)
    assert [item.conversation.id for item in expanded.items] == found


async def test_an_open_card_is_withdrawn_and_takes_no_answer_any_more(bot: Bot, store: Store) -> None:
    await store.contacts.insert(ada := person("ada"))
    part = await asked(bot, ada)
    answer = await answer_to(bot, part, ada)
    said = await bot.inbox.withdraw(part.conversation, ADA, part.seq)
    again = await bot.inbox.withdraw(part.conversation, ADA, part.seq)
    assert (said.id, isinstance(said.content, ConversationEvent)) == (again.id, True)
    withdrawn = await bot.cards.find(part.conversation, part.seq, ada.id)
    with pytest.raises(CardClosed):
        await bot.cards.submit(withdrawn, ada, await bot.workspace(), answer)
    assert await store.events.after("ada", 0, limit=5) == []


async def test_an_answer_that_came_at_the_moment_of_withdrawing_counts(bot: Bot, store: Store) -> None:
    """Between its event and its card: the yes stands, so nobody is told that the form was taken back."""
    await store.contacts.insert(ada := person("ada"))
    part = await asked(bot, ada)
    await bot.ledger.record(change("ada", f"card:{part.id}", context=Context(part=part.id)))
    with pytest.raises(CardClosed):
        await bot.inbox.withdraw(part.conversation, ADA, part.seq)
    contact = await bot.ledger.contact("ada")
    closed = await bot.cards.find(part.conversation, part.seq, "ada")
    assert contact
    answer = Answer(address="(201) 555-0123", region="US", version="")
    again = await bot.cards.submit(closed, contact, await bot.workspace(), answer)
    assert not again.is_new
    await bot.consumers.drain()
    kept = await bot.conversations.part(part.conversation, part.seq)
    assert kept
    assert isinstance(kept.content, Card)
    assert kept.content.state is CardState.COMPLETED


async def test_what_was_closed_or_snoozed_anew_is_not_woken_by_the_old_snooze(bot: Bot, store: Store) -> None:
    await talk(bot, "c", "Hi")
    first = await bot.inbox.snooze("c", ADA, now() + timedelta(hours=1), "k1")
    await bot.inbox.close("c", ADA, "k2")
    woke = ConversationEvent(name=ConversationEventName.WOKE, part=first.seq)
    await bot.conversations.append("c", BOT, woke, "late")
    assert (await bot.inbox.get("c")).state is ConversationState.CLOSED


async def test_a_card_that_was_answered_cannot_be_withdrawn(bot: Bot, store: Store) -> None:
    await store.contacts.insert(ada := person("ada"))
    part = await asked(bot, ada)
    await bot.cards.submit(part, ada, await bot.workspace(), await answer_to(bot, part, ada))
    with pytest.raises(CardClosed):
        await bot.inbox.withdraw(part.conversation, ADA, part.seq)
    await bot.consumers.drain()
    kept = await bot.conversations.part(part.conversation, part.seq)
    assert kept
    assert isinstance(kept.content, Card)
    assert kept.content.state is CardState.COMPLETED


async def test_teammates_see_that_a_card_was_opened_and_tried_never_the_number(bot: Bot, store: Store) -> None:
    await store.contacts.insert(ada := person("ada"))
    part = await asked(bot, ada)
    await bot.cards.opened(part.conversation, part.seq, "somebody-else")
    await bot.cards.opened(part.conversation, part.seq, ada.id)
    await bot.cards.tried(part, ada.id, "too_short")
    kept = await bot.conversations.part(part.conversation, part.seq)
    assert kept
    assert isinstance(kept.content, Card)
    assert (kept.content.opened_at is not None, kept.content.tries, kept.content.problem) == (True, 1, "too_short")
    assert {s.seq for s in await store.signals.since(part.conversation, part.at)} == {part.seq}


async def test_one_sms_conversation_a_contact(bot: Bot) -> None:
    await bot.store.contacts.insert(person("ada"))
    one = await bot.conversations.begin_texting("ada", "+12015550123")
    assert one == await bot.conversations.begin_texting("ada", "+12015550123")
    c = await bot.inbox.get(one)
    assert (c.channel, c.number) == (Channel.SMS, "+12015550123")


async def test_the_loop_wakes_what_was_snoozed(bot: Bot) -> None:
    await talk(bot, "c", "Hi")
    await bot.inbox.snooze("c", ADA, now() + timedelta(hours=1), "k")
    await bot.store.conversations.update({"_id": "c"}, {"$set": {"snoozed_until": now()}})
    async with bot.running():
        await eventually(lambda: ids(bot))


async def test_a_form_stands_after_the_words_beside_it_once_however_often_it_is_sent(bot: Bot) -> None:
    await talk(bot, "deals", "Any deals?")
    for _again in range(2):
        part = await bot.inbox.insert("deals", ADA, card(), "Here is our form", "k", wording())
    *_before, text, form = await bot.inbox.page("deals")
    assert form == part
    assert (text.content, form.content) == (Text(text="Here is our form"), card())
    assert {text.author, form.author} == {Author(kind=AuthorKind.TEAMMATE, id=ADA)}
    assert len(await bot.inbox.page("deals")) == 4


async def test_a_form_needs_no_words_beside_it(bot: Bot) -> None:
    await talk(bot, "deals", "Any deals?")
    await bot.inbox.insert("deals", ADA, card(), "", "k", wording())
    assert [part.content.kind for part in await bot.inbox.page("deals")] == ["text", "text", "card"]


async def test_what_is_not_live_is_not_offered_and_its_words_are_not_sent(bot: Bot) -> None:
    await talk(bot, "deals", "Any deals?")
    await bot.store.subscriptions.update({"_id": DEALS}, {"$set": {"state": "archived"}})
    for gone in (DEALS, "0" * 24):
        with pytest.raises(CardClosed):
            await bot.inbox.insert("deals", ADA, card(subscription=gone), "Here is our form", "k", wording())
    assert len(await bot.inbox.page("deals")) == 2


async def test_a_text_message_holds_no_form(bot: Bot) -> None:
    contact = person("texter", phone=NUMBER)
    await bot.store.contacts.keep(contact)
    id = await bot.conversations.begin_texting(contact.id, NUMBER)
    with pytest.raises(Invalid):
        await bot.inbox.insert(id, ADA, card(), "Here is our form", "k", wording())
    assert await bot.inbox.page(id) == []
