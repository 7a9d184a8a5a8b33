"""The contract of storage: what is true on a real mongod is true on the other embedded server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.chat.conversations import ConversationService
from bot.chat.feed import Entries, Feed, News
from bot.consent.checkpoints import CheckpointKeys, CheckpointLog
from bot.consent.counts import CountKeeper, miscounted
from bot.consent.ledger import Ledger
from bot.consent.ledger_round import Recorded
from bot.consent.verify import verify
from bot.demo import DEALS, make_demo
from bot.jobs.service import JobService
from bot.model.base import new_id, now
from bot.model.contact import ConsentState, Contact
from bot.model.conversation import Author, AuthorKind, Text
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState, StepKind
from bot.model.event import Action
from bot.model.job import JobItem, JobState
from bot.model.stop import Stop
from bot.model.teammate import By
from bot.store import Duplicate, Store, open_store
from bot.store.delivery_queue import Result
from bot.store.embedded import EmbeddedServer, embedded_server
from tests.conftest import PATIENCE
from tests.jobs.kinds import Count, CountAlone, CountInput
from tests.people import change

ENGINES = ["mongod", "secantusdb"]
BOT = Author(kind=AuthorKind.BOT, id="bot")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=ENGINES)
async def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[EmbeddedServer]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    async with embedded_server(folder, engine=request.param) as server:
        assert server.engine == request.param
        yield server


@pytest.fixture
async def here(engine: EmbeddedServer) -> AsyncIterator[Store]:
    async with open_store(engine.url, f"contract_{new_id()}") as store:
        await store.prepare()
        yield store


@pytest.fixture
async def there(engine: EmbeddedServer, here: Store) -> AsyncIterator[Store]:
    """The same database, as another process has it."""
    async with open_store(engine.url, here.database.name) as store:
        yield store


async def _contact(store: Store, **values: Any) -> Contact:
    time = now()
    contact = Contact(id=new_id(), created_at=time, updated_at=time, **values)
    await store.contacts.insert(contact)
    return contact


class TestContract:
    async def test_what_is_stored_is_what_is_read(self, here: Store) -> None:
        contact = await _contact(here, phone="+12015550123", locale="es")
        assert await here.contacts.get(contact.id) == contact
        assert await here.contacts.get("nobody") is None

    async def test_an_id_and_a_unique_value_are_taken_once(self, here: Store) -> None:
        ada = await _contact(here, external_id="ada")
        for twin in (ada, ada.model_copy(update={"id": new_id()})):
            with pytest.raises(Duplicate):
                await here.contacts.insert(twin)
        await asyncio.gather(*(_contact(here) for _ in range(5)))  # without the value there is nothing to be unique

    async def test_of_many_inserted_at_once_only_the_taken_are_refused(self, here: Store) -> None:
        ada = await _contact(here)
        new = [ada.model_copy(update={"id": new_id()}) for _ in range(3)]
        assert await here.contacts.insert_many([new[0], ada, *new[1:]]) == [True, False, True, True]

    async def test_the_ledger_is_whole_after_two_writers_at_once(self, here: Store, there: Store) -> None:
        ada = await _contact(here)
        ledgers = [Ledger(here), Ledger(there)]
        changes = [change(ada.id, f"k{i}", Action.OPT_IN if i % 2 else Action.OPT_OUT) for i in range(20)]
        recorded = await asyncio.gather(*(ledgers[i % 2].record(c) for i, c in enumerate(changes)))
        again = await ledgers[0].record(changes[0])
        assert sorted(r.event.seq for r in recorded) == list(range(1, 21))
        assert (again.is_new, again.event) == (False, recorded[0].event)
        assert (await verify(here, repair=False)).is_whole

    async def test_checkpoints_of_two_processes_name_a_cut(self, here: Store, there: Store) -> None:
        logs = [CheckpointLog(store, CheckpointKeys(store)) for store in (here, there)]
        await logs[0].cover()
        ada = await _contact(here)
        for i in range(3):
            await Ledger(here).record(change(ada.id, f"k{i}", Action.OPT_OUT if i % 2 else Action.OPT_IN))
            await asyncio.gather(*(log.cover() for log in logs))
        whole = await verify(here, repair=False)
        assert (whole.faults, whole.checkpoints >= 3) == ([], True)
        (last,) = await here.events.after(ada.id, 2, limit=1)
        await here.events.collection.delete_one({"_id": last.id})
        await here.contacts.collection.update_one(
            {"_id": ada.id}, {"$set": {"ledger": {"seq": 2, "hash": last.previous}}}
        )
        for repair in (False, True, False):
            (fault,) = (await verify(there, repair=repair)).faults
            assert f"contact {ada.id}: event 3 is missing: checkpoint" in fault

    async def test_a_batch_is_recorded_and_projected(self, here: Store) -> None:
        people = [await _contact(here) for _ in range(20)]
        results = await Ledger(here).record_many([change(p.id, "k") for p in people])
        assert all(isinstance(r, Recorded) and r.is_new for r in results)
        found = await here.contacts.get_many(p.id for p in people)
        states = {c.state for contact in found.values() for c in contact.consents}
        assert (len(found), states) == (20, {ConsentState.OPTED_IN})

    async def test_entries_of_two_processes_have_no_gaps_and_keys_count_once(self, here: Store, there: Store) -> None:
        chats = [ConversationService(here), ConversationService(there)]
        await chats[0].begin("chat", "ada", BOT, [("hi", Text(text="Hi"))])
        keys = [f"k{i % 10}" for i in range(20)]
        await asyncio.gather(*(chats[i % 2].append("chat", BOT, Text(text=k), k) for i, k in enumerate(keys)))
        parts = await here.parts.after("chat", 0, limit=50)
        assert [p.seq for p in parts] == list(range(1, 12))
        assert [p.seq for p in await here.parts.before("chat", 8, limit=3)] == [5, 6, 7]
        assert (await chats[0].all_of("ada"))[0][1] == 11
        await asyncio.gather(
            chats[0].mark_read("chat", "ada", seen=5, delivered=9),
            chats[1].mark_read("chat", "eve", seen=7, delivered=7),
        )
        read = await here.conversations.get("chat")
        assert read
        assert (read.seen, read.delivered) == (5, 9)

    async def test_new_entries_are_seen_by_the_other_process(self, here: Store, there: Store) -> None:
        feed = Feed(there)
        await feed.start()
        await ConversationService(here).begin("chat", "ada", BOT, [])
        with feed.follow("chat") as follower:
            for i in range(3):
                await ConversationService(here).append("chat", BOT, Text(text=str(i)), str(i))
            seen: list[int] = []
            async with asyncio.timeout(PATIENCE):
                while len(seen) < 3:
                    news = await follower.next()
                    seen += [part.seq for part in news.parts] if isinstance(news, Entries) else []
        assert seen == [1, 2, 3]

    async def test_counts_move_with_the_consents_of_two_processes(self, here: Store, there: Store) -> None:
        people = [await _contact(here) for _ in range(10)]
        ledgers = [Ledger(here), Ledger(there)]
        await CountKeeper(here).catch_up()
        for action in (Action.OPT_IN, Action.OPT_OUT, Action.OPT_IN):
            await asyncio.gather(*(ledger.record(change(p.id, new_id(), action)) for p in people for ledger in ledgers))
        await asyncio.gather(*(Ledger(here).record(change(p.id, "no", Action.OPT_OUT)) for p in people[:3]))
        await CountKeeper(there).catch_up()
        counts = (await there.consent_counts.of([DEALS]))[DEALS]
        assert (counts[ConsentState.OPTED_IN], counts[ConsentState.OPTED_OUT]) == (7, 3)
        assert await miscounted(there) == {}

    async def test_consents_stops_and_subscriptions_are_news_to_the_other_process(
        self, here: Store, there: Store
    ) -> None:
        feed, ada = Feed(there), await _contact(here)
        await feed.start()
        with feed.follow(ada.id) as person, feed.follow("+12015550123") as number:
            await Ledger(here).record(change(ada.id, "k"))
            await here.stops.insert(Stop(id="+12015550123", at=now(), text="STOP"))
            await here.stops.update({"_id": "+12015550123"}, {"$set": {"lifted_at": now()}})
            async with asyncio.timeout(PATIENCE):
                assert await person.next() == News(ada.id)
                assert [await number.next() for _ in range(2)] == [News("+12015550123")] * 2

    async def test_a_queued_text_is_taken_by_one_worker(self, here: Store, there: Store) -> None:
        time = now()
        for i in range(10):
            await here.deliveries.insert(
                Delivery(
                    id=f"d{i}", contact="ada", subscription=DEALS, kind=DeliveryKind.CONFIRMATION, event="e",
                    locale="en", number="+12015550123", due_at=time, created_at=time, updated_at=time,
                )
            )  # fmt: skip
        later = now() + timedelta(minutes=1)
        stores = (here, there, here, there)
        taken = [*await asyncio.gather(*(s.deliveries.claim(new_id(), limit=6, until=later) for s in stores))]
        taken.append(await here.deliveries.claim(new_id(), limit=10, until=later))
        claimed = [delivery for batch in taken for delivery in batch]
        assert sorted(d.id for d in claimed) == sorted(f"d{i}" for i in range(10))
        handed = [(d, {"body": f"Hi {d.id}"}) for d in claimed]
        late = claimed[1].model_copy(update={"worker": "late"})
        marked = await here.deliveries.hand_over([handed[0], (late, {}), *handed[2:]], ask_at=later)
        assert marked == [True, False, *[True] * 8]
        results = [Result(d.id, d.worker or "", DeliveryState.SENT, {"provider_id": f"p{d.id}"}) for d in claimed]
        waits = {"reason": "busy", "due_at": later}
        again = replace(results[2], state=DeliveryState.QUEUED, values=waits, was_kept=True)
        await here.deliveries.settle([replace(results[0], worker="late"), results[1], again, *results[3:]])
        stored = await there.deliveries.get_many([d.id for d in claimed])
        first, second, third, *others = [stored[d.id] for d in claimed]
        assert (first.state, first.body, first.ask_at) == (DeliveryState.SENDING, f"Hi {first.id}", later)
        assert (second.state, second.body) == (DeliveryState.SENT, None)
        assert (third.state, third.due_at, third.ask_at, third.handed_at) == (DeliveryState.QUEUED, later, None, None)
        assert [(step.kind, step.what) for step in third.steps or ()] == [(StepKind.WAITED, "busy")]
        assert {d.state for d in others} == {DeliveryState.SENT}
        assert [(d.body, d.provider_id) for d in others] == [(f"Hi {d.id}", f"p{d.id}") for d in others]
        assert {(d.due_at, d.ask_at) for d in others} == {(None, None)}

    async def test_a_worker_that_lost_its_claims_takes_the_next_texts(
        self, here: Store, there: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        time = now()
        texts = [
            Delivery(
                id=f"d{i}", contact="ada", subscription=DEALS, kind=DeliveryKind.CONFIRMATION, event="e", locale="en",
                number="+12015550123", due_at=time, created_at=time, updated_at=time,
            )
            for i in range(4)
        ]  # fmt: skip
        await here.deliveries.insert_many(texts)
        find, taken, later = there.deliveries.find, list[Delivery](), now() + timedelta(minutes=1)

        async def read(*args: Any, **values: Any) -> list[Delivery]:
            monkeypatch.setattr(there.deliveries, "find", find)
            found = await find(*args, **values)
            taken.extend(await here.deliveries.claim(new_id(), limit=2, until=later))
            return found

        monkeypatch.setattr(there.deliveries, "find", read)
        taken += await there.deliveries.claim(new_id(), limit=2, until=later)
        assert sorted(delivery.id for delivery in taken) == ["d0", "d1", "d2", "d3"]

    @pytest.mark.parametrize("kind", [DeliveryKind.OUTBOUND, DeliveryKind.FLOW])
    async def test_an_answer_is_claimed_before_marketing_that_is_due_longer(
        self, here: Store, kind: DeliveryKind
    ) -> None:
        time = now()
        copies = [
            Delivery(
                id=f"copy{i}", contact="ada", kind=kind, event="e", locale="en",
                number="+12015550123", due_at=time - timedelta(minutes=9), created_at=time, updated_at=time,
            )
            for i in range(500)
        ]  # fmt: skip
        await here.deliveries.collection.insert_many([copy.stored() for copy in copies])
        stop = {"id": "stop", "kind": DeliveryKind.REPLY, "answer": "stopped", "due_at": time}
        await here.deliveries.insert(copies[0].model_copy(update=stop))
        later = now() + timedelta(minutes=1)
        batches = [await here.deliveries.claim(new_id(), limit=256, until=later) for _ in range(3)]
        assert "stop" in {delivery.id for delivery in batches[0]}
        assert [len(batch) for batch in batches] == [256, 245, 0]
        assert len({delivery.id for batch in batches for delivery in batch}) == 501

    async def test_a_claim_lapses_unless_the_text_was_handed_over(self, here: Store, there: Store) -> None:
        time = now()
        for i in range(2):
            await here.deliveries.insert(
                Delivery(
                    id=f"d{i}", contact="ada", kind=DeliveryKind.REPLY, event="e", locale="en",
                    number="+12015550123", due_at=time, created_at=time, updated_at=time,
                )
            )  # fmt: skip
        first, second = await here.deliveries.claim("first", limit=5, until=now())
        assert await here.deliveries.hand_over([(first, {"body": "Hi"})], ask_at=now()) == [True]
        (taken,) = await there.deliveries.claim("second", limit=5, until=now() + timedelta(minutes=1))
        assert (taken.id, taken.worker) == (second.id, "second")
        assert await here.deliveries.hand_over([(second, {"body": "Hi"})], ask_at=now()) == [False]
        assert [d.id for d in await there.deliveries.unanswered()] == [first.id]

    async def test_the_queue_of_an_earlier_version_is_taken_over(self, engine: EmbeddedServer) -> None:
        async with open_store(engine.url, f"contract_{new_id()}") as store:
            await store.deliveries.collection.create_index([("state", 1), ("updated_at", 1)])
            time = now()
            for state in (DeliveryState.QUEUED, DeliveryState.SENDING, DeliveryState.SENT):
                await store.deliveries.insert(
                    Delivery(
                        id=state, contact="ada", kind=DeliveryKind.REPLY, event="e", locale="en",
                        number="+12015550123", state=state, created_at=time, updated_at=time,
                    )
                )  # fmt: skip
            await store.prepare()
            await store.deliveries.upgrade_queue()
            claimed = await store.deliveries.claim("worker", limit=5, until=now())
            assert [d.id for d in claimed] == [DeliveryState.QUEUED]
            assert [d.id for d in await store.deliveries.unanswered()] == [DeliveryState.SENDING]
            assert "state_1_updated_at_1" not in await store.deliveries.collection.index_information()

    async def test_a_job_goes_on_in_another_process_without_counting_twice(self, here: Store, there: Store) -> None:
        job = await JobService(here, [Count()]).start(Count, CountInput(most=2), By("ada", "Ada"))
        lapsed = await here.jobs.claim(job.id, new_id(), 0)
        results = [JobItem(id=f"{job.id}:{i}", job=job.id, item=i, outcome="even", at=now()) for i in ("a", "b")]
        assert await here.job_items.add(results) == {"even": 2}
        races = await asyncio.gather(*(s.jobs.claim(job.id, new_id(), 60) for s in (here, there) * 5))
        (later,) = [claim for claim in races if claim]
        changed = [result.model_copy(update={"outcome": "odd"}) for result in results]
        counts = await there.job_items.add(changed)
        assert counts == {"even": 2}, "the first result of an item stays"
        save: dict[str, Any] = {"total": 4, "done": 2, "counts": counts}
        assert lapsed
        assert await here.jobs.save(lapsed, {"at": 2}, **save, is_last=True) is None, "its lease is lost"
        assert not await here.jobs.renew(lapsed, 60)
        for is_last in (False, True):
            saved = await there.jobs.save(later, {"$at": 2}, **save, is_last=is_last)
        assert saved
        assert (saved.state, saved.done, saved.total, saved.counts) == (JobState.DONE, 4, 4, {"even": 4})
        assert (saved.holder, saved.checkpoint) == (None, {"$at": 2})

    async def test_of_an_exclusive_kind_one_job_is_made(self, here: Store, there: Store) -> None:
        services = [JobService(s, [CountAlone()]) for s in (here, there) * 3]
        jobs = await asyncio.gather(*(s.start(CountAlone, CountInput(most=2), By("ada", "Ada")) for s in services))
        assert len({job.id for job in jobs}) == 1

    async def test_the_demo_is_made_once(self, here: Store, there: Store) -> None:
        await asyncio.gather(make_demo(here, "http://a.test"), make_demo(there, "http://b.test"))
        assert len(await here.subscriptions.live()) == 3
        assert await here.flows.live()

    async def test_of_updates_that_share_a_round_one_refused_fails_no_other(self, here: Store) -> None:
        ada, ben = await _contact(here, external_id="ada"), await _contact(here)
        results = await asyncio.gather(
            here.contacts.update({"_id": ben.id}, {"$set": {"external_id": "ada"}}),
            here.contacts.update({"_id": ada.id}, {"$set": {"name": "Ada"}}),
            return_exceptions=True,
        )
        assert [type(r) for r in results] == [Duplicate, type(None)]
