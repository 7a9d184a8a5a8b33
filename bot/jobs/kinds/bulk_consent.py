"""Subscribes or unsubscribes many contacts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import ClassVar

from bot.contacts.bulk import BulkConsent, BulkConsents
from bot.contacts.bulk_rules import BulkOutcome
from bot.contacts.selected import SelectedContacts
from bot.errors import marked as _
from bot.jobs.kinds.bulk import GONE, BulkInput, PlannedBulkJob
from bot.jobs.worker import AT_ONCE
from bot.model.contact import Contact

FRESH_SECONDS = 1.0


class BulkConsentInput(BulkInput):
    consent: BulkConsent


class _JustRead:
    """The contacts of a plan, for the batch that follows at once: it needn't read them again. The ledger refuses a
    change that was decided for a contact who changed since, and it is decided again."""

    def __init__(self) -> None:
        self._batches: dict[str, tuple[float, Sequence[Contact]]] = {}
        """By the first id: when they were read, and who they are."""

    def keep(self, contacts: Sequence[Contact]) -> None:
        if contacts:
            self._batches[contacts[0].id] = time.monotonic(), contacts
        while len(self._batches) > AT_ONCE:
            del self._batches[next(iter(self._batches))]

    def take(self, ids: Sequence[str]) -> Sequence[Contact]:
        """Nobody, unless all of them were read a moment ago."""
        read, contacts = self._batches.pop(ids[0], (0.0, ())) if ids else (0.0, ())
        is_fresh = time.monotonic() - read < FRESH_SECONDS
        return contacts if is_fresh and [contact.id for contact in contacts] == [*ids] else ()


class BulkConsentJob(PlannedBulkJob[BulkConsentInput]):
    input = BulkConsentInput

    def __init__(self, selected: SelectedContacts, consents: BulkConsents) -> None:
        super().__init__(selected)
        self._consents = consents
        self._just_read = _JustRead()

    async def judge(self, input: BulkConsentInput, contacts: Sequence[Contact]) -> Mapping[str, BulkOutcome]:
        orders = await self._consents.orders(input.consent, key="preview")
        return _joined(contacts, [await self._consents.preview(contacts, order) for order in orders])

    async def plan(self, input: BulkConsentInput, contacts: Sequence[Contact]) -> Mapping[str, BulkOutcome]:
        """Plans all of them: the results come from the ledger."""
        self._just_read.keep(contacts)
        return {contact.id: BulkOutcome.CHANGED for contact in contacts}

    async def carry_out(self, job: str, input: BulkConsentInput, ids: Sequence[str]) -> Mapping[str, BulkOutcome]:
        contacts = self._just_read.take(ids) or await self._selected.living(ids)
        return {**dict.fromkeys(ids, BulkOutcome.GONE), **await self.apply(job, input, contacts)}

    async def apply(self, job: str, input: BulkConsentInput, contacts: Sequence[Contact]) -> Mapping[str, BulkOutcome]:
        """Repeating it changes nothing and has the same results."""
        results: list[Mapping[str, BulkOutcome]] = []
        for order in await self._consents.orders(input.consent, key=f"bulk:{job}"):
            if results:
                contacts = await self._selected.living([contact.id for contact in contacts])
            results.append(await self._consents.record(contacts, order, input.ordered_at))
        return _joined(contacts, results)


def _joined(contacts: Sequence[Contact], results: Sequence[Mapping[str, BulkOutcome]]) -> dict[str, BulkOutcome]:
    """One result for each contact: for several subscriptions, whether any changed."""
    outcomes = {contact.id: BulkOutcome.ALREADY for contact in contacts}
    for result in results:
        outcomes |= {id: outcome for id, outcome in result.items() if outcome is not BulkOutcome.ALREADY}
    return outcomes


class Subscribe(BulkConsentJob):
    name = "subscribe"
    title = _("Subscribe users")
    outcomes: ClassVar = {
        BulkOutcome.CHANGED: _("Subscribed"),
        BulkOutcome.ASKED: _("Asked to confirm"),
        BulkOutcome.ALREADY: _("Already subscribed"),
        BulkOutcome.STOPPED: _("Texted STOP"),
        BulkOutcome.UNREACHABLE: _("No valid number or address"),
        BulkOutcome.OPTED_OUT: _("Opted out"),
        BulkOutcome.WEAK: _("Evidence too weak"),
        BulkOutcome.GONE: GONE,
    }


class Unsubscribe(BulkConsentJob):
    name = "unsubscribe"
    title = _("Unsubscribe users")
    outcomes: ClassVar = {
        BulkOutcome.CHANGED: _("Unsubscribed"),
        BulkOutcome.ALREADY: _("Not subscribed"),
        BulkOutcome.GONE: GONE,
    }
