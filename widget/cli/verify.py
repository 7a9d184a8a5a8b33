"""`sayso verify`: checks the ledger, and repairs what is derived from it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bot.config import Settings
from bot.consent import verify as ledger
from bot.consent.checkpoint_file import export as export_checkpoints
from bot.consent.checkpoints import CheckpointKeys
from bot.database import open_database
from bot.errors import CheckpointKeyMissing
from widget.cli.terminal import FAILED, give_up, run, settings_of

errors = Console(stderr=True)
MOST = 20
"""Lines of one kind that are printed."""


def verify(
    repair: Annotated[bool, typer.Option("--repair", help="Rebuild what differs from the ledger.")] = False,
    against: Annotated[
        Path | None,
        typer.Option(help="Also compare with this file of checkpoints. Default: SAYSO_CHECKPOINT_FILE."),
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write all checkpoints to this file. Keep it outside the database.")
    ] = None,
) -> None:
    """Verify every consent chain, and compare checkpoints, contacts and counts with the ledger.

    Exits 0 if everything is correct or was repaired, 1 if there are problems, and 2 if the command can't run.
    """
    settings = settings_of()
    try:
        report, exported = run(_verify(settings, repair, against or _kept_file(settings), export))
    except CheckpointKeyMissing as error:
        give_up(str(error))
    except OSError as error:
        give_up(f"Can't use {error.filename}: {error.strerror}.")
    _print(report, repair=repair)
    if export:
        print(f"{exported} checkpoints written to {export}.")
    raise typer.Exit(0 if report.is_whole else FAILED)


def _kept_file(settings: Settings) -> Path | None:
    file = settings.checkpoint_file
    return file if file and file.exists() else None


def _print(report: ledger.Report, *, repair: bool) -> None:
    print(f"Events checked: {report.events}. Contacts: {report.contacts}.")
    if report.checkpoints:
        print(f"Checkpoints: {report.checkpoints}.")
    else:
        print("No checkpoints yet, so only the chains were checked.")
    for fault in report.faults[:MOST]:
        print(f"Broken: {fault}.")
    if len(report.faults) > MOST:
        print(f"… and {len(report.faults) - MOST} more problems.")
    for note in report.notes[-MOST:]:
        print(f"Repaired on {note}.")
    if len(report.notes) > MOST:
        print(f"… and {len(report.notes) - MOST} earlier repairs.")
    if report.stale:
        print(f"Contacts that differ from the ledger: {len(report.stale)} ({_rebuilt(report, repair=repair)}).")
    if report.miscounted:
        done = "corrected" if repair else "run `sayso verify --repair` to correct them"
        print(f"Wrong counts: {len(report.miscounted)} ({done}).")
    if report.is_whole:
        print("All chains are intact.")


def _rebuilt(report: ledger.Report, *, repair: bool) -> str:
    if not repair:
        return "run `sayso verify --repair` to rebuild them"
    left = len(report.stale) - len(report.repaired)
    return f"{left} not rebuilt: events or checkpoints are missing or changed" if left else "rebuilt"


async def _verify(
    settings: Settings, repair: bool, against: Path | None, export_to: Path | None
) -> tuple[ledger.Report, int]:
    async with open_database(settings) as store:
        columns = (TextColumn("Reading the ledger"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=errors, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task("", total=await ledger.expected(store))
            report = await ledger.verify(
                store,
                repair=repair,
                progress=lambda read: bar.advance(task, read),
                keys=CheckpointKeys(store, settings.checkpoint_keys),
                against=against,
            )
        return report, await export_checkpoints(store, export_to) if export_to else 0
