"""The live feed: entries of any process reach whoever follows the conversation here, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from bot.chat.conversations import ConversationService
from bot.chat.feed import BACKLOG, REMEMBERED, SUBSCRIPTIONS, Entries, Feed, Follower, News
from bot.consent.ledger import Ledger
from bot.errors import NotFound, StoreUnavailable
from bot.model.conversation import Part, Text
from bot.model.signal import Signal
from bot.model.stop import Stop
from bot.model.subscription import SubscriptionVersion
from bot.store import Store
from bot.store.changes import DocumentChange
from bot.store.embedded import EmbeddedServer
from tests.conftest import PATIENCE
from tests.people import AT, NUMBER, TEAMMATE, change, second_process, subscription


@pytest.fixture
async def feed(store: Store, mongo: EmbeddedServer) -> AsyncIterator[Feed]:
    """The feed of another process than the one that writes."""
    async with second_process(mongo) as other:
        feed = Feed(other)
        await feed.start()
        yield feed


async def _news(follower: Follower) -> Part | News | None:
    async with asyncio.timeout(PATIENCE):
        news = await follower.next()
    assert not isinstance(news, Signal)
    return news.parts[0] if isinstance(news, Entries) else news


async def _next(follower: Follower) -> Part | None:
    news = await _news(follower)
    assert not isinstance(news, News)
    return news


async def test_a_follower_gets_what_another_process_writes_in_order(feed: Feed, store: Store) -> None:
    chats = ConversationService(store)
    with feed.follow("chat") as one, feed.follow("chat") as two:
        await chats.begin("chat", "ada", TEAMMATE, [])
        await chats.begin("other", "bob", TEAMMATE, [])
        for i in range(30):
            await chats.append("chat", TEAMMATE, Text(text=f"text {i}"), f"k{i}")
            await chats.append("other", TEAMMATE, Text(text="not for you"), f"k{i}")
        for follower in (one, two):
            assert await _next(follower) is None, "a new conversation is read: it holds its first entries"
            parts = [await _next(follower) for _ in range(30)]
            assert [p and p.seq for p in parts] == list(range(1, 31))
            assert {p and p.conversation for p in parts} == {"chat"}


async def test_an_entry_arrives_as_it_is_stored(feed: Feed, store: Store) -> None:
    chats = ConversationService(store)
    with feed.follow("chat") as follower:
        await chats.begin("chat", "ada", TEAMMATE, [])
        assert await _next(follower) is None
        written = await chats.append("chat", TEAMMATE, Text(text="Hi"), "k")
        assert await _next(follower) == written


class TestOwnWrites:
    """What this process writes: told at once, and only once, whether the change stream is quicker or slower."""

    async def test_an_entry_is_told_once_it_is_written(self, store: Store) -> None:
        feed = Feed(store)  # without a change stream
        chats = ConversationService(store, feed.writing)
        await chats.begin("chat", "ada", TEAMMATE, [])
        with feed.follow("chat") as follower, feed.follow("other") as other:
            written = await chats.append("chat", TEAMMATE, Text(text="Hi"), "k")
            assert await store.parts.get(written.id) == await _next(follower) == written
            assert await chats.append("chat", TEAMMATE, Text(text="Hi"), "k") == written
            assert follower.is_idle, "the same request again tells nothing new"
            assert other.is_idle

    async def test_what_comes_both_ways_is_told_once(self, feed: Feed, store: Store, mongo: EmbeddedServer) -> None:
        others = ConversationService(store)
        await others.begin("chat", "ada", TEAMMATE, [])
        async with second_process(mongo) as own:
            here = Feed(own)
            await here.start()
            chats = ConversationService(own, here.writing)
            with here.follow("chat") as follower, feed.follow("chat") as elsewhere:
                for i in range(10):
                    await chats.append("chat", TEAMMATE, Text(text="from here"), f"here {i}")
                    await others.append("chat", TEAMMATE, Text(text="from there"), f"there {i}")
                everywhere = [await _next(elsewhere) for _ in range(20)]
                told = [await _next(follower) for _ in range(20)]
        assert [p and p.seq for p in everywhere] == [*range(1, 21)]
        assert sorted(p.seq for p in told if p) == [*range(1, 21)], "each of them once"
        assert [p.seq for p in told if p and p.seq % 2] == [*range(1, 21, 2)]

    async def test_an_entry_that_was_refused_is_told_to_nobody(self, store: Store) -> None:
        feed = Feed(store)
        chats = ConversationService(store, feed.writing)
        with feed.follow("nowhere") as follower:
            with pytest.raises(NotFound):
                await chats.append("nowhere", TEAMMATE, Text(text="Hi"), "k")
            assert follower.is_idle

    async def test_what_was_written_together_is_told_together(self, store: Store) -> None:
        feed = Feed(store)
        parts = [_part(seq) for seq in range(1, 5)]
        with feed.follow("chat") as follower:
            with feed.writing(["chat"]) as written:
                written += parts
            assert await follower.next() == Entries(tuple(parts))
            feed._deliver([DocumentChange("conversations", "chat", {}, is_new=True)])
            assert follower.is_idle

    @pytest.mark.parametrize("is_early", [True, False])
    async def test_an_entry_of_another_process_in_the_place_of_an_own_one_is_read(
        self, store: Store, is_early: bool
    ) -> None:
        """Also when the change stream shows it before the own write is refused."""
        feed, other = Feed(store), _part(1)
        change = DocumentChange("parts", other.id, other.stored())
        with feed.follow("chat") as follower:
            with feed.writing([other.id]):
                if is_early:
                    feed._deliver([change])
            assert await follower.next() is None, "read it"
            feed._deliver([] if is_early else [change])
            assert is_early or await _next(follower) == other

    async def test_a_write_that_failed_is_read(self, store: Store) -> None:
        feed = Feed(store)
        with feed.follow("chat") as follower:
            with pytest.raises(StoreUnavailable), feed.writing(["chat:0000000001"]):
                raise StoreUnavailable
            assert await follower.next() is None, "it may be there all the same"
            assert not feed._own

    async def test_own_writes_that_the_stream_does_not_show_are_forgotten(self, store: Store) -> None:
        feed = Feed(store)
        with feed.writing([str(i) for i in range(REMEMBERED + 10)]) as written:
            assert len(feed._own) == REMEMBERED
            written += [_part(1)]
        assert not feed._own


async def test_a_contact_who_is_deleted_is_told(feed: Feed, store: Store, make_contact: Callable[..., Any]) -> None:
    ada = await make_contact()
    with feed.follow(ada.id) as follower:
        await store.contacts.collection.delete_one({"_id": ada.id})
        assert await _news(follower) == News(ada.id)


async def test_who_follows_a_person_hears_of_their_consents_and_of_nobody_elses(
    feed: Feed, store: Store, make_contact: Callable[..., Any]
) -> None:
    ada, ben = await make_contact(), await make_contact()
    with feed.follow(ada.id) as follower:
        await Ledger(store).record(change(ben.id, "k"))
        await Ledger(store).record(change(ada.id, "k"))
        assert await _news(follower) == News(ada.id)


async def test_who_follows_a_number_hears_of_its_stop_and_of_its_start(feed: Feed, store: Store) -> None:
    with feed.follow(NUMBER) as follower:
        await store.stops.insert(Stop(id=NUMBER, at=AT, text="STOP"))
        assert await _news(follower) == News(NUMBER)
        await store.stops.update({"_id": NUMBER}, {"$set": {"lifted_at": AT}})
        assert await _news(follower) == News(NUMBER)


async def test_who_follows_subscriptions_hears_of_each_change(feed: Feed, store: Store) -> None:
    with feed.follow("ada", SUBSCRIPTIONS) as follower:
        entry = SubscriptionVersion(
            id="deals:0000000002", subscription="deals", seq=2, act="archived", by="t", by_name="Ada", at=AT,
            after=subscription(), key="k",
        )  # fmt: skip
        await store.subscription_versions.insert(entry)
        assert await _news(follower) == News(SUBSCRIPTIONS)


async def test_a_follower_who_went_away_is_forgotten(feed: Feed) -> None:
    with feed.follow("chat"):
        assert feed.followers == 1
    assert feed.followers == 0
    assert not feed._followers, "a conversation that nobody follows takes no room"


async def test_a_slow_follower_is_told_to_read_what_it_missed() -> None:
    follower = Follower()
    for seq in range(1, BACKLOG + 1):
        follower.offer(Entries((_part(seq),)))
    follower.offer(Entries((_part(BACKLOG + 1),)))
    follower.offer(Entries((_part(BACKLOG + 2),)))
    assert await _next(follower) is None, "something is missing: read it"
    last = await _next(follower)
    assert last
    assert last.seq == BACKLOG + 2


async def test_a_follower_that_keeps_up_misses_nothing() -> None:
    follower = Follower()
    for seq in range(1, 3 * BACKLOG):
        follower.offer(Entries((_part(seq),)))
        part = await _next(follower)
        assert part
        assert part.seq == seq


async def test_a_lost_line_is_told_once_it_is_open_again(
    mongo: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes between the break and the new line is in nobody's stream: who reads before that would miss it."""
    order: list[str] = []
    async with second_process(mongo) as other:
        real, told = other.changes._read, asyncio.Event()

        def read(pipeline: Any, opened: Callable[[], None]) -> None:
            def is_open() -> None:
                order.append("open")
                opened()
                if order == ["open"]:
                    other.changes._resume = None
                    raise OperationFailure("the place to resume from is gone")

            real(pipeline, is_open)

        def lost() -> None:
            order.append("lost")
            told.set()

        monkeypatch.setattr(other.changes, "_read", read)
        await other.changes.start(lambda batch: None, lost, whole=(), inserted=(), changed=("stops",))
        async with asyncio.timeout(PATIENCE):
            await told.wait()
    assert order == ["open", "open", "lost"]


async def test_after_a_lost_line_every_follower_is_told_to_read(store: Store) -> None:
    feed = Feed(store)
    with feed.follow("chat") as one, feed.follow("other") as two:
        feed._lost()
        assert (await _next(one), await _next(two)) == (None, None)


async def test_one_slow_follower_does_not_hold_up_another(store: Store) -> None:
    feed = Feed(store)
    with feed.follow("chat") as slow, feed.follow("chat") as quick:
        raw: list[Any] = [_part(seq).stored() for seq in range(1, 2 * BACKLOG)]
        for one in raw:
            feed._deliver([DocumentChange("parts", one["_id"], one)])
            part = await _next(quick)
            assert part
            assert part.id == one["_id"]
        assert await _next(slow) is None


def _part(seq: int) -> Part:
    id = f"chat:{seq:010d}"
    return Part(id=id, conversation="chat", seq=seq, author=TEAMMATE, content=Text(text="x"), at=AT, key=id)


async def test_closing_does_not_wait_for_the_next_change(
    demo_store: Store, mongo: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.changes.WAIT_MS", 60_000)
    async with asyncio.timeout(PATIENCE) as limit, second_process(mongo) as other:
        await Feed(other).start()
        limit.reschedule(asyncio.get_running_loop().time() + 4)
