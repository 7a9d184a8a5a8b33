"""`sayso verify`: checks the ledger, and repairs what is derived from it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bot.config import Settings
from bot.consent import verify as ledger
from bot.database import open_database
from widget.cli.terminal import FAILED, run, settings_of

errors = Console(stderr=True)


def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Rebuild what differs from the ledger.")] = False,
) -> None:
    """Check every consent chain, and compare contacts and counts with the ledger.

    Exits 0 if everything is correct (or was repaired), 1 if something is wrong, 2 if it can't run.
    """
    report = run(_verify(settings_of(), repair=repair))
    print(f"Events: {report.events}, of contacts: {report.contacts}.")
    for fault in report.faults[:20]:
        print(f"Broken: {fault}.")
    if len(report.faults) > 20:
        print(f"… and {len(report.faults) - 20} more chains.")
    if report.stale:
        done = "rebuilt from it" if repair else "run `sayso verify --repair` to rebuild them"
        print(f"{len(report.stale)} contacts stood otherwise than the ledger says: {done}.")
    if report.miscounted:
        done = "put right" if repair else "run `sayso verify --repair` to put them right"
        print(f"{len(report.miscounted)} counts of people were wrong: {done}.")
    if report.is_whole:
        print("Every chain is whole.")
    raise typer.Exit(0 if report.is_whole else FAILED)


async def _verify(settings: Settings, *, repair: bool) -> ledger.Report:
    async with open_database(settings) as store:
        columns = (TextColumn("Reading the ledger"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=errors, disable=not sys.stderr.isatty()) as bar:
            total = await store.events.count_about() + await store.contacts.count_about()
            task = bar.add_task("", total=total)
            return await ledger.verify(store, repair=repair, progress=lambda read: bar.advance(task, read))
