"""Growth: a million contacts are listed, counted and searched in time. By `make soak`; `SAYSO_TEST_CONTACTS=100000` for
fewer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bot.contacts.finder import ContactFinder
from bot.store import open_store
from bot.store.embedded import embedded_server
from tests.bench.contacts import crowded, query_times, show_times

NUMBER = int(os.environ.get("SAYSO_TEST_CONTACTS", "1000000"))
KEPT = os.environ.get("SAYSO_TEST_FOLDER")
"""Where the contacts stay, to be measured again."""


@pytest.mark.soak
async def test_a_million_contacts_are_found_in_time(tmp_path: Path) -> None:
    folder = Path(KEPT) if KEPT else tmp_path
    async with embedded_server(folder, engine="mongod") as server, open_store(server.url, "million") as store:
        took = await crowded(store, NUMBER)
        timed = await query_times(ContactFinder(store), rounds=5)
    show_times(timed, NUMBER, took)
    assert [t.name for t in timed if not t.is_met] == []
