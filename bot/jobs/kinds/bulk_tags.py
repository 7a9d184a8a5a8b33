"""Adds a tag to many contacts, or removes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from bot.contacts.bulk_rules import BulkOutcome
from bot.contacts.selected import SelectedContacts
from bot.contacts.service import ContactService
from bot.errors import marked as _
from bot.jobs.kinds.bulk import GONE, BulkInput, PlannedBulkJob
from bot.model.contact import Contact


class BulkTagInput(BulkInput):
    tag: str


class BulkTagJob(PlannedBulkJob[BulkTagInput]):
    input = BulkTagInput
    has_it: ClassVar[bool]
    """Whether they have the tag afterwards."""

    def __init__(self, selected: SelectedContacts, contacts: ContactService) -> None:
        super().__init__(selected)
        self._contacts = contacts

    async def judge(self, input: BulkTagInput, contacts: Sequence[Contact]) -> Mapping[str, BulkOutcome]:
        return {
            contact.id: BulkOutcome.ALREADY if (input.tag in contact.tags) is self.has_it else BulkOutcome.CHANGED
            for contact in contacts
        }

    async def carry_out(self, job: str, input: BulkTagInput, ids: Sequence[str]) -> Mapping[str, BulkOutcome]:
        await (self._contacts.add_tags if self.has_it else self._contacts.remove_tags)(ids, [input.tag])
        return {}


class AddTag(BulkTagJob):
    name, title = "add_tag", _("Add tag")
    has_it = True
    outcomes: ClassVar = {
        BulkOutcome.CHANGED: _("Tag added"),
        BulkOutcome.ALREADY: _("Already has the tag"),
        BulkOutcome.GONE: GONE,
    }


class RemoveTag(BulkTagJob):
    name, title = "remove_tag", _("Remove tag")
    has_it = False
    outcomes: ClassVar = {
        BulkOutcome.CHANGED: _("Tag removed"),
        BulkOutcome.ALREADY: _("Doesn't have the tag"),
        BulkOutcome.GONE: GONE,
    }
