"""Compares the ledger with its checkpoints: finds events that are missing, rewritten or newer than they claim, and
checks the checkpoints themselves. Works in steps, in bounded memory, next to writers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ulid import ULID

from bot.consent.checkpoints import MISSING, RECORD, SKEW, CheckpointKeys, Signer, span
from bot.model.base import iso, now
from bot.model.checkpoint import FIRST_CHECKPOINT, Checkpoint, CheckpointHead, StoredCheckpoint, readable
from bot.store import Store

PAGE = 20
"""Checkpoints that are read at once: at most some megabytes."""
EDITED = "was edited"
OWN = "is signed with the key in the database, not with SAYSO_CHECKPOINT_KEY"
PAST = 20
"""After so many checkpoints whose events are all younger, none holds an older one: commits come nearly in the order of
their times."""


@dataclass(slots=True)
class Findings:
    broken: dict[str, str] = field(default_factory=dict)
    """By contact, what only the checkpoints or only the ledger have."""
    damaged: dict[str, str] = field(default_factory=dict)
    """By checkpoint, its fault."""
    notes: list[str] = field(default_factory=list)
    """Repairs that were made."""
    checkpoints: int = 0
    read: int = 0

    def add(self, other: Findings) -> None:
        self.broken = other.broken | self.broken
        self.damaged |= other.damaged
        self.notes += other.notes
        self.checkpoints += other.checkpoints
        self.read += other.read


@dataclass(frozen=True, slots=True)
class Witnesses:
    store: Store
    keys: CheckpointKeys

    async def compare(self, after: str) -> tuple[Findings, str | None]:
        """Checks the next checkpoints after this id, and that the ledger has their events."""
        found, known = Findings(), await self.keys.known()
        page = [StoredCheckpoint.of(raw) for raw in await self.store.checkpoints.page_raw(after, limit=PAGE)]
        if not page:
            await self._check_end(known, found)
            return found, None
        before = await self._before(after)
        for read in page:
            _check_link(read, before, known, found)
            before = read
        await self._compare([read.checkpoint for read in page if read.checkpoint], found)
        return found, page[-1].id

    async def uncovered(self, after: str, limit: int) -> tuple[Findings, str | None]:
        """Checks the next events by public id, if old enough to have a checkpoint: each must be in one of its time. An
        event that was inserted later with an earlier date is not."""
        found, until = Findings(), await self._known_until()
        page = await self.store.events.entries_between(after, until, limit=limit) if until else []
        if not page:
            return found, None
        found.read += len(page)
        for raw in page:
            if not _is_dated_by_id(raw):
                _add(found, str(raw["_id"]), f"has a time that its id {raw['event']} contradicts")
        for id in await self._without_checkpoint(page):
            _add(found, id, "is in no checkpoint of its time: it was inserted later, or past the application")
        return found, str(page[-1]["event"])

    async def against(self, path: Path) -> Findings:
        """Compares checkpoints and ledger with a file of checkpoints that was kept outside."""
        found, known = Findings(), await self.keys.known()
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                await self._compare_line(line, path, known, found)
        return found

    async def _compare_line(self, line: str, path: Path, known: Mapping[str, Signer], found: Findings) -> None:
        try:
            kept = Checkpoint.model_validate_json(line)
        except ValidationError:
            found.damaged[f"file {path}"] = "has a line that is not a checkpoint"
            return
        if problem := _problem(kept, known):
            found.damaged[f"{span(kept.number)} in {path}"] = problem
            return
        stored = await self.store.checkpoints.raw(kept.id)
        if stored is None:
            found.damaged[span(kept.number)] = f"is missing, but {path} has it"
        elif stored.get("hash") != kept.hash:
            found.damaged[span(kept.number)] = f"is not the one that {path} has"
        await self._compare([kept], found)

    async def _before(self, id: str) -> StoredCheckpoint | None:
        return StoredCheckpoint.of(raw) if id and (raw := await self.store.checkpoints.raw(id)) else None

    async def _compare(self, checkpoints: Sequence[Checkpoint], found: Findings) -> None:
        for checkpoint in checkpoints:
            kept = dict(_parse(entry) for entry in checkpoint.entries)
            there = await self.store.events.hashes([*kept])
            found.read += len(kept)
            where = f"checkpoint {checkpoint.number} of {iso(checkpoint.at)} has"
            for id, hash in kept.items():
                if id not in there:
                    _add(found, id, f"is missing: {where} it")
                elif there[id] != hash:
                    _add(found, id, f"was rewritten: {where} another hash")

    async def _check_end(self, known: Mapping[str, Signer], found: Findings) -> None:
        """The newest checkpoint is the one that the record of it names, and a key from outside signed it."""
        stored = await self.store.checkpoint_heads.raw()
        raw = await self.store.checkpoints.newest_raw()  # after the record, which may move meanwhile
        newest, head = StoredCheckpoint.of(raw) if raw else None, readable(CheckpointHead, stored)
        number, hash = (newest.number, newest.hash) if newest else (0, FIRST_CHECKPOINT)
        if stored is None:
            if newest and newest.checkpoint and newest.checkpoint.token:
                found.damaged[RECORD] = MISSING
        elif head is None or _problem(head, known):
            found.damaged[RECORD] = _problem(head, known) or EDITED
        elif head.number > number:
            found.damaged[span(number + 1, head.number)] = MISSING
        elif head.number == number and head.newest != hash:
            found.damaged[span(number)] = "is not the one that was recorded as the newest"
        if self.keys.is_external:
            await self._check_key(newest.checkpoint if newest else None, known, found)

    async def _check_key(self, newest: Checkpoint | None, known: Mapping[str, Signer], found: Findings) -> None:
        """With a key from outside, checkpoints that only the database's own key signed prove nothing."""
        if newest is None:
            if await self.store.events.entries_between("", _ulid(now() - 2 * SKEW), limit=1):
                found.damaged["every checkpoint"] = MISSING
        elif newest.key in known and known[newest.key].is_own:
            found.damaged[span(newest.number)] = OWN

    async def _known_until(self) -> str:
        head = readable(CheckpointHead, await self.store.checkpoint_heads.raw())
        return _ulid(head.looked_at - SKEW) if head else ""

    async def _without_checkpoint(self, page: Sequence[Mapping[str, Any]]) -> list[str]:
        left = {str(raw["_id"]): str(raw["event"]) for raw in page}
        end, past = str(page[-1]["event"]), 0
        async for checkpoint in self.store.checkpoints.ending_from(str(page[0]["event"])):
            first, last = str(checkpoint.get("first")), str(checkpoint["last"])
            for id in (_parse(str(entry))[0] for entry in checkpoint.get("entries", ())):
                if first <= left.get(id, "") <= last:
                    del left[id]
            past = past + 1 if first > end else 0
            if not left or past > PAST:
                break
        return [*left]


def _check_link(
    read: StoredCheckpoint, before: StoredCheckpoint | None, known: Mapping[str, Signer], found: Findings
) -> None:
    found.checkpoints += 1
    name, number = span(read.number), before.number if before else 0
    if read.number > number + 1:
        found.damaged[span(number + 1, read.number - 1)] = MISSING
    if problem := _problem(read.checkpoint, known):
        found.damaged[name] = problem
    elif read.checkpoint:
        if read.number == number + 1 and read.checkpoint.previous != (before.hash if before else FIRST_CHECKPOINT):
            found.damaged[name] = "does not follow the one before it"
        elif before and before.checkpoint and _is_downgrade(before.checkpoint, read.checkpoint, known):
            found.damaged[name] = OWN
        _tell_notes(read.checkpoint, found)


def _tell_notes(checkpoint: Checkpoint, found: Findings) -> None:
    at = iso(checkpoint.at)
    for note in checkpoint.notes:
        if note.contact:
            found.notes.append(f"{at}: contact {note.contact} {note.text}")
        else:
            found.damaged[f"{span(checkpoint.number)} of {at}"] = f"says: {note.text}"


def _is_downgrade(before: Checkpoint, after: Checkpoint, known: Mapping[str, Signer]) -> bool:
    """Signed with the database's own key after one from outside: anyone with database access could have done it."""
    signers = known.get(before.key), known.get(after.key)
    return bool(signers[0] and not signers[0].is_own and signers[1] and signers[1].is_own)


def _problem(signed: Checkpoint | CheckpointHead | None, known: Mapping[str, Signer]) -> str | None:
    if signed is None or signed.is_edited:
        return EDITED
    signer = known.get(signed.key)
    if signer is None:
        return f"is signed with an unknown key ({signed.key})"
    return None if signer.has_signed(signed) else "has a wrong signature"


def _add(found: Findings, id: str, problem: str) -> None:
    contact, _, seq = id.partition(":")
    found.broken.setdefault(contact, f"event {seq.lstrip('0')} {problem}")


def _parse(entry: str) -> tuple[str, str]:
    id, _, hash = entry.rpartition(" ")
    return id, hash


def _is_dated_by_id(raw: Mapping[str, Any]) -> bool:
    at, second = raw.get("at"), timedelta(seconds=1)
    return isinstance(at, datetime) and _ulid(at - second) <= str(raw["event"])[:10] <= _ulid(at + second)


def _ulid(time: datetime) -> str:
    return str(ULID.from_datetime(time))[:10]
