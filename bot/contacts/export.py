"""Contacts as CSV or NDJSON: their details, and each consent with its state, date, source, evidence and event."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.contacts.selected import SelectedContacts
from bot.contacts.spreadsheet import csv_lines
from bot.model.base import Value, iso, now
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.selection import Selection
from bot.model.subscription import Subscription, SubscriptionState
from bot.store import Store

DETAILS = (
    "id", "external_id", "role", "name", "email", "phone", "locale", "time_zone", "created_at", "last_seen_at",
)  # fmt: skip
CONSENT = ("state", "date", "source", "evidence", "event")
PAGE = 500


class ExportFormat(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"
    """One JSON object a line."""


class ExportColumns(Value):
    """The columns of a file, fixed at the start: a subscription or attribute added meanwhile moves no column."""

    subscriptions: tuple[str, ...]
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExportLayout:
    columns: ExportColumns
    subscriptions: Mapping[str, Subscription]
    tags: Mapping[str, str]
    """Names, by id."""

    def head(self, format: ExportFormat) -> bytes:
        """What a file begins with."""
        return csv_lines([self._header()]) if format is ExportFormat.CSV else b""

    def lines(self, format: ExportFormat, contacts: Iterable[Contact]) -> bytes:
        if format is ExportFormat.CSV:
            return csv_lines(self._row(contact) for contact in contacts)
        return b"".join(json.dumps(self._object(c), ensure_ascii=False).encode() + b"\n" for c in contacts)

    def _header(self) -> list[str]:
        names = [self._name(id) for id in self.columns.subscriptions]
        consents = [f"{name}: {what}" for name in names for what in CONSENT]
        return [*DETAILS, "tags", *self.columns.attributes, *consents]

    def _row(self, contact: Contact) -> list[str]:
        details = [_text(getattr(contact, name)) for name in DETAILS]
        attributes = [_text(contact.attributes.get(key)) for key in self.columns.attributes]
        held = {consent.subscription: consent for consent in contact.consents}
        consents = [cell for id in self.columns.subscriptions for cell in _consent_cells(held.get(id))]
        return [*details, "; ".join(self._tags(contact)), *attributes, *consents]

    def _object(self, contact: Contact) -> dict[str, Any]:
        details = {name: _plain(getattr(contact, name)) for name in DETAILS}
        wanted = {*self.columns.subscriptions}
        return {
            **details,
            "tags": self._tags(contact),
            "attributes": {key: _plain(contact.attributes.get(key)) for key in self.columns.attributes},
            "subscriptions": [self._consent(c) for c in contact.consents if c.subscription in wanted],
        }

    def _consent(self, consent: Consent) -> dict[str, Any]:
        named = {"subscription": consent.subscription, "name": self._name(consent.subscription)}
        address = {"number": consent.number, "email": consent.email}
        return {**named, **dict(zip(CONSENT, _consent_cells(consent), strict=True)), **address}

    def _name(self, subscription: str) -> str:
        found = self.subscriptions.get(subscription)
        return found.name if found else subscription

    def _tags(self, contact: Contact) -> list[str]:
        return [self.tags[id] for id in contact.tags if id in self.tags]


class ContactExport:
    def __init__(self, store: Store, selected: SelectedContacts) -> None:
        self._store = store
        self._selected = selected

    async def columns(self) -> ExportColumns:
        subscriptions, attributes = await self._store.subscriptions.all(), await self._store.attributes.in_use()
        return ExportColumns(
            subscriptions=tuple(s.id for s in subscriptions if s.state is not SubscriptionState.DRAFT),
            attributes=tuple(attribute.key for attribute in attributes),
        )

    async def layout(self, columns: ExportColumns) -> ExportLayout:
        subscriptions = await self._store.subscriptions.get_many(columns.subscriptions)
        tags = {tag.id: tag.name for tag in await self._store.tags.in_use()}
        return ExportLayout(columns, subscriptions, tags)

    async def stream(self, selection: Selection, format: ExportFormat) -> AsyncIterator[bytes]:
        """The file, page by page in bounded memory: a slow reader slows the queries down."""
        layout, time, after = await self.layout(await self.columns()), now(), ""
        yield layout.head(format)
        while True:
            batch = await self._selected.batch(selection, after, PAGE, time)
            yield layout.lines(format, batch.contacts)
            if batch.last is None:
                return
            after = batch.last


def _consent_cells(consent: Consent | None) -> tuple[str, ...]:
    if consent is None or consent.state is ConsentState.NONE:
        return (ConsentState.NONE, "", "", "", "")
    is_no = consent.state is ConsentState.OPTED_OUT
    return (consent.state, iso(consent.at), consent.source, "" if is_no else consent.evidence, consent.event)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | dict):
        return json.dumps(_plain(value), ensure_ascii=False)
    if isinstance(value, float):
        return f"{value:.15g}"
    return "" if value is None else str(_plain(value))


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)
