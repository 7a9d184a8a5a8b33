"""Jobs over many contacts that are killed, paused, or work beside people who fill in forms."""

from __future__ import annotations

import asyncio
import csv
import io
from typing import Any

import pytest

from bot.app import Bot
from bot.consent.verify import verify
from bot.contacts.export import ExportFormat
from bot.jobs.kinds.bulk_consent import Subscribe
from bot.jobs.kinds.export_contacts import ExportContacts, ExportInput
from bot.jobs.rules import JobAction
from bot.model.base import now
from bot.model.event import ConsentState, Source
from bot.model.job import Job, JobState
from bot.store.embedded import EmbeddedServer
from tests.conftest import eventually
from tests.contacts.test_bulk import ADA, EVERYONE, ended, finished_by_another, people, states, subscribing, working
from tests.people import change, person

PEOPLE = 120
FORMS = 100


@pytest.mark.slow
@pytest.mark.parametrize("place", ["export_pieces.keep_first", "jobs.save"])
async def test_a_killed_export_has_each_contact_once(bot: Bot, mongo: EmbeddedServer, place: str) -> None:
    """Killed before the second piece is stored, and before its checkpoint is."""
    made = await people(bot.store, PEOPLE)
    columns = await bot.export.columns()
    input = ExportInput(selection=EVERYONE, size=PEOPLE, ordered_at=now(), format=ExportFormat.CSV, columns=columns)
    job = await finished_by_another(bot, mongo, await bot.jobs.start(ExportContacts, input, ADA), place)
    rows = [row["id"] for row in csv.DictReader(io.StringIO((await _file(bot, job)).decode("utf-8-sig")))]
    assert [id for id in rows if id in {c.id for c in made}] == [c.id for c in made], "each once, in order"
    assert len(rows) == len(set(rows)) == job.done


async def test_a_paused_job_goes_on_where_it_was_each_contact_once(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    made = await people(bot.store, PEOPLE)
    job = await bot.jobs.start(Subscribe, subscribing(size=PEOPLE), ADA)
    save = bot.store.jobs.save

    async def pausing(*arguments: Any, done: int, **values: Any) -> Job | None:
        if done:
            monkeypatch.undo()
            await bot.jobs.act(job.id, JobAction.PAUSE, ADA)
        return await save(*arguments, done=done, **values)

    async def is_paused() -> Job | None:
        found = await bot.jobs.get(job.id)
        return found if found.state is JobState.PAUSED and found.holder is None else None

    monkeypatch.setattr(bot.store.jobs, "save", pausing)
    async with working(bot):
        paused: Job = await eventually(is_paused)
        assert 0 < paused.done < PEOPLE
        assert await bot.store.events.count_about() == paused.counts["changed"]
        await bot.jobs.act(job.id, JobAction.RESUME, ADA)
        done = await ended(bot, job.id)
    stored = (await bot.store.contacts.get_many(c.id for c in made)).values()
    assert ({c.ledger.seq for c in stored}, done.counts["changed"]) == ({1}, await bot.store.contacts.count_about())
    assert (await verify(bot.store, repair=False)).faults == []


async def test_forms_are_recorded_while_a_job_changes_everyone(bot: Bot) -> None:
    """Some of them by people whom the job changes, too."""
    made = await people(bot.store, PEOPLE)
    visitors = [person(f"{i:024x}", phone=f"+1201555{i:04d}") for i in range(5000, 5000 + FORMS // 2)]
    await bot.store.contacts.insert_many(visitors)
    asked = [*visitors, *made[: FORMS // 2]]
    async with working(bot):
        job = await bot.jobs.start(Subscribe, subscribing(size=PEOPLE), ADA)
        done = await asyncio.gather(*(bot.ledger.record(change(c.id, "form", number=c.phone)) for c in asked))
        await ended(bot, job.id)
    assert all(recorded.is_new and recorded.event.source is Source.FORM for recorded in done)
    assert await states(bot.store, [c.id for c in [*made, *visitors]]) == {ConsentState.OPTED_IN}
    report = await verify(bot.store, repair=False)
    assert (report.faults, report.stale) == ([], [])


async def _file(bot: Bot, job: Job) -> bytes:
    return b"".join([data async for data in bot.store.export_pieces.read(job.id, job.checkpoint["pieces"])])
