"""What all tables share: gathered calls, lines without gaps, and one error when the database is away."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    ExecutionTimeout,
    NetworkTimeout,
    NotPrimaryError,
    OperationFailure,
    ServerSelectionTimeoutError,
    WriteConcernError,
    WTimeoutError,
)

from bot.errors import StoreUnavailable
from bot.model.contact import Contact, Role
from bot.model.conversation import Conversation, Part, Text
from bot.model.workspace import Key
from bot.store import Duplicate, Store, open_store
from bot.store.driver import database_errors
from bot.store.embedded import EmbeddedServer
from tests.people import AT, TEAMMATE, person, second_process, subscription


class TestGetAndInsert:
    async def test_what_is_inserted_is_found_as_it_was(self, store: Store) -> None:
        ada = person(name="Ada", attributes={"plan": "pro", "n": 3}, role=Role.USER, external_id="u1")
        await store.contacts.insert(ada)
        assert await store.contacts.get(ada.id) == ada
        assert await store.contacts.get("nobody") is None

    async def test_a_second_one_of_the_same_id_is_refused_and_the_first_stays(self, store: Store) -> None:
        await store.contacts.insert(person(name="Ada"))
        with pytest.raises(Duplicate):
            await store.contacts.insert(person(name="Eve"))
        stored = await store.contacts.get("ada")
        assert stored
        assert stored.name == "Ada"

    async def test_of_two_contacts_one_has_a_user_id(self, store: Store) -> None:
        await store.contacts.insert(person("a", external_id="u1"))
        with pytest.raises(Duplicate):
            await store.contacts.insert(person("b", external_id="u1"))
        await asyncio.gather(*(store.contacts.insert(person(f"lead{i}")) for i in range(3)))

    async def test_a_refused_one_does_not_hold_up_those_beside_it(self, store: Store) -> None:
        await store.contacts.insert(person("b"))
        answers = await asyncio.gather(*(store.contacts.insert(person(i)) for i in "abc"), return_exceptions=True)
        assert [type(a).__name__ for a in answers] == ["NoneType", "Duplicate", "NoneType"]
        assert set(await store.contacts.get_many("abc")) == {"a", "b", "c"}

    async def test_many_are_found_in_one_go_and_the_missing_are_not_there(self, store: Store) -> None:
        await asyncio.gather(*(store.contacts.insert(person(i)) for i in "ab"))
        assert sorted(await store.contacts.get_many(["a", "x", "b", "a"])) == ["a", "b"]
        assert await store.contacts.get_many([]) == {}

    async def test_keep_leaves_what_is_there(self, store: Store) -> None:
        for name in ("first", "second"):
            await store.subscriptions.keep(subscription(name=name))
        stored = await store.subscriptions.get("deals")
        assert stored
        assert stored.name == "first"

    async def test_a_key_is_made_once_whoever_asks_first(self, store: Store, mongo: EmbeddedServer) -> None:
        async with second_process(mongo) as other:
            keys = await asyncio.gather(*(s.keys.of("visitors") for s in (store, other) for _ in range(5)))
        assert len(set(keys)) == 1
        assert len(keys[0]) >= 43
        assert await store.keys.of("other") != keys[0]

    async def test_a_scan_reads_everything_once_in_order(self, store: Store) -> None:
        await asyncio.gather(*(store.keys.insert(Key(id=f"z{i:02d}", value="x")) for i in range(25)))
        pages = [page async for page in store.keys.scan(batch=10, after="y")]
        assert [len(page) for page in pages] == [10, 10, 5]
        assert [k.id for page in pages for k in page] == [f"z{i:02d}" for i in range(25)]


class TestLine:
    async def test_the_order_of_ids_is_the_order_of_numbers(self, store: Store) -> None:
        places = [store.parts.entry_id("chat", seq) for seq in (1, 9, 10, 99, 100, 12345, 9_999_999_999)]
        assert places == sorted(places)

    async def test_a_line_is_read_from_either_end(self, store: Store) -> None:
        await store.parts.insert_many([_part(seq) for seq in range(1, 13)])
        await store.parts.insert_many([_part(1, "chat2")])
        assert [p.seq for p in await store.parts.after("chat", 9, limit=10)] == [10, 11, 12]
        assert [p.seq for p in await store.parts.after("chat", 0, limit=3)] == [1, 2, 3]
        assert [p.seq for p in await store.parts.before("chat", None, limit=3)] == [10, 11, 12]
        assert [p.seq for p in await store.parts.before("chat", 3, limit=5)] == [1, 2]

    async def test_logs_that_are_read_together_share_a_query(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await store.parts.insert_many([*(_part(seq) for seq in range(1, 13)), *(_part(seq, "other") for seq in (1, 2))])
        queries: list[Any] = []
        real = store.parts.find

        async def find(match: Any, **values: Any) -> Any:
            queries.append(match)
            return await real(match, **values)

        monkeypatch.setattr(store.parts, "find", find)
        wanted = [("chat", 9, 10), ("other", 0, 10), ("chat", 0, 3), ("none", 0, 10), ("other", 2, 10)]
        found = await asyncio.gather(*(store.parts.after(id, seq, limit=limit) for id, seq, limit in wanted))
        assert [[part.seq for part in parts] for parts in found] == [[10, 11, 12], [1, 2], [1, 2, 3], [], []]
        assert {part.conversation for part in found[1]} == {"other"}
        assert len(queries) == 1

    async def test_a_key_is_found_in_its_own_line_alone(self, store: Store) -> None:
        await store.parts.insert_many([_part(1), _part(1, "other")])
        found = await store.parts.by_key("chat", "chat:k1")
        assert found
        assert found.id == "chat:0000000001"
        assert await store.parts.by_key("other", "chat:k1") is None
        assert await store.parts.by_keys([]) == {}

    async def test_the_second_writer_of_a_number_is_refused(self, store: Store) -> None:
        assert await store.parts.insert_many([_part(1), _part(2)]) == [True, True]
        assert await store.parts.insert_many([_part(2), _part(3)]) == [False, True]


class TestAway:
    async def test_a_server_that_is_not_there_is_named(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        async with open_store(f"mongodb://127.0.0.1:{port}/?directConnection=true", "sayso_test") as store:
            assert store.database.client.delegate.options.server_selection_timeout < 5, "the driver's own is 30 seconds"
            ready, *answers = await asyncio.gather(
                store.is_ready(),
                store.contacts.get("ada"),
                store.contacts.insert(person()),
                store.contacts.update({"_id": "ada"}, {"$set": {"name": "x"}}),
                store.contacts.find({}, limit=1),
                store.parts.unread([Conversation(id="chat", contact="ada", last=2, created_at=AT, updated_at=AT)]),
                store.deliveries.claim("worker", limit=5, until=AT),
                store.preference_links.revoke_all("ada"),
                store.contacts.count_about(),
                return_exceptions=True,
            )
        assert ready is False
        assert {type(a) for a in answers} == {StoreUnavailable}

    @pytest.mark.parametrize(
        "error",
        [
            ServerSelectionTimeoutError(),
            AutoReconnect(),
            NetworkTimeout(),
            NotPrimaryError(),
            ExecutionTimeout("x", 50),
            WTimeoutError("x", 64),
            WriteConcernError("x", 100),
            ConfigurationError("Sessions are not supported by this MongoDB deployment"),
            OperationFailure("shutting down", 91),
            OperationFailure("interrupted", 11600),
            OperationFailure("labelled", 1, {"errorLabels": ["RetryableWriteError"]}),
        ],
        ids=lambda error: f"{type(error).__name__}-{getattr(error, 'code', '')}",
    )
    def test_each_way_not_to_answer_is_one_error(self, error: Exception) -> None:
        with pytest.raises(StoreUnavailable), database_errors():
            raise error

    def test_a_fault_of_ours_is_not_hidden(self) -> None:
        with pytest.raises(OperationFailure), database_errors():
            raise OperationFailure("bad query", 2)

    async def test_a_database_that_answers_is_ready(self, store: Store) -> None:
        assert await store.is_ready()


async def test_preparing_again_and_by_several_at_once_is_safe(store: Store, mongo: EmbeddedServer) -> None:
    async with second_process(mongo) as other:
        await asyncio.gather(store.prepare(), other.prepare())


async def test_times_come_back_in_utc_to_the_millisecond(store: Store) -> None:
    ada: Contact = person()
    await store.contacts.insert(ada)
    stored = await store.contacts.get("ada")
    assert stored
    assert (stored.created_at, stored.created_at.utcoffset()) == (AT, AT.utcoffset())


def _part(seq: int, conversation: str = "chat") -> Part:
    return Part(
        id=f"{conversation}:{seq:010d}",
        conversation=conversation,
        seq=seq,
        author=TEAMMATE,
        content=Text(text="x"),
        at=AT,
        key=f"{conversation}:k{seq}",
    )
