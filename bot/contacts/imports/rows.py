"""What one row of a file asks for, and what is wrong with it. Pure: numbers are read elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from typing import Any
from zoneinfo import available_timezones

from bot.consent.number_refusals import spoken
from bot.consent.numbers import is_email
from bot.consent.overrides import AHEAD
from bot.contacts.imports.cells import CellRefused, ReadNumber, plain_text, read_consent, read_date, read_opt_out
from bot.errors import Invalid, NumberRefused
from bot.errors import marked as _
from bot.i18n import Translator, locales
from bot.model.contact_import import TEXTS, ImportPlan
from bot.model.event import Evidence, How

_zones = lru_cache(available_timezones)
"""It reads a folder."""
LONGEST = 320
"""Characters of an id or a name."""
MOST_TAGS = 50


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row isn't imported: a gettext id, its values, and the column."""

    text: str
    values: Mapping[str, str] = field(default_factory=dict)
    column: str = ""
    is_country_assumed: bool = False
    """Of a number."""

    def said(self, say: Translator) -> str:
        refused = NumberRefused("", self.text, is_country_assumed=self.is_country_assumed, **self.values)
        words = spoken(refused, say)
        return f"{self.column}: {words}" if self.column else words


def stored_faults(faults: Sequence[Fault]) -> str:
    """Every problem of a row, as JSON, so that all of them can be fixed at once."""
    found = [[fault.text, dict(fault.values), fault.column, fault.is_country_assumed] for fault in faults]
    return json.dumps(found, ensure_ascii=False)


def said_faults(stored: str, say: Translator) -> str:
    found = json.loads(stored)
    several = found if isinstance(found[0], list) else [found]  # an earlier version stored one
    return " ".join(dict.fromkeys(Fault(*one).said(say) for one in several))


@dataclass(frozen=True, slots=True)
class ConsentClaim:
    """A consent in the file. `subscription`: an id, or `texts`."""

    subscription: str
    is_yes: bool
    at: datetime | None = None
    note: str = ""

    def evidence(self, how: How | None) -> Evidence | None:
        if how is None and self.at is None and not self.note:
            return None
        return Evidence(how=how or How.OTHER, given_at=self.at, note=self.note)


@dataclass(slots=True)
class WantedRow:
    line: int
    external_id: str = ""
    email: str = ""
    number: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    """By name, attributes as `attributes.<key>`; only what the row has a value for."""
    tags: tuple[str, ...] = ()
    """Names."""
    claims: list[ConsentClaim] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        """Whether the row identifies a contact."""
        return bool(self.external_id or self.email or self.number)


class RowReader:
    """Reads the rows of one file by its plan. `attributes`: by key, what reads a cell of it; it raises Invalid."""

    def __init__(
        self,
        plan: ImportPlan,
        columns: Sequence[str],
        attributes: Mapping[str, Callable[[str], Any]],
        file: str,
        at: datetime,
    ) -> None:
        self._plan, self._file, self._at = plan, file, at
        self._attributes = attributes
        self._columns = columns
        self._places: dict[str, int] = {target: i for i, target in enumerate(plan.targets) if target}
        parts = (target.partition(":") for target in self._places if ":" in target)
        of = {sub for part, _colon, sub in parts if part != "attribute"}
        self._subscriptions = sorted(of | {s for s in (plan.everyone_in, plan.everyone_out) if s})

    @property
    def number_place(self) -> int | None:
        return self._places.get("phone")

    def read(self, line: int, cells: Sequence[str], number: ReadNumber | None) -> WantedRow:
        """`number`: of the cell in the phone column, None: it is empty."""
        row = WantedRow(line)
        if len(cells) > len(self._columns) and any(cell.strip() for cell in cells[len(self._columns) :]):
            values = {"count": str(len(cells)), "right": str(len(self._columns))}
            row.faults.append(Fault(_("This row has %(count)s columns, the header has %(right)s."), values))
        if any("\0" in cell for cell in cells):
            row.faults.append(Fault(_("This row contains a null byte.")))
            cells = [cell.replace("\0", "") for cell in cells]
        self._identify(row, cells, number)
        self._describe(row, cells)
        for subscription in self._subscriptions:
            self._claim(row, cells, subscription)
        if not row.is_known and not row.faults:
            row.faults.append(Fault(_("There's no phone number, email address or user ID in this row.")))
        return row

    def _cell(self, cells: Sequence[str], target: str) -> str:
        place = self._places.get(target)
        return plain_text(cells[place]) if place is not None and place < len(cells) else ""

    def _name(self, target: str) -> str:
        return self._columns[self._places[target]]

    def _identify(self, row: WantedRow, cells: Sequence[str], number: ReadNumber | None) -> None:
        row.external_id = self._short(row, cells, "external_id")
        if email := self._cell(cells, "email"):
            if is_email(email):
                row.email = email
            else:
                row.faults.append(Fault(_("Enter an email address like name@example.com."), {}, self._name("email")))
        if number and number.e164:
            row.number = number.e164
        elif number:
            row.faults.append(Fault(number.text, number.values, self._name("phone"), number.is_country_assumed))

    def _describe(self, row: WantedRow, cells: Sequence[str]) -> None:
        whole = " ".join(filter(None, (self._short(row, cells, t) for t in ("first_name", "last_name"))))
        if name := self._short(row, cells, "name") or whole:
            row.fields["name"] = name
        language = self._cell(cells, "locale").replace("_", "-").partition("-")[0].casefold()
        if language in locales():
            row.fields["locale"] = language
        if zone := self._cell(cells, "time_zone"):
            if zone in _zones():
                row.fields["time_zone"] = zone
            else:
                row.faults.append(Fault(_("Unknown time zone."), {}, self._name("time_zone")))
        row.tags = tuple(filter(None, (tag.strip()[:LONGEST] for tag in self._cell(cells, "tags").split(","))))[
            :MOST_TAGS
        ]
        for key, read in self._attributes.items():
            if cell := self._cell(cells, f"attribute:{key}"):
                value = self._checked(row, f"attribute:{key}", partial(read, cell))
                row.fields |= {} if value is None else {f"attributes.{key}": value}

    def _claim(self, row: WantedRow, cells: Sequence[str], subscription: str) -> None:
        said, when = None, None
        out = self._cell(cells, f"opted_out:{subscription}")
        if cell := self._cell(cells, f"consent:{subscription}"):
            said = self._checked(row, f"consent:{subscription}", partial(read_consent, cell))
        elif subscription == self._plan.everyone_in:  # "never subscribed" in the column is not a yes
            said = True
        if read_opt_out(out) or subscription == self._plan.everyone_out:
            said = False
        if said is None or (said and subscription == TEXTS):
            return
        if cell := self._cell(cells, f"date:{subscription}"):
            when = self._checked(row, f"date:{subscription}", partial(read_date, cell, self._plan.date_order))
        if not said and when is None:
            with suppress(CellRefused):
                when = read_date(out, self._plan.date_order)
        when = when or (self._plan.given_at if said else None)
        if said and when and when > self._at + AHEAD:
            row.faults.append(Fault(_("This date is in the future."), {}, self._columns_of(f"date:{subscription}")))
        row.claims.append(ConsentClaim(subscription, said, when, self._note(cells, subscription, row.line)))

    def _columns_of(self, target: str) -> str:
        return self._name(target) if target in self._places else ""

    def _note(self, cells: Sequence[str], subscription: str, line: int) -> str:
        """The evidence as the file tells it, and where in which file."""
        said = {
            "Source": self._cell(cells, f"source:{subscription}"),
            "Text shown": self._cell(cells, f"text:{subscription}"),
            "IP address": self._cell(cells, f"ip:{subscription}"),
            "Note": self._plan.note,
            "File": f"{self._file}, line {line}",
        }
        return "\n".join(f"{name}: {value}" for name, value in said.items() if value)[:4000]

    def _short(self, row: WantedRow, cells: Sequence[str], target: str) -> str:
        text = self._cell(cells, target)
        if len(text) > LONGEST:
            fault = Fault(_("Too long. Use up to %(most)s characters."), {"most": str(LONGEST)}, self._name(target))
            row.faults.append(fault)
        return text[:LONGEST]

    def _checked(self, row: WantedRow, target: str, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except Invalid as wrong:
            row.faults.append(Fault(wrong.text, wrong.values, self._name(target)))
            return None
