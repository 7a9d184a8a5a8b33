"""What the list asks the database: as often for many rows as for few, and always by an index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from bot.app import Bot
from bot.config import Settings
from bot.model.base import new_id
from bot.model.contact import Contact
from bot.model.filter import Filter, TagIs
from bot.model.teammate import By
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.conftest import serving
from tests.people import AT
from tests.store.test_indexes import BY_INDEX
from tests.store.wire import explainable, listened_to, stages_of
from tests.widget.desk import at_desk

LIST = {"attributes": 4, "contacts": 3, "segments": 1, "stops": 1, "subscriptions": 4, "tags": 1}
"""Of a filter with one condition. Page, count and its choice of an index each read subscriptions and attributes to
compile the filter; the condition is counted once for both."""


async def test_a_page_asks_as_often_for_fifty_rows_as_for_one(
    bot: Bot, demo_store: Store, mongo: EmbeddedServer, settings: Settings
) -> None:
    filters = [await _people(bot, 1), await _people(bot, 120)]
    async with (
        listened_to(mongo) as (store, wire),
        serving(store, settings) as server,
        at_desk(str(server.make_url("")).rstrip("/")) as ada,
    ):
        for filter in filters:
            wire.commands.clear()
            await ada.look(f"/contacts?{urlencode({'filter': filter.as_text()})}")
            asked = [
                (name, command) for name, command in wire.queries if command[name] in LIST and not _sweeps(command)
            ]
            assert Counter(command[name] for name, command in asked) == LIST
    for name, command in asked:
        for one in explainable(name, command):
            plan = await demo_store.database.command({"explain": one, "verbosity": "queryPlanner"})
            stages = {*stages_of(plan)}
            assert stages & BY_INDEX, command
            assert "COLLSCAN" not in stages, command


def _sweeps(command: Mapping[str, Any]) -> bool:
    """Looks for lapsed confirmations, as the server does in the background."""
    return "pending_until" in command.get("filter", {})


async def _people(bot: Bot, number: int) -> Filter:
    tag = await bot.tags.create(new_id(), By("ada", "Ada"))
    people = [
        Contact(id=new_id(), phone=f"+1201555{i:04}", created_at=AT, updated_at=AT, tags=(tag.id,))
        for i in range(number)
    ]
    await bot.store.contacts.insert_many(people)
    return Filter.of(TagIs(tags=(tag.id,)))
