"""One process at a time makes the checkpoints; a stop leaves nothing without one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from bot.consent.checkpoints import CheckpointKeys
from bot.consent.ledger import Ledger
from bot.consent.verify import verify
from bot.events.checkpoint_writer import CheckpointWriter
from bot.model.contact import Contact
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.conftest import eventually
from tests.people import change, second_process

MakeContact = Callable[..., Awaitable[Contact]]


async def test_a_stop_leaves_nothing_without_a_checkpoint(
    store: Store, make_contact: MakeContact, mongo: EmbeddedServer, tmp_path: Path
) -> None:
    """Two processes: the one without the lease takes over when the other has stopped."""
    ada, files = await make_contact(), [tmp_path / "one", tmp_path / "two"]
    async with second_process(mongo) as other:
        stops = [asyncio.Event(), asyncio.Event()]
        writers = [
            CheckpointWriter(at, CheckpointKeys(at), file) for at, file in zip((store, other), files, strict=True)
        ]
        first = asyncio.create_task(writers[0].work(stops[0]))
        await eventually(lambda: store.checkpoint_heads.get("head"))
        second = asyncio.create_task(writers[1].work(stops[1]))
        await Ledger(store).record(change(ada.id, "k0"))
        stops[0].set()
        await first
        assert [len(c.entries) for c in await store.checkpoints.page("", limit=9)] == [1]
        await Ledger(store).record(change(ada.id, "k1"))

        async def lines() -> bool:
            return files[1].exists() and len(files[1].read_text().splitlines()) == 2

        await eventually(lines)  # takes the lease over, and writes what the other file has, too
        await Ledger(store).record(change(ada.id, "k2"))
        stops[1].set()
        await second
    report = await verify(store, repair=False, against=files[1])
    assert (report.faults, report.checkpoints) == ([], 3)
    assert files[1].read_text().startswith(files[0].read_text())


async def test_a_file_that_cannot_be_written_stops_no_checkpoint(
    store: Store, make_contact: MakeContact, tmp_path: Path
) -> None:
    ada = await make_contact()
    writer = CheckpointWriter(store, CheckpointKeys(store), tmp_path / "nowhere" / "file")
    await Ledger(store).record(change(ada.id, "k"))
    await writer.write()
    assert len(await store.checkpoints.page("", limit=9)) == 1
