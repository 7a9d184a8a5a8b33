"""Processes that are killed while they erase people or export them: another one goes on, and nothing is left."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import timedelta
from io import BytesIO

import pytest

from bot.app import Bot
from bot.consent.verify import verify
from bot.contacts.export import ExportFormat
from bot.jobs.kinds import all_kinds
from bot.jobs.kinds.bulk_erase import BulkEraseInput, EraseContacts
from bot.jobs.kinds.export_contacts import ExportContacts, ExportInput, ExportPlace
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.event import Action, Actor, Source
from bot.model.export import ExportLine, ExportPiece
from bot.model.filter import Filter
from bot.model.job import Job, JobState
from bot.model.selection import Selection
from bot.model.teammate import By
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests import processes
from tests.conftest import PATIENCE, eventually
from tests.jobs import dying
from tests.people import change, look_again, person

LATER = now() + timedelta(days=1)
BY = By("admin", "Admin")
MANY = int(os.environ.get("SAYSO_TEST_CONTACTS", "3000"))
"""Of the large case."""


def number(i: int) -> str:
    return f"+1201{2000000 + i}"


async def people(bot: Bot, count: int) -> list[Contact]:
    """Each has a number that texted STOP, a line in an exported file, and a row in an uploaded one."""
    made = [person(f"{i:024x}", name=f"Maya Okafor{i}", external_id=f"customer-{i}") for i in range(count)]
    await bot.store.contacts.insert_many(made)
    changes = [change(c.id, "1", Action.CAPTURE_PHONE, number=number(i), subscription=None) for i, c in enumerate(made)]
    for start in range(0, count, 500):
        await bot.ledger.record_many(changes[start : start + 500])
    for i in range(0, count, 10):
        await bot.stops.stop(number(i), "STOP", f"stop{i}")
    await bot.consumers.drain()
    for start in range(0, count, 250):
        lines = [ExportLine(contact=c.id, data=f"{c.name}\n".encode()) for c in made[start : start + 250]]
        piece = ExportPiece(id=ExportPiece.id_of("file", start), lines=lines, read=len(lines), expires_at=LATER)
        await bot.store.export_pieces.insert(piece)
    rows = "\n".join(
        ["Name,Phone,User ID", *(f"Maya,201{2000000 + i},customer-{i}" for i in range(count)), "Ben,2019999999,u9"]
    ).encode()
    await bot.imports.upload(BytesIO(rows), "list.csv", len(rows), BY)
    return made


async def left(store: Store, count: int) -> list[str]:
    """The collections that tell a name, a number or a user ID of theirs."""
    some = [*range(0, count, max(count // 40, 1)), count - 1]
    secrets = ["okafor", "maya", *(f"'customer-{i}'" for i in some), *(f"201{2000000 + i}" for i in some)]
    found = []
    for table in store.tables:
        async for page in table.scan(batch=200):
            text = repr([document.stored() for document in page]).casefold()
            if any(secret in text for secret in secrets):
                found.append(table.name)
                break
    return found


async def check_erased(bot: Bot, count: int) -> None:
    assert await left(bot.store, count) == []
    rows = [row async for pieces in bot.store.import_pieces.scan() for piece in pieces for row in piece.rows if row]
    assert rows == [["Ben", "2019999999", "u9"]], "the row of somebody else"
    assert await bot.stops.is_stopped(number(0))
    report = await verify(bot.store, repair=False)
    assert report.is_whole, report


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "call"),
    [
        ("contacts.project_many", 1),
        ("import_pieces.empty", 1),
        ("personal_data.erase", 1),
        ("stop_events.insert_many", 1),
        ("events.erase_values", 1),
    ],
)
async def test_an_erasure_is_finished_by_another_process(
    bot: Bot, mongo: EmbeddedServer, place: str, call: int
) -> None:
    (maya,) = await people(bot, 1)
    killed = await processes.start(dying.erase, mongo.url, maya.id, place, call)
    assert await killed.wait() == -signal.SIGKILL
    assert await left(bot.store, 1) != []
    await look_again(bot)
    await check_erased(bot, 1)


async def _killed(bot: Bot, mongo: EmbeddedServer, job: Job, place: str, call: int) -> None:
    process = await processes.start(dying.work, mongo.url, place, call, signal.SIGKILL, all_kinds)
    async with asyncio.timeout(PATIENCE):
        assert await process.wait() == -signal.SIGKILL
    assert (await bot.jobs.get(job.id)).state is JobState.RUNNING


async def _finished(bot: Bot, mongo: EmbeddedServer, job: Job) -> Job:
    async def is_over() -> Job | None:
        found = await bot.jobs.get(job.id)
        return found if found.state in {JobState.DONE, JobState.FAILED} else None

    other = await processes.start(dying.work, mongo.url, "", 0, signal.SIGKILL, all_kinds)
    try:
        found: Job = await eventually(is_over)
    finally:
        other.kill()
        await other.wait()
    assert found.state is JobState.DONE, found.error
    return found


async def _erasing(bot: Bot, made: list[Contact]) -> Job:
    """Only they: the demo workspace has contacts of its own."""
    selection = Selection(filter=Filter(query="maya").as_text())
    input = BulkEraseInput(selection=selection, size=len(made), ordered_at=now(), by=BY.id)
    return await bot.jobs.start(EraseContacts, input, BY)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["import_pieces.empty", "personal_data.erase", "events.erase_values"])
async def test_a_bulk_erasure_that_is_killed_at_somebody_is_finished(
    bot: Bot, mongo: EmbeddedServer, place: str
) -> None:
    made = await people(bot, 30)
    job = await _erasing(bot, made)
    await _killed(bot, mongo, job, place, 7)
    done = await _finished(bot, mongo, job)
    assert done.counts == {"changed": 30}
    chains = [await bot.store.events.after(contact.id, 0, limit=99) for contact in made]
    assert {[event.action for event in chain].count(Action.ERASE) for chain in chains} == {1}
    await check_erased(bot, 30)


async def _exporting(bot: Bot, count: int) -> Job:
    selection = Selection(filter=Filter(query="maya").as_text())
    columns = await bot.export.columns()
    input = ExportInput(selection=selection, size=count, ordered_at=now(), format=ExportFormat.NDJSON, columns=columns)
    return await bot.jobs.start(ExportContacts, input, BY)


async def _lines(bot: Bot, job: Job) -> list[bytes]:
    pieces = ExportPlace.model_validate(job.checkpoint).pieces
    return b"".join([data async for data in bot.store.export_pieces.read(job.id, pieces)]).splitlines()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("place", "call"), [("export_pieces.keep_first", 2), ("jobs.save", 2), ("export_pieces.keep_until", 1)]
)
async def test_an_export_is_finished_by_another_process_each_contact_once(
    bot: Bot, mongo: EmbeddedServer, place: str, call: int
) -> None:
    made = await people(bot, 130)
    job = await _exporting(bot, 130)
    await _killed(bot, mongo, job, place, call)
    await bot.eraser.erase(
        made[0].id, Actor(kind="teammate", id=BY.id), Source.PROFILE
    )  # is in the first piece, or not yet
    lines = await _lines(bot, await _finished(bot, mongo, job))
    assert sorted(line.split(b'"')[3].decode() for line in lines) == [c.id for c in made[1:]]
    assert b'Maya Okafor0"' not in b"".join(lines)
    pieces = await bot.store.export_pieces.find({"_id": {"$gte": f"{job.id}:", "$lt": f"{job.id};"}}, limit=99)
    assert len({piece.expires_at for piece in pieces}) == 1, "the file expires as a whole"


@pytest.mark.soak
async def test_thousands_are_exported_and_erased_while_processes_are_killed(bot: Bot, mongo: EmbeddedServer) -> None:
    """`make soak`; `SAYSO_TEST_CONTACTS` for more."""
    made = await people(bot, MANY)
    export = await _exporting(bot, MANY)
    await _killed(bot, mongo, export, "export_pieces.keep_first", 3)
    assert len(await _lines(bot, await _finished(bot, mongo, export))) == MANY
    job = await _erasing(bot, made)
    for place, call in (("import_pieces.empty", 200), ("personal_data.erase", 400), ("events.erase_values", 300)):
        await _killed(bot, mongo, job, place, call)
    done = await _finished(bot, mongo, job)
    assert done.counts == {"changed": MANY}
    await check_erased(bot, MANY)
