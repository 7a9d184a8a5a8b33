"""`sayso jobs`: lists and controls long work."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bot.config import Settings
from bot.consent.checkpoints import CheckpointKeys
from bot.database import open_database
from bot.errors import JobConflict, NotFound, SaysoError
from bot.jobs.kinds import all_kinds
from bot.jobs.rules import ENDED, JobAction, acts_of
from bot.jobs.service import JobService
from bot.model.job import Job, JobState
from bot.workspace.audit import COMMAND_LINE
from widget.cli.terminal import FAILED, give_up, run, settings_of

T = TypeVar("T")
app = typer.Typer(help="List, follow and control background jobs. Jobs resume after a crash.")

FOLLOW_SECONDS = 0.5
Id = Annotated[str, typer.Argument(help="Job ID, as listed by `sayso jobs`.", metavar="ID", show_default=False)]
Follow = Annotated[bool, typer.Option("--follow", help="Show live progress until the job ends or is paused.")]
Limit = Annotated[int, typer.Option(help="Maximum number of jobs to list, newest first.", min=1, max=1000)]


@app.callback(invoke_without_command=True)
def list_all(context: typer.Context, limit: Limit = 20) -> None:
    if context.invoked_subcommand is None:
        found = _do(settings_of(), lambda jobs: jobs.newest(limit=limit))
        for job in found:
            print(f"{job.id}  {job.state:<8}  {job.kind:<12}  {_progress(job):>15}  {_started(job)}")
        if not found:
            print("No jobs yet.")


@app.command()
def show(id: Id, is_followed: Follow = False) -> None:
    """Show a job's state, progress and results. Use --follow for live updates.

    Exits 0 on success, 1 if the job doesn't exist, failed or was canceled, and 2 if the command can't run.
    """
    job = _do(settings_of(), lambda jobs: follow(jobs, id) if is_followed else jobs.get(id))
    print(f"Job:      {job.id}, {job.kind}, started by {_started(job)}")
    print(f"State:    {job.state}{f' on {job.ended_at:%Y-%m-%d at %H:%M} UTC' if job.ended_at else ''}")
    if job.holder:
        machine, process, _claim = job.holder.rsplit(":", 2)
        print(f"Worker:   process {process} on {machine}")
    print(f"Progress: {_progress(job)}")
    for outcome, count in sorted(job.counts.items()):
        print(f"  {outcome}: {count}")
    if job.error:
        print(f"Error:    {job.error.text % job.error.values}")
    if acts := [act.value for act in acts_of(job)]:
        print(f"Next:     sayso jobs {'|'.join(acts)} {job.id}")
    raise typer.Exit(FAILED if job.state in {JobState.FAILED, JobState.CANCELED} else 0)


def _act(act: JobAction, help: str) -> None:
    def command(id: Id) -> None:
        job = _do(settings_of(), lambda jobs: jobs.act(id, act, COMMAND_LINE))
        print(f"{job.id} is {job.state}.")

    command.__doc__ = (
        f"{help}\n\nExits 0 on success, 1 if the job's state doesn't allow it, and 2 if the command can't run."
    )
    app.command(act.value)(command)


_act(JobAction.PAUSE, "Pause a running job.")
_act(JobAction.RESUME, "Resume a paused job where it stopped.")
_act(JobAction.CANCEL, "Cancel a job. Completed work is kept; the job can't be resumed.")
_act(JobAction.RETRY, "Retry a failed job where it stopped.")


async def follow(jobs: JobService, id: str) -> Job:
    """Live in a terminal; without one, a line for each change."""
    job = await jobs.get(id)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    is_terminal, said = sys.stdout.isatty(), ""
    with Progress(*columns, console=Console(), disable=not is_terminal) as bar:
        task = bar.add_task(job.kind)
        while True:
            line = f"{job.state} {_progress(job)}"
            if line != said and not is_terminal:
                print(said := line, flush=True)
            bar.update(task, description=job.state, completed=job.done, total=job.total)
            if job.state in ENDED or job.state is JobState.PAUSED:
                return job
            await asyncio.sleep(FOLLOW_SECONDS)
            job = await jobs.get(id)


def _progress(job: Job) -> str:
    return f"{job.done}" if job.total is None else f"{job.done}/{max(job.total, job.done)}"


def _started(job: Job) -> str:
    return f"{job.by_name} on {job.created_at:%Y-%m-%d at %H:%M} UTC"


def _do(settings: Settings, work: Callable[[JobService], Awaitable[T]]) -> T:
    return run(_in_database(settings, work))


async def _in_database(settings: Settings, work: Callable[[JobService], Awaitable[T]]) -> T:
    try:
        async with open_database(settings) as store:
            return await work(JobService(store, all_kinds(store, CheckpointKeys(store, settings.checkpoint_keys))))
    except NotFound:
        give_up("Job not found. List all jobs with `sayso jobs`.", FAILED)
    except JobConflict:
        give_up("The job's state doesn't allow this. See what it allows with `sayso jobs show`.", FAILED)
    except SaysoError as error:
        give_up(str(error), FAILED)
