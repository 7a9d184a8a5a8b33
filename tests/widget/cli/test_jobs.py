"""`sayso jobs` and `sayso worker`: long work, as somebody at a terminal follows and controls it."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import subprocess
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.jobs.kinds import all_kinds
from bot.jobs.kinds.verify import Verify, VerifyInput
from bot.jobs.service import JobService
from bot.model.base import new_id, now
from bot.model.job import Job, JobState
from bot.model.teammate import By
from bot.store import Store
from tests.conftest import PATIENCE, eventually
from tests.people import person
from tests.widget.cli.conftest import Invoke
from tests.widget.cli.test_cli import SAYSO, Ran


@pytest.fixture
def command(invoke: Invoke) -> Invoke:
    """`await command("show", id)`: `sayso jobs show ID`."""
    return partial(invoke, "jobs")


@pytest.fixture
async def job(kept: Store) -> Job:
    """A check that waits for an hour."""
    at = now() + timedelta(hours=1)
    return await JobService(kept, all_kinds(kept)).start(Verify, VerifyInput(), By("ada", "Ada"), at=at)


async def test_without_jobs_it_says_so(command: Invoke) -> None:
    assert await command() == Ran(0, "No jobs yet.\n", "")


async def test_jobs_are_listed_with_state_progress_and_who_started_them(command: Invoke, job: Job) -> None:
    ran = await command()
    assert ran.out.split()[:6] == [job.id, "queued", "verify", "0", "Ada", "on"]


async def test_a_job_is_paused_resumed_and_canceled(command: Invoke, job: Job, kept: Store) -> None:
    for act, state in (("pause", "paused"), ("resume", "queued"), ("cancel", "canceled")):
        assert await command(act, job.id) == Ran(0, f"{job.id} is {state}.\n", "")
    ran = await command("show", job.id)
    assert (ran.code, "State:    canceled on " in ran.out) == (1, True)
    again = await command("pause", job.id)
    assert (again.code, again.err) == (
        1,
        "The job's state doesn't allow this. See what it allows with `sayso jobs show`.\n",
    )


async def test_what_can_be_done_next_is_shown(command: Invoke, job: Job) -> None:
    ran = await command("show", job.id)
    assert (ran.code, ran.out.splitlines()[-1]) == (0, f"Next:     sayso jobs pause|cancel {job.id}")


async def test_a_failed_job_shows_its_error(command: Invoke, job: Job, kept: Store) -> None:
    error = {"text": "No file %(name)s.", "values": {"name": "people.csv"}}
    await kept.jobs.update({"_id": job.id}, {"$set": {"state": "failed", "error": error, "counts": {"stale": 3}}})
    ran = await command("show", job.id)
    assert ran.code == 1
    assert "Error:    No file people.csv." in ran.out
    assert "  stale: 3" in ran.out


@pytest.mark.parametrize("name", ["show", "pause", "resume", "cancel", "retry"])
async def test_a_job_that_does_not_exist_is_named(command: Invoke, name: str) -> None:
    assert await command(name, new_id()) == Ran(1, "", "Job not found. List all jobs with `sayso jobs`.\n")


async def test_a_worker_does_a_job_that_is_followed_without_a_terminal(
    command: Invoke, kept: Store, env: dict[str, str], tmp_path: Path
) -> None:
    await kept.contacts.insert_many([person(f"c{i:04d}") for i in range(200)])
    jobs = JobService(kept, all_kinds(kept))
    job = await jobs.start(Verify, VerifyInput(), By("ada", "Ada"))
    following = asyncio.create_task(command("show", job.id, "--follow"))
    worker = await asyncio.create_subprocess_exec(
        *SAYSO, "worker", cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE):
            assert worker.stdout
            assert await worker.stdout.readline() == b"Ready. Ctrl-C stops it.\n"
            ran = await following
        worker.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await worker.communicate()
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
    assert worker.returncode == 0
    lines = ran.out.splitlines()
    assert (ran.code, lines[0], lines[-1]) == (0, "queued 0", "Progress: 200/200")
    assert "done 200/200" in lines
    assert (await jobs.get(job.id)).state is JobState.DONE


async def test_in_a_terminal_it_is_followed_by_a_bar(kept: Store, env: dict[str, str], job: Job) -> None:
    await kept.jobs.update({"_id": job.id}, {"$set": {"state": "running", "done": 400, "total": 1000}})
    master, slave = pty.openpty()
    env = {**env, "TERM": "xterm"}
    process = await asyncio.create_subprocess_exec(
        *SAYSO, "jobs", "show", job.id, "--follow", env=env, stdout=slave, stderr=subprocess.DEVNULL
    )
    os.close(slave)
    seen = ""

    async def shows_a_bar() -> bool:
        nonlocal seen
        seen += (await asyncio.to_thread(os.read, master, 4096)).decode(errors="replace")
        return "400/1000" in seen and "━" in seen

    try:
        await eventually(shows_a_bar)
        await kept.jobs.update(
            {"_id": job.id}, {"$set": {"state": "done", "done": 1000}, "$currentDate": {"ended_at": True}}
        )
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(master)
