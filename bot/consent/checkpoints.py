"""Checkpoints: independent witnesses of the ledger, signed and chained.

A chain proves that nothing was removed from its middle, but not that its last events are still there. So each minute in
which events were recorded, a checkpoint stores their ids and hashes in the order of their commits.
`bot/consent/witnesses.py` compares the ledger with them.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar

from ulid import ULID

from bot.aio.retry import retried
from bot.errors import CheckpointKeyMissing
from bot.model.base import now
from bot.model.checkpoint import (
    FIRST_CHECKPOINT,
    HEAD,
    Checkpoint,
    CheckpointHead,
    LedgerNote,
    StoredCheckpoint,
    checkpoint_id,
    readable,
)
from bot.store import Duplicate, Store
from bot.store.event_stream import EventStream, Token, TokenLost

log = logging.getLogger("sayso.consent")

MOST = 1000
"""Events in one checkpoint: about 100 kB."""
SKEW = timedelta(minutes=5)
"""How far the clocks of two processes, or the times of an event and its commit, may differ."""
KEY = "checkpoints"
RECORD = "the record of the newest checkpoint"
MISSING, NO_RECORD = "missing", f"{RECORD} is missing"
GRACE = timedelta(hours=1)
"""How long processes of an earlier version, or without the new key, may still write after an upgrade began."""

S = TypeVar("S", Checkpoint, CheckpointHead)


class CheckpointKeys:
    """`secrets`: from the settings, the current one first, then former ones. Without any, the workspace's own key
    signs, which anyone with access to the database can read."""

    def __init__(self, store: Store, secrets: Sequence[str] = ()) -> None:
        self._store = store
        self._signing = Signer(secrets[0]) if secrets else None
        self._secrets = tuple(secrets)
        self.is_external = bool(secrets)

    async def signing(self) -> Signer:
        if self._signing is None:
            self._signing = Signer(await self._store.keys.of(KEY), is_own=True)
        return self._signing

    async def known(self) -> dict[str, Signer]:
        """By fingerprint. The workspace's own key is always known: older checkpoints may have been signed with it."""
        own = await self._store.keys.get(KEY)
        signers = [Signer(secret) for secret in self._secrets]
        signers += [Signer(own.value, is_own=True)] if own else []
        return {signer.fingerprint: signer for signer in signers}


@dataclass(frozen=True)
class Signer:
    secret: str = field(repr=False)
    is_own: bool = False
    """It is stored in the database."""

    @cached_property
    def fingerprint(self) -> str:
        return self.sign("fingerprint")[:16]

    def sign(self, hash: str) -> str:
        return hmac.new(self.secret.encode(), f"sayso checkpoint {hash}".encode(), hashlib.sha256).hexdigest()

    def sign_event(self, hash: str) -> str:
        """`<fingerprint>:<HMAC-SHA256>` of an event's hash."""
        return f"{self.fingerprint}:{self._of_event(hash)}"

    def has_signed_event(self, hash: str, signature: str) -> bool:
        return _is_same(self._of_event(hash), signature)

    def _of_event(self, hash: str) -> str:
        return hmac.digest(self.secret.encode(), f"sayso event {hash}".encode(), "sha256").hex()

    def has_signed(self, signed: Checkpoint | CheckpointHead) -> bool:
        return _is_same(self.sign(signed.hash), signed.signature)


def _is_same(right: str, stored: str) -> bool:
    """As bytes: `compare_digest` accepts only ASCII strings, and a forged signature can contain anything."""
    return hmac.compare_digest(right.encode(), stored.encode(errors="replace"))


@dataclass(frozen=True, slots=True)
class _Tip:
    """What the next checkpoint follows."""

    number: int
    hash: str
    token: Token | None = None
    looked_at: datetime | None = None
    key: str = ""
    note: str = ""
    """A finding that the next checkpoint records."""
    signed_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class CheckpointEntry:
    """An event as a checkpoint stores it."""

    id: str
    event: str
    hash: str

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> CheckpointEntry:
        """From a stored event, which may have been edited."""
        return cls(str(raw["_id"]), str(raw.get("event", "")), str(raw.get("hash")))

    def __str__(self) -> str:
        return f"{self.id} {self.hash}"


class CheckpointLog:
    """Appends checkpoints. Any number of processes may do so: the loser of a number continues after the winner. An
    event may be in two checkpoints, which does no harm."""

    def __init__(self, store: Store, keys: CheckpointKeys) -> None:
        self._store = store
        self._keys = keys

    async def cover(self) -> None:
        """Covers every event committed until now. Raises CheckpointKeyMissing, and StoreUnavailable (the next call
        continues from there)."""
        tip = await self._tip()
        try:
            async with self._store.events.stream(tip.token) as stream:
                if tip.token is None:
                    await self._begin(stream, tip.looked_at)
                await self._follow(stream)
        except TokenLost:
            log.warning("the change stream of events can't go on from the last checkpoint: scanning the ledger instead")
            async with self._store.events.stream() as stream:
                await self._begin(stream, tip.looked_at)
                await self._follow(stream)

    async def note(self, *notes: LedgerNote) -> None:
        """Durable when it returns. The next `cover` continues from the same position. Raises CheckpointKeyMissing."""
        await self._append((), notes)

    async def _begin(self, stream: EventStream, since: datetime | None) -> None:
        """Covers events from before the stream: all, or those since the checkpoints were last complete."""
        started, after = now(), _ulid(since - SKEW) if since else ""
        while found := await self._store.events.entries_between(after, "~", limit=MOST):
            after = found[-1]["event"]
            await self._append([CheckpointEntry.of(raw) for raw in found])
        await self._look(started, stream.token)

    async def _follow(self, stream: EventStream) -> None:
        started, waiting, token, is_done = now(), list[CheckpointEntry](), stream.token, False
        while not is_done:
            batch = await stream.take(wait_ms=1)
            waiting += [CheckpointEntry(new.event.id, new.event.event, new.event.hash) for new in batch]
            token = batch[-1].token if batch else stream.token
            is_done = not batch or _ulid(started) < waiting[-1].event
            while len(waiting) >= MOST or (is_done and waiting):
                # A token in the middle of a batch would lie too far ahead for those that are still waiting.
                await self._append(waiting[:MOST], token=token if len(waiting) <= MOST else None)
                del waiting[:MOST]
        await self._look(started, token)

    async def _look(self, at: datetime, token: Token) -> None:
        """Notes that nothing else was recorded until now. A new key signs a checkpoint at once, vouching for the
        earlier ones."""
        tip, signer = await self._tip(), await self._keys.signing()
        if tip.note or (tip.number and tip.key != signer.fingerprint):
            tip = await self._append((), token=token)
        head = CheckpointHead(
            id=HEAD, hash="", signature="", key=signer.fingerprint, token=token, number=tip.number, newest=tip.hash,
            looked_at=at, signed_from=tip.signed_from,
        )  # fmt: skip
        await self._store.checkpoint_heads.save(_signed(head, signer))

    async def _append(
        self, entries: Sequence[CheckpointEntry], notes: Sequence[LedgerNote] = (), token: Token | None = None
    ) -> _Tip:
        signer = await self._keys.signing()

        async def attempt() -> _Tip:
            tip = await self._requiring(await self._tip(), signer)
            if tip.number and tip.key != signer.fingerprint and not self._keys.is_external:
                raise CheckpointKeyMissing  # a key that lies in the database must not take over from one outside
            new = _signed(_next(tip, entries, notes, token or tip.token, signer), signer)
            await self._store.checkpoints.insert(new)
            return _Tip(new.number, new.hash, new.token, tip.looked_at, new.key, signed_from=new.signed_from)

        return await retried(attempt, Duplicate)

    async def _requiring(self, tip: _Tip, signer: Signer) -> _Tip:
        """With the time from which on events must be signed: with a key from outside, once there is one."""
        is_same = tip.key == signer.fingerprint
        if tip.signed_from and (is_same or not await self._is_own(tip.key)):
            return tip
        return replace(tip, signed_from=now() + GRACE if tip.number else now())

    async def _is_own(self, key: str) -> bool:
        known = await self._keys.known()
        return key in known and known[key].is_own

    async def _tip(self) -> _Tip:
        head = readable(CheckpointHead, await self._store.checkpoint_heads.raw())
        raw = await self._store.checkpoints.newest_raw()  # after the record, which another process may move meanwhile
        newest = StoredCheckpoint.of(raw) if raw else None
        if newest is None:
            return _after_head(head, 0) if head else _Tip(0, FIRST_CHECKPOINT)
        if head and newest.number < head.number:
            return _after_head(head, newest.number)
        return _after(newest, head)


def _after_head(head: CheckpointHead, number: int) -> _Tip:
    """If the newest checkpoints are missing, the next one leaves the gap and notes it."""
    note = f"{span(number + 1, head.number)}: {MISSING}" if head.number > number else ""
    return _Tip(head.number, head.newest, head.token, head.looked_at, head.key, note, head.signed_from)


def _after(newest: StoredCheckpoint, head: CheckpointHead | None) -> _Tip:
    kept = newest.checkpoint
    note = "" if kept else f"{span(newest.number)} was edited"
    if head is None:
        token, looked_at, key = (kept.token, kept.since, kept.key) if kept else (None, None, "")
        note = note or (NO_RECORD if token else "")
        return _Tip(newest.number, newest.hash, token, looked_at, key, note, kept.signed_from if kept else None)
    if newest.number == head.number and newest.hash != head.newest:
        note = f"{span(newest.number)} was replaced"
    token = kept.token if kept and newest.number > head.number else head.token
    key = kept.key if kept else head.key
    signed_from = kept.signed_from if kept else head.signed_from
    return _Tip(newest.number, newest.hash, token, head.looked_at, key, note, signed_from)


def _next(
    tip: _Tip, entries: Sequence[CheckpointEntry], notes: Sequence[LedgerNote], token: Token | None, signer: Signer
) -> Checkpoint:
    at = now()
    earliest = _ulid(tip.looked_at - SKEW) if tip.looked_at else ""
    inside = [entry.event for entry in entries if earliest <= entry.event < _ulid(at + SKEW)]
    return Checkpoint(
        id=checkpoint_id(tip.number + 1),
        number=tip.number + 1,
        at=at,
        since=tip.looked_at,
        signed_from=tip.signed_from,
        first=min(inside, default=""),
        last=max(inside, default=""),
        entries=tuple(str(entry) for entry in entries),
        notes=(*notes, *([LedgerNote(text=tip.note)] if tip.note else [])),
        previous=tip.hash,
        key=signer.fingerprint,
        token=token,
        hash="",
        signature="",
    )


def _signed(document: S, signer: Signer) -> S:
    hash = document.computed_hash()
    return document.model_copy(update={"hash": hash, "signature": signer.sign(hash)})


def _ulid(time: datetime) -> str:
    """The prefix of the public ids of all events of this time."""
    return str(ULID.from_datetime(time))[:10]


def span(first: int, last: int | None = None) -> str:
    return f"checkpoints {first} to {last}" if last and last > first else f"checkpoint {first}"
