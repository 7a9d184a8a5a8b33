"""`sayso import`: imports contacts from a file, with the progress in the terminal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.config import Settings
from bot.consent.checkpoints import CheckpointKeys
from bot.contacts.imports.cells import read_date
from bot.contacts.imports.rows import said_faults
from bot.contacts.spreadsheet import csv_lines
from bot.database import open_database
from bot.errors import FormWrong, SaysoError
from bot.i18n import translator
from bot.jobs.contact_imports import ContactImports
from bot.jobs.kinds import all_kinds
from bot.jobs.service import JobService
from bot.model.contact_import import TEXTS, ContactImport, DateOrder, Existing, ImportPlan
from bot.model.event import How
from bot.model.job import Job, JobState
from bot.store import Store
from bot.workspace.audit import COMMAND_LINE
from widget.cli.jobs import follow
from widget.cli.terminal import FAILED, give_up, run, settings_of, spare_the_collector

MOST = 20
"""Problems that are printed."""
SAY = translator("en")
Map = Annotated[
    list[str] | None,
    typer.Option("--map", help='What a column contains, like "Mobile=phone". Can be repeated. Detected by default.'),
]
Region = Annotated[str, typer.Option(help="Country of numbers without a country code. Default: the workspace's.")]
In = Annotated[str, typer.Option(help="The subscription (name or ID) that everyone in the file opted in to.")]
Out = Annotated[str, typer.Option(help='The subscription that everyone opted out of, or "texts": all texts.')]
Given = Annotated[str, typer.Option("--given-at", help="When they consented, for rows without a date.")]


def import_contacts(
    file: Annotated[
        Path | None, typer.Argument(help="A CSV or TSV file.", exists=True, dir_okay=False, show_default=False)
    ] = None,
    columns: Map = None,
    region: Region = "",
    everyone_in: In = "",
    everyone_out: Out = "",
    how: Annotated[How | None, typer.Option(help="How they consented.")] = None,
    given_at: Given = "",
    note: Annotated[str, typer.Option(help="Where and how they consented.")] = "",
    existing: Annotated[Existing, typer.Option(help="What happens to existing contacts.")] = Existing.UPDATE,
    create: Annotated[bool, typer.Option(help="Add people who aren't contacts yet.")] = True,
    day_first: Annotated[bool, typer.Option("--day-first", help="Read 03/04/2025 as April 3.")] = False,
    encoding: Annotated[str, typer.Option(help="Character encoding. Detected by default.")] = "",
    ask: Annotated[bool, typer.Option("--ask", help="Ask people to confirm by text (double opt-in).")] = False,
    confirmation: Annotated[bool, typer.Option("--confirmation", help="Send the confirmation text.")] = False,
    flows: Annotated[bool, typer.Option("--flows", help="Resume waiting bots.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the file.")] = False,
    failed: Annotated[Path | None, typer.Option(help="Write rows that fail to this file, so you can fix them.")] = None,
    resume: Annotated[str, typer.Option(help="Continue the interrupted import with this ID.")] = "",
) -> None:
    """Import contacts from a file. You can undo the import for 90 days on its page.

    No messages are sent, unless you choose --ask, --confirmation or --flows.

    An import that is interrupted continues where it stopped, with --resume or in the next sayso serve or sayso worker.

    Exits 0 if every row was imported, 1 if rows failed, and 2 if the command can't run.
    """
    wanted: dict[str, object] = {
        "existing": existing,
        "creates": create,
        "how": how,
        "note": note,
        "date_order": DateOrder.DAY_FIRST if day_first else DateOrder.MONTH_FIRST,
        "given_at": _date(given_at),
        "asks": ask,
        "confirmation": confirmation,
        "flows": flows,
        **({"region": region.upper()} if region else {}),
    }
    everyone = {"everyone_in": everyone_in, "everyone_out": everyone_out}
    if (file is None) is not bool(resume):
        give_up("Name a file, or the import to --resume.")
    job = run(_import(settings_of(), file or resume, encoding, wanted, everyone, columns or [], dry_run, failed))
    raise typer.Exit(FAILED if job.state is not JobState.DONE or job.counts.get("failed") else 0)


async def _import(
    settings: Settings,
    path: Path | str,
    encoding: str,
    wanted: dict[str, object],
    everyone: dict[str, str],
    columns: Sequence[str],
    dry_run: bool,
    failed: Path | None,
) -> Job:
    """`path`: or the id of an import that was interrupted."""
    try:
        async with open_database(settings) as store, _at_work(store, settings) as jobs:
            spare_the_collector()
            imports = ContactImports(store, jobs)
            if isinstance(path, Path):
                file = await _upload(imports, path, encoding)
                names = {name: await _subscription(store, text) for name, text in everyone.items() if text}
                plan = _mapped(file, await imports.files.guess(file), columns).model_copy(update={**wanted, **names})
                file = await imports.check(file.id, ImportPlan.model_validate(plan.model_dump()), COMMAND_LINE)
            else:
                file = await imports.files.get(path)
            return await _followed_to_its_end(jobs, imports, file, dry_run, failed)
    except FormWrong as wrong:
        give_up("\n".join(_said(name, file, SAY(text)) for name, text in wrong.faults.items()))
    except SaysoError as error:
        give_up(str(error))


async def _followed_to_its_end(
    jobs: JobService, imports: ContactImports, file: ContactImport, dry_run: bool, failed: Path | None
) -> Job:
    """The check, then the import. Says how to continue if it is interrupted."""
    try:
        job = await _followed(jobs, file.check or "")
        if not dry_run and job.state is JobState.DONE:
            job = await _followed(jobs, (await imports.start(file.id, COMMAND_LINE)).id)
    except asyncio.CancelledError:
        print(f"\nInterrupted. Continue with: sayso import --resume {file.id}", file=sys.stderr)
        raise
    if failed:
        await _write_failed(imports, await imports.files.get(file.id), failed)
    return job


async def _upload(imports: ContactImports, path: Path, encoding: str) -> ContactImport:
    with path.open("rb") as file:
        return await imports.upload(file, path.name, file.seek(0, 2), COMMAND_LINE, encoding=encoding)


async def _followed(jobs: JobService, id: str) -> Job:
    """Prints the results and the first problems."""
    job = await follow(jobs, id)
    kind = jobs.kinds[job.kind]
    for outcome, label in kind.outcomes.items():
        if count := job.counts.get(outcome):
            print(f"{label}: {count:,}")
    for item in (await jobs.items(id, limit=MOST)).items:
        print(f"  Line {int(item.item.partition('.')[0])}: {said_faults(item.detail, SAY)}")
    if job.error:
        print(f"Error: {job.error.text % job.error.values}")
    return job


async def _write_failed(imports: ContactImports, file: ContactImport, path: Path) -> None:
    with path.open("wb") as out:
        out.write(csv_lines([[*file.labels, "Line", "Problem"]]))
        async for rows in imports.failed_rows(file, SAY):
            out.write(csv_lines(rows))


async def _subscription(store: Store, text: str) -> str:
    """By its id or its name."""
    found = [s.id for s in await store.subscriptions.live() if text.casefold() in {s.id, s.name.casefold()}]
    return text if text == TEXTS else next(iter(found), text)


def _mapped(file: ContactImport, plan: ImportPlan, columns: Sequence[str]) -> ImportPlan:
    targets = list(plan.targets)
    for pair in columns:
        name, _equals, target = pair.rpartition("=")
        if name not in file.labels:
            give_up(f'The file has no column "{name}". It has: {", ".join(file.labels)}.')
        targets[file.labels.index(name)] = target
    return plan.model_copy(update={"targets": tuple(targets)})


def _said(name: str, file: ContactImport, words: str) -> str:
    place = name.removeprefix("column-")
    return f"{file.labels[int(place)]}: {words}" if place.isdigit() else words


def _date(text: str) -> datetime | None:
    try:
        return read_date(text)
    except SaysoError as error:
        give_up(str(error))


@asynccontextmanager
async def _at_work(store: Store, settings: Settings) -> AsyncIterator[JobService]:
    """Works on the jobs itself: no server has to run. One that does takes its share."""
    jobs = JobService(store, all_kinds(store, CheckpointKeys(store, settings.checkpoint_keys)))
    stop = asyncio.Event()
    work = asyncio.create_task(jobs.work(stop))
    try:
        yield jobs
    finally:
        stop.set()
        await work
