"""Imports the rows of a file, a batch at a time: planned first, then written in as many round trips as one row takes.

What a row changes is stored before it changes anything, under the line's own id, so that a batch that is repeated after
a crash keeps what was there before the first, and the undo finds it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.aio.waiting import together
from bot.consent.ledger import Ledger
from bot.consent.ledger_round import Recorded
from bot.consent.stop_list import StopList
from bot.contacts.attributes import Attributes
from bot.contacts.imports.cells import ReadNumber
from bot.contacts.imports.number_reader import NumberReader
from bot.contacts.imports.people import KnownPeople
from bot.contacts.imports.people_finder import PeopleFinder
from bot.contacts.imports.plans import RowPlanner
from bot.contacts.imports.row_changes import ImportTerms, RowChanges
from bot.contacts.imports.rows import Fault, RowReader, WantedRow
from bot.contacts.service import ContactService, ContactUpdate, ContactValues
from bot.contacts.tags import Tags
from bot.errors import Invalid, NotFound, NumberStopped, OwnOptOut, SavedNumberLocked, SaysoError
from bot.errors import marked as _
from bot.fault_points import reach
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.contact_import import ContactImport, ImportChange, ImportPiece
from bot.model.event import Action, Actor
from bot.model.teammate import By
from bot.model.workspace import Workspace
from bot.store import Store
from bot.workspace.audit import COMMAND_LINE

TAKEN = _("Another contact got this user ID at the same time. Import the row again.")
SLICE = 200
"""Rows that are written together. While the database stores some, the next ones are prepared."""
CONSENTS = {Action.OPT_IN: "opted_in", Action.REQUEST_CONFIRMATION: "asked", Action.OPT_OUT: "opted_out"}
"""The outcome that counts each."""


@dataclass(frozen=True, slots=True)
class Problem:
    """About one row: `failed`, it wasn't imported; `refused`, a consent of it wasn't."""

    line: int
    outcome: str
    faults: Sequence[Fault]


@dataclass(slots=True)
class BatchResult:
    counts: Counter[str] = field(default_factory=Counter)
    """By outcome, besides those of `problems`."""
    problems: list[Problem] = field(default_factory=list)


class Importer:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store, self._ledger = store, ledger
        self._contacts = ContactService(store, ledger)
        self._people = PeopleFinder(store, ledger)
        self._tags, self._attributes = Tags(store), Attributes(store)
        self._stops = StopList(store, ledger)
        self.numbers = NumberReader()

    async def read(self, file: ContactImport, piece: ImportPiece) -> list[WantedRow]:
        """Raises Invalid: the file has no plan."""
        if file.plan is None:
            raise Invalid(_("Choose what the columns contain first."))
        workspace = await self._store.workspaces.get("workspace") or Workspace(name="")
        attributes = {attribute.key: attribute.read for attribute in await self._attributes.all()}
        reader = RowReader(file.plan, file.labels, attributes, file.file, now())
        numbers = await self._numbers(piece, reader.number_place, file.plan.region, workspace.texted)
        found = zip(piece.lines, piece.rows, numbers, strict=True)
        return [reader.read(line, cells, number) for line, cells, number in found]

    async def _numbers(
        self, piece: ImportPiece, place: int | None, region: str, countries: Sequence[str]
    ) -> list[ReadNumber | None]:
        if place is None:
            return [None] * len(piece.rows)
        cells = [row[place].strip() if place < len(row) else "" for row in piece.rows]
        read = iter(await self.numbers.read([cell for cell in cells if cell], region, countries))
        return [next(read) if cell else None for cell in cells]

    async def preview(self, job: str, file: ContactImport, rows: Sequence[WantedRow]) -> BatchResult:
        """What an import would do now. Changes nothing."""
        plans, _people = await self._planned(job, file, rows, None)
        changes = [change for plan in plans for change in plan.changes]
        stops = await self._store.stops.of({change.number for change in changes if change.number})
        result, time = BatchResult(), now()
        for plan in plans:
            result.counts["already"] += len(plan.already)
            for change in plan.changes:
                refused = plan.contact and change.refusal(plan.contact, stops.get(change.number or ""), time)
                _judge(result, plan, change.action, refused or None)
            _count(result, plan, None)
        return result

    async def take(self, job: str, file: ContactImport, rows: Sequence[WantedRow]) -> BatchResult:
        """Imports the rows. Repeating it after a crash gives the same. Raises StoreUnavailable."""
        earlier = await self._store.import_changes.get_many(change_id(job, row.line) for row in rows)
        plans, people = await self._planned(job, file, rows, earlier)
        added = {p.contact.id: people.by_id[p.contact.id] for p in plans if p.contact and not p.contact.is_stored}
        result = BatchResult()
        await together(self._take_some(job, some, added, result) for some in _slices(plans))
        await self._count_earlier(result, plans)
        await self._check_user_ids(plans, added)
        for plan in plans:
            _count(result, plan, earlier.get(change_id(job, plan.row.line)))
        return result

    async def _take_some(
        self, job: str, plans: Sequence[RowChanges], everyone: Mapping[str, Contact], result: BatchResult
    ) -> None:
        await self._store.import_changes.insert_many([_kept(job, plan) for plan in plans if plan.changes_something])
        reach("kept")
        added = {p.contact.id: everyone[p.contact.id] for p in plans if p.contact and p.contact.id in everyone}
        await self._create(plans, added)
        await self._update([plan for plan in plans if plan.contact and plan.contact.is_stored])
        await self._stop(job, plans)
        reach("stored")
        for plan, action, recorded in await self._record(plans, added):
            _judge(result, plan, action, recorded if isinstance(recorded, SaysoError) else None)

    async def _count_earlier(self, result: BatchResult, plans: Sequence[RowChanges]) -> None:
        """Distinguishes consents that already existed from those that an interrupted run of this batch recorded."""
        already = [(plan, *found) for plan in plans for found in plan.already]
        keys = [(contact.id, f"{contact.id}:{key}") for _, contact, key, _ in already if contact.ledger.seq]
        mine = await self._store.events.by_keys(keys)
        for plan, contact, key, action in already:
            is_mine = f"{contact.id}:{key}" in mine
            plan.recorded += is_mine
            result.counts[CONSENTS[action] if is_mine else "already"] += 1

    async def _planned(
        self, job: str, file: ContactImport, rows: Sequence[WantedRow], earlier: Mapping[str, ImportChange] | None
    ) -> tuple[list[RowChanges], KnownPeople]:
        """`earlier`: what an interrupted run of this batch stored, by id; None: nothing may be created."""
        terms, people = await asyncio.gather(
            self._terms(job, file, rows, creates_tags=earlier is not None), self._people.of(job, rows)
        )
        planner = RowPlanner(terms, people, (earlier or {}).values())
        return [planner.plan(row) for row in rows], people

    async def _terms(
        self, job: str, file: ContactImport, rows: Sequence[WantedRow], *, creates_tags: bool
    ) -> ImportTerms:
        live, texts = await asyncio.gather(self._store.subscriptions.live(), self._store.subscriptions.texts())
        if file.plan is None:
            raise Invalid(_("Choose what the columns contain first."))
        return ImportTerms(
            job=job,
            plan=file.plan,
            actor=Actor(kind="teammate", id=file.by) if file.by else Actor(kind="api", id="command-line"),
            subscriptions={subscription.id: subscription for subscription in live},
            texts=texts,
            tags=await self._tag_ids(file, rows, creates=creates_tags),
            at=now(),
        )

    async def _tag_ids(self, file: ContactImport, rows: Sequence[WantedRow], *, creates: bool) -> dict[str, str]:
        wanted = {tag.casefold(): tag for row in rows for tag in row.tags}
        if not wanted:
            return {}
        known = {tag.name.casefold(): tag.id for tag in await self._tags.all()}
        by = By(file.by, file.by_name) if file.by else COMMAND_LINE
        for folded in wanted.keys() - known.keys() if creates else ():
            known[folded] = (await self._tags.named(wanted[folded], by)).id
        return known if creates else {**dict.fromkeys(wanted, "new"), **known}

    async def _create(self, plans: Sequence[RowChanges], added: Mapping[str, Contact]) -> None:
        """Stores those of whom nothing is recorded; the others are stored by their first event. Two rows of one person
        are one contact: the planner gave both the first one's."""
        recorded = {change.contact for plan in plans for change in plan.changes}
        await self._contacts.create_many([contact for id, contact in added.items() if id not in recorded])

    async def _check_user_ids(self, plans: Sequence[RowChanges], added: Mapping[str, Contact]) -> None:
        """Finds the rows whose user ID another contact got at the same time."""
        wanted = {contact.external_id for contact in added.values() if contact.external_id}
        there = await self._store.contacts.ids_with("external_id", wanted)
        for plan in plans:
            if plan.is_new and plan.contact and plan.contact.id in added and added[plan.contact.id].external_id:
                plan.faults += [] if plan.contact.id in there else [Fault(TAKEN)]

    async def _update(self, plans: Sequence[RowChanges]) -> None:
        changed = [plan for plan in plans if plan.contact and (plan.values or plan.attributes)]
        await self._contacts.set_many(
            [
                ContactUpdate(plan.contact, ContactValues(**plan.values), plan.attributes)  # type: ignore[typeddict-item]
                for plan in changed
                if plan.contact
            ]
        )
        by_tags: dict[tuple[str, ...], list[str]] = {}
        for plan in plans:
            if plan.contact and plan.tags:
                by_tags.setdefault(plan.tags, []).append(plan.contact.id)
        await asyncio.gather(*(self._contacts.add_tags(ids, tags) for tags, ids in by_tags.items()))

    async def _stop(self, job: str, plans: Sequence[RowChanges]) -> None:
        if numbers := {plan.stops: f"import:{job}:{plan.row.line}" for plan in plans if plan.stops}:
            await self._stops.add(numbers)

    async def _record(
        self, plans: Sequence[RowChanges], added: Mapping[str, Contact]
    ) -> list[tuple[RowChanges, Action, Recorded | SaysoError]]:
        asked = [(plan, change) for plan in plans for change in plan.changes]
        found = [*zip(asked, await self._ledger.record_many([change for _, change in asked], added), strict=True)]
        refused = {id(plan): plan.spare for (plan, _), result in found if plan.spare and isinstance(result, SaysoError)}
        await self._ledger.record_many([spare() for spare in refused.values()], added)
        return [(plan, change.action, result) for (plan, change), result in found]


def _slices(plans: Sequence[RowChanges]) -> list[Sequence[RowChanges]]:
    """What can be imported at the same time. All rows that share a contact, number or email address are in the first
    slice, in their order: if the import is interrupted, none is planned again beside a later one that is done. Where a
    number is stopped, another row may be about the same one: then there is one slice."""
    if any(plan.stops for plan in plans):
        return [plans]
    of = [_about(plan) for plan in plans]
    rows = Counter(key for keys in of for key in keys)
    shared, alone = list[RowChanges](), list[RowChanges]()
    for plan, keys in zip(plans, of, strict=True):
        (shared if any(rows[key] > 1 for key in keys) else alone).append(plan)
    return [*([shared] if shared else []), *(alone[i : i + SLICE] for i in range(0, len(alone), SLICE))]


def _about(plan: RowChanges) -> set[str]:
    """The contacts, the number and the email address of a row."""
    contacts = {change.contact for change in plan.changes} | ({plan.contact.id} if plan.contact else set())
    return contacts | ({plan.row.number, plan.row.email.casefold()} - {""})


def change_id(job: str, line: int) -> str:
    return f"{job}:{line:09d}"


def _kept(job: str, plan: RowChanges) -> ImportChange:
    contact = plan.contact
    granted = tuple(c.subscription for c in plan.changes if c.is_grant and c.subscription)
    return ImportChange(
        id=change_id(job, plan.row.line),
        job=job,
        contact=contact.id if contact else "",
        line=plan.row.line,
        created=plan.is_new,
        before={name: value for name, value in plan.before.items() if value is not None},
        after=plan.after,
        tags=contact.tags if plan.is_new and contact else plan.tags,
        granted=granted,
        opted_out=tuple(c for c in contact.consents if c.subscription in granted and c.is_no) if contact else (),
        at=now(),
    )


def _count(result: BatchResult, plan: RowChanges, earlier: ImportChange | None) -> None:
    """`earlier`: what an interrupted run of this batch changed."""
    for fault in plan.left:
        result.problems.append(Problem(plan.row.line, "refused", [fault]))
    result.counts["stopped"] += bool(plan.stops)
    if plan.faults:
        result.problems.append(Problem(plan.row.line, "failed", plan.faults))
    elif plan.is_new:
        result.counts["created"] += 1
    elif plan.contact is None:
        result.counts["skipped"] += not plan.stops
    else:
        is_other = plan.after or plan.tags or plan.recorded or (earlier and (earlier.after or earlier.tags))
        result.counts["updated" if is_other else "same"] += 1


def _judge(result: BatchResult, plan: RowChanges, action: Action, refused: SaysoError | None) -> None:
    """`refused`: why the ledger took no grant. Raises what says nothing about the contact: the batch is repeated."""
    if isinstance(refused, OwnOptOut | NumberStopped | SavedNumberLocked | NotFound):
        result.problems.append(Problem(plan.row.line, "refused", [Fault(refused.text, refused.values)]))
    elif refused:
        raise refused
    else:
        plan.recorded += 1
        if action in CONSENTS:
            result.counts[CONSENTS[action]] += 1
