"""Bulk changes on a real database: previewed, done by a job, killed in the middle, beside other writers."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from bot.app import Bot
from bot.consent.verify import verify
from bot.contacts.bulk import BulkConsent
from bot.demo import DEALS
from bot.errors import JobConflict
from bot.jobs.kinds import all_kinds
from bot.jobs.kinds.bulk import BulkInput, BulkJob
from bot.jobs.kinds.bulk_consent import BulkConsentInput, Subscribe, Unsubscribe
from bot.jobs.kinds.bulk_erase import BulkEraseInput, EraseContacts
from bot.jobs.kinds.bulk_tags import AddTag, BulkTagInput, RemoveTag
from bot.jobs.rules import JobAction, acts_of
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.event import Action, Actor, ConsentState, Evidence, How, Source
from bot.model.filter import ConsentIs, Filter
from bot.model.job import Job, JobState
from bot.model.selection import Selection
from bot.model.teammate import By
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests import processes
from tests.conftest import eventually
from tests.jobs import dying
from tests.people import NUMBER, change, events_of, person

ADA = By("ada", "Ada")
SIGNED = Evidence(how=How.PAPER, given_at=now() - timedelta(days=1))
EVERYONE = Selection(filter=Filter().as_text())


def number(i: int) -> str:
    return f"+1201555{i:04d}"


async def people(store: Store, count: int, **values: Any) -> list[Contact]:
    made = [person(f"{i:024x}", phone=number(i), **values) for i in range(count)]
    await store.contacts.insert_many(made)
    return made


def subscribing(selection: Selection = EVERYONE, size: int = 0, **values: Any) -> BulkConsentInput:
    consent = BulkConsent(**{"subscription": DEALS, "evidence": SIGNED, "by": "ada", **values})
    return BulkConsentInput(selection=selection, size=size, ordered_at=now(), consent=consent)


@asynccontextmanager
async def working(bot: Bot) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(bot.jobs.work(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def ended(bot: Bot, id: str) -> Job:
    async def is_done() -> Job | None:
        job = await bot.jobs.get(id)
        return job if job.state in {JobState.DONE, JobState.FAILED} else None

    found: Job = await eventually(is_done)
    assert found.state is JobState.DONE, found.error
    return found


async def run(bot: Bot, kind: type[BulkJob[Any]], input: BulkInput) -> Job:
    async with working(bot):
        job = await bot.jobs.start(kind, input, ADA)
        return await ended(bot, job.id)


async def previewed(bot: Bot, kind: type[BulkJob[Any]], input: BulkInput) -> dict[str, int]:
    found = bot.jobs.kinds[kind.name]
    assert isinstance(found, BulkJob)
    return {str(outcome): count for outcome, count in (await found.preview(input)).counts.items()}


async def results(bot: Bot, job: Job) -> dict[str, str]:
    return {item.item: item.outcome for item in (await bot.jobs.items(job.id, limit=10_000)).items}


async def states(store: Store, ids: Iterable[str]) -> set[ConsentState]:
    found = await store.contacts.get_many(ids)
    return {c.state if (c := contact.consent(DEALS)) else ConsentState.NONE for contact in found.values()}


@pytest.fixture
async def crowd(bot: Bot) -> dict[str, str]:
    """One of each result, by id."""
    ada, ben, cy, dee, eve = (new_id() for _ in range(5))
    for i, id in enumerate((ada, ben, cy, dee)):
        await bot.store.contacts.insert(person(id, phone=number(100 + i)))
    await bot.store.contacts.insert(person(eve))
    await bot.ledger.record(change(ben, "in", number=number(101)))
    await bot.ledger.record(change(cy, "in", number=number(102)))
    await bot.ledger.record(change(cy, "out", Action.OPT_OUT, number=number(102), source=Source.PREFERENCE_CENTER))
    await bot.stops.stop(number(103), "STOP", new_id())
    return {ada: "changed", ben: "already", cy: "opted_out", dee: "stopped", eve: "unreachable"}


async def test_the_job_does_what_the_preview_said_and_keeps_a_result_for_each(bot: Bot, crowd: dict[str, str]) -> None:
    gone = new_id()
    input = subscribing(Selection(ids=(*crowd, gone)), size=6)
    expected = {**dict.fromkeys(crowd.values(), 1), "gone": 1}
    assert await previewed(bot, Subscribe, input) == expected
    job = await run(bot, Subscribe, input)
    assert await results(bot, job) == {**crowd, gone: "gone"}
    assert (job.counts, job.done, job.total) == (expected, 6, 6)
    (event,) = await events_of(bot.store, next(iter(crowd)))
    assert (event.source, event.actor.id, event.evidence, event.words) == (Source.BULK, "ada", SIGNED, None)
    assert event.key.endswith(f"bulk:{job.id}")


async def test_an_own_no_and_a_stop_hold_through_a_job_over_everyone(bot: Bot, crowd: dict[str, str]) -> None:
    """What the law asks for: no evidence from before the opt-out makes it a yes."""
    said_no = [id for id, outcome in crowd.items() if outcome in {"opted_out", "stopped"}]
    before = {id: len(await events_of(bot.store, id)) for id in said_no}
    job = await run(bot, Subscribe, subscribing())
    assert {id: len(await events_of(bot.store, id)) for id in said_no} == before
    assert (await results(bot, job)).items() >= crowd.items()


async def test_the_preview_knows_a_stop_of_someone_who_was_erased(bot: Bot) -> None:
    (gone,) = await people(bot.store, 1)
    await bot.ledger.record(change(gone.id, "in", number=number(0)))
    await bot.stops.stop(number(0), "STOP", new_id())
    await bot.eraser.erase(gone.id, Actor(kind="teammate", id="ada"), Source.PROFILE)
    await bot.store.contacts.insert(person(heir := new_id(), phone=number(0)))
    input = subscribing(Selection(ids=(heir,)))
    assert await previewed(bot, Subscribe, input) == {"stopped": 1}
    assert await results(bot, await run(bot, Subscribe, input)) == {heir: "stopped"}


async def test_a_job_that_is_over_keeps_no_words(bot: Bot) -> None:
    noted = SIGNED.model_copy(update={"note": "Maya's fair"})
    input = subscribing(Selection(filter=Filter(query="maya").as_text()), evidence=noted)
    canceled = await bot.jobs.start(Subscribe, input, ADA)
    assert "maya" in str(canceled.input).casefold()
    await bot.jobs.act(canceled.id, JobAction.CANCEL, ADA)
    done = await run(bot, Subscribe, input)
    for job in (await bot.jobs.get(canceled.id), done):
        assert "maya" not in str(job.input).casefold()
        assert BulkConsentInput.model_validate(job.input).consent.subscription == DEALS


async def test_a_failed_job_keeps_its_words_for_a_week_and_can_be_retried_as_long(bot: Bot) -> None:
    await people(bot.store, 1, name="Maya")
    input = subscribing(Selection(filter=Filter(query="maya").as_text()), subscription="gone")
    failed = await bot.jobs.start(Subscribe, input, ADA)
    async with working(bot):
        await eventually(lambda: _has_failed(bot, failed.id))
        await bot.jobs.forget_failed(now())
        assert "maya" in str((await bot.jobs.get(failed.id)).input)
        await bot.jobs.act(failed.id, JobAction.RETRY, ADA)
        await eventually(lambda: _has_failed(bot, failed.id))
    await bot.jobs.forget_failed(now() + timedelta(days=8))
    after = await bot.jobs.get(failed.id)
    assert "maya" not in str(after.input)
    assert acts_of(after) == []
    with pytest.raises(JobConflict):
        await bot.jobs.act(failed.id, JobAction.RETRY, ADA)


async def _has_failed(bot: Bot, id: str) -> bool:
    return (await bot.jobs.get(id)).state is JobState.FAILED


async def test_nothing_is_sent_and_no_question_is_asked_unless_ticked(bot: Bot) -> None:
    made = await people(bot.store, 3)
    silent = subscribing(Selection(ids=(made[0].id,)))
    await run(bot, Subscribe, silent)
    await bot.consumers.drain()
    assert await bot.store.deliveries.count_about() == 0
    ticked = subscribing(Selection(ids=(made[1].id,)), follow_ups=("confirmation",))
    await run(bot, Subscribe, ticked)
    await bot.consumers.drain()
    (text,) = await bot.store.deliveries.find({}, limit=5)
    assert (text.contact, text.kind) == (made[1].id, "confirmation")


async def test_unsubscribing_takes_the_yes_back(bot: Bot) -> None:
    made = await people(bot.store, 4)
    await run(bot, Subscribe, subscribing(Selection(ids=tuple(c.id for c in made[:3]))))
    job = await run(bot, Unsubscribe, subscribing(evidence=None))
    assert {id: o for id, o in (await results(bot, job)).items() if id in {c.id for c in made}} == {
        **{c.id: "changed" for c in made[:3]},
        made[3].id: "already",
    }
    assert await states(bot.store, [c.id for c in made[:3]]) == {ConsentState.OPTED_OUT}


async def test_whoever_is_created_after_the_order_is_not_changed(bot: Bot) -> None:
    made = await people(bot.store, 2)
    input = subscribing()
    late = person(new_id(), phone=NUMBER).model_copy(update={"created_at": now() + timedelta(minutes=1)})
    await bot.store.contacts.insert(late)
    job = await run(bot, Subscribe, input)
    assert {c.id for c in made} <= (await results(bot, job)).keys()
    assert late.id not in await results(bot, job)
    assert await events_of(bot.store, late.id) == []


async def test_a_repeated_batch_records_nothing_twice_and_says_the_same(bot: Bot) -> None:
    made = await people(bot.store, 3)
    kind = bot.jobs.kinds[Subscribe.name]
    assert isinstance(kind, Subscribe)
    input, job = subscribing(), new_id()
    first = await kind.apply(job, input, made)
    await bot.ledger.record(change(made[0].id, "out", Action.OPT_OUT))
    stored = await bot.store.contacts.get_many(c.id for c in made)
    assert await kind.apply(job, input, [*stored.values()]) == first == {c.id: "changed" for c in made}
    assert await kind.apply(job, input, made) == first, "with contacts as they were read before"
    assert [len(await events_of(bot.store, c.id)) for c in made] == [2, 1, 1]
    stored = await bot.store.contacts.get_many(c.id for c in made)
    again = await kind.apply(new_id(), input, [*stored.values()])
    assert [again[c.id] for c in made] == ["opted_out", "already", "already"]


async def test_a_form_is_recorded_while_a_batch_of_the_job_is_held_up(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job's rounds and those of forms take turns: a form waits for no batch."""
    made = await people(bot.store, 600)
    await bot.store.contacts.insert(person(visitor := new_id()))
    held, release = asyncio.Event(), asyncio.Event()
    append = bot.store.events.append

    async def slow(raws: Any) -> list[bool]:
        if raws and raws[0]["source"] == Source.BULK:
            held.set()
            await release.wait()
        return await append(raws)

    monkeypatch.setattr(bot.store.events, "append", slow)
    async with working(bot):
        job = await bot.jobs.start(Subscribe, subscribing(size=601), ADA)
        await held.wait()
        assert (await bot.ledger.record(change(visitor, "form"))).is_new
        assert (await bot.jobs.get(job.id)).done == 0
        release.set()
        await ended(bot, job.id)
    assert await states(bot.store, [c.id for c in made]) == {ConsentState.OPTED_IN}
    assert (await verify(bot.store, repair=False)).faults == []


async def test_contacts_that_change_meanwhile_are_judged_again(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await people(bot.store, 3)
    record_many = bot.ledger.record_many

    async def after_an_opt_out(changes: Any) -> Any:
        monkeypatch.undo()
        await bot.ledger.record(change(made[1].id, "in", number=number(1)))
        await bot.ledger.record(change(made[1].id, "out", Action.OPT_OUT, number=number(1)))
        return await record_many(changes)

    monkeypatch.setattr(bot.ledger, "record_many", after_an_opt_out)
    kind = bot.jobs.kinds[Subscribe.name]
    assert isinstance(kind, Subscribe)
    found = await kind.apply(new_id(), subscribing(), made)
    assert [found[c.id] for c in made] == ["changed", "opted_out", "changed"]


async def test_tags_are_added_and_removed(bot: Bot) -> None:
    made = await people(bot.store, 3)
    tag = await bot.tags.create("VIP", ADA)
    for kind, tags in ((AddTag, (tag.id,)), (RemoveTag, ())):
        input = BulkTagInput(selection=Selection(ids=tuple(c.id for c in made)), size=3, ordered_at=now(), tag=tag.id)
        assert await previewed(bot, kind, input) == {"changed": 3}
        job = await run(bot, kind, input)
        assert job.counts == {"changed": 3}
        assert {c.tags for c in (await bot.store.contacts.get_many(c.id for c in made)).values()} == {tags}
        assert await previewed(bot, kind, input) == {"already": 3}


async def test_erasing_many_leaves_nothing_of_them_and_names_each(bot: Bot) -> None:
    made = await people(bot.store, 3, name="Maya")
    await bot.ledger.record(change(made[0].id, "in", number=number(0)))
    input = BulkEraseInput(selection=Selection(ids=tuple(c.id for c in made[:2])), size=2, ordered_at=now(), by="ada")
    job = await run(bot, EraseContacts, input)
    assert await results(bot, job) == {c.id: "changed" for c in made[:2]}
    found = await bot.store.contacts.get_many(c.id for c in made)
    assert [(found[c.id].name, found[c.id].phone, found[c.id].is_gone) for c in made] == [
        (None, None, True),
        (None, None, True),
        ("Maya", number(2), False),
    ]
    assert await previewed(bot, EraseContacts, input) == {"gone": 2}
    job = await run(bot, Subscribe, subscribing(input.selection))
    assert set((await results(bot, job)).values()) == {"gone"}


@pytest.mark.parametrize("kind", [AddTag, EraseContacts])
@pytest.mark.parametrize("place", ["job_items.add", "jobs.save"])
async def test_a_killed_tag_or_erasure_has_one_result_for_each(
    bot: Bot, mongo: EmbeddedServer, place: str, kind: type[BulkJob[Any]]
) -> None:
    """Killed while the first batch that changes something is saved. Who is erased is in no list any more."""
    made = await people(bot.store, 30)
    common: dict[str, Any] = {"selection": EVERYONE, "size": 30, "ordered_at": now()}
    tag = await bot.tags.create("VIP", ADA)
    input = BulkTagInput(**common, tag=tag.id) if kind is AddTag else BulkEraseInput(**common, by="ada")
    job = await bot.jobs.start(kind, input, ADA)
    done = await finished_by_another(bot, mongo, job, place)
    found = await results(bot, done)
    assert {c.id: found.get(c.id) for c in made} == {c.id: "changed" for c in made}
    assert done.counts == dict.fromkeys(["changed"], len(found))


async def finished_by_another(bot: Bot, mongo: EmbeddedServer, job: Job, place: str) -> Job:
    killed = await processes.start(dying.work, mongo.url, place, 2, signal.SIGKILL, all_kinds)
    assert await killed.wait() == -signal.SIGKILL
    assert (await bot.jobs.get(job.id)).state is JobState.RUNNING
    other = await processes.start(dying.work, mongo.url, "", 0, signal.SIGKILL, all_kinds)
    try:
        return await ended(bot, job.id)
    finally:
        other.kill()
        await other.wait()


@pytest.mark.parametrize(
    ("place", "filter"),
    [
        ("contacts.project_many", Filter()),
        ("job_items.add", Filter()),
        ("jobs.save", Filter()),
        ("job_items.add", Filter.of(ConsentIs(subscription=DEALS, states=(ConsentState.NONE,)))),
    ],
)
async def test_a_killed_job_is_finished_by_another_process_each_contact_once(
    bot: Bot, mongo: EmbeddedServer, place: str, filter: Filter
) -> None:
    """The last filter no longer matches whom the killed process changed."""
    made = await people(bot.store, 120)
    selection = Selection(filter=filter.as_text())
    job = await bot.jobs.start(Subscribe, subscribing(selection, size=120), ADA)
    done = await finished_by_another(bot, mongo, job, place)
    ids = [c.id for c in made]
    assert {id: o for id, o in (await results(bot, done)).items() if id in ids} == dict.fromkeys(ids, "changed")
    assert done.counts["changed"] == 120
    assert {c.ledger.seq for c in (await bot.store.contacts.get_many(ids)).values()} == {1}, "one event each"
    report = await verify(bot.store, repair=False)
    assert (report.faults, report.stale) == ([], [])
