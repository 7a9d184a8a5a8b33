"""An interrupted import is planned again: each row stays about the contact that it was about before."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bot.app import Bot
from bot.consent.changes import ConsentChange
from bot.consent.ledger import Ledger
from bot.contacts.imports import importer
from bot.contacts.imports.importer import Importer, _slices
from bot.contacts.imports.people import contact_of
from bot.contacts.imports.row_changes import RowChanges
from bot.contacts.imports.rows import WantedRow
from bot.errors import StoreUnavailable
from bot.model.base import now
from bot.model.contact import Contact, Role
from bot.model.contact_import import ContactImport, ImportPlan
from bot.model.event import Actor, Source
from tests.people import ANOTHER, NUMBER, person

ROWS = [
    WantedRow(2, number=NUMBER, fields={"name": "Ben"}),
    WantedRow(3, external_id="7", number=NUMBER, fields={"name": "Ada"}),
]
"""The second one is about a user who has no number yet."""
FILE = ContactImport(
    id="file", file="list.csv", size=1, rows=2, pieces=1, encoding="utf-8", delimiter=",", has_header=True,
    columns=("Phone", "ID", "Name"), plan=ImportPlan(targets=("phone", "external_id", "name")), by="ada",
    by_name="Ada", created_at=now(), expires_at=now(),
)  # fmt: skip


async def test_a_row_stays_about_the_contact_that_it_was_about_though_a_later_one_was_done_before_it(
    bot: Bot, make_contact: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importer, "SLICE", 1)
    ada: Contact = await make_contact(external_id="7", role=Role.USER)
    record, is_done = Ledger.record_many, asyncio.Event()

    async def dies(ledger: Ledger, changes: Sequence[ConsentChange], contacts: Mapping[str, Contact]) -> list[Any]:
        """Once the event of the existing contact is stored, and before that of the new one is."""
        hers = [change for change in changes if change.contact == ada.id]
        recorded = await record(ledger, hers, contacts)
        if hers:
            is_done.set()
        if len(hers) < len(changes):
            await is_done.wait()
            raise StoreUnavailable
        return recorded

    monkeypatch.setattr(Ledger, "record_many", dies)
    with pytest.raises(StoreUnavailable):
        await Importer(bot.store, bot.ledger).take("job", FILE, ROWS)
    monkeypatch.setattr(Ledger, "record_many", record)
    result = await Importer(bot.store, bot.ledger).take("job", FILE, ROWS)
    assert {outcome: count for outcome, count in result.counts.items() if count} == {"created": 1, "updated": 1}
    people = {contact.id: contact for contact in await bot.store.contacts.page("", limit=10)}
    assert {id: (one.name, one.phone) for id, one in people.items()} == {
        ada.id: ("Ada", NUMBER),
        contact_of("job", 2): ("Ben", NUMBER),
    }


async def test_a_row_whose_contact_was_merged_meanwhile_is_about_the_one_it_was_merged_into(
    bot: Bot, make_contact: Any
) -> None:
    ada: Contact = await make_contact(external_id="7", role=Role.USER)
    await Importer(bot.store, bot.ledger).take("job", FILE, ROWS[:1])
    await bot.merge.merge(ada.id, contact_of("job", 2), Actor(kind="teammate", id="ada"), Source.PROFILE)
    result = await Importer(bot.store, bot.ledger).take("job", FILE, ROWS[:1])
    assert not result.problems
    assert not result.counts["created"]


def test_rows_with_the_same_number_or_address_are_not_imported_at_the_same_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importer, "SLICE", 1)
    rows = [
        WantedRow(2, number=NUMBER),
        WantedRow(3, number=ANOTHER),
        WantedRow(4, number=NUMBER),
        WantedRow(5, email="ada@shop.example"),
        WantedRow(6, external_id="7"),
        WantedRow(7, external_id="8"),
        WantedRow(8, email="Ada@shop.example"),
    ]
    plans = [RowChanges(row, contact=person(f"{row.line}")) for row in rows]
    assert [[plan.row.line for plan in some] for some in _slices(plans)] == [[2, 4, 5, 8], [3], [6], [7]]
