"""Erases many contacts, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import ClassVar

from bot.contacts.bulk_rules import BulkOutcome
from bot.contacts.erase import Eraser
from bot.contacts.selected import SelectedContacts
from bot.errors import NotFound
from bot.errors import marked as _
from bot.jobs.kinds.bulk import GONE, BulkInput, PlannedBulkJob
from bot.model.contact import Contact
from bot.model.event import Actor, Source


class BulkEraseInput(BulkInput):
    by: str
    """The teammate's id."""


class EraseContacts(PlannedBulkJob[BulkEraseInput]):
    name, title = "erase", _("Erase contacts")
    input = BulkEraseInput
    most: ClassVar = 20
    outcomes: ClassVar = {BulkOutcome.CHANGED: _("Erased"), BulkOutcome.GONE: GONE}

    def __init__(self, selected: SelectedContacts, eraser: Eraser) -> None:
        super().__init__(selected)
        self._eraser = eraser

    async def judge(self, input: BulkEraseInput, contacts: Sequence[Contact]) -> Mapping[str, BulkOutcome]:
        return {contact.id: BulkOutcome.CHANGED for contact in contacts}

    async def carry_out(self, job: str, input: BulkEraseInput, ids: Sequence[str]) -> Mapping[str, BulkOutcome]:
        for id in ids:
            with suppress(NotFound):  # it went while the batch was under way
                await self._eraser.erase(id, Actor(kind="teammate", id=input.by), Source.BULK)
        return {}
