"""Reads the chains of stored events and finds the first fault of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from pydantic import ValidationError

from bot.consent.event_signatures import EventSigners
from bot.model.event import Action, ConsentEvent
from bot.model.event_hash import FIRST, event_hash
from bot.store import Store


@dataclass(slots=True)
class Chain:
    """A contact's events as stored: an edited one may not be readable as an event."""

    contact: str
    seq: int = 0
    hash: str = FIRST
    fault: str | None = None
    events: list[ConsentEvent] = field(default_factory=list)
    signers: EventSigners | None = None
    redacted: dict[int, str] = field(default_factory=dict)
    """By sequence, events whose personal values are gone, and that no later event has erased yet; of format 1 with what
    the rest of it hashes to."""

    def take(self, raw: Mapping[str, Any]) -> None:
        if self.fault:
            return
        self.fault = fault(raw, self.contact, self.seq + 1, self.hash)
        if self.fault is None and self.signers and (unsigned := self.signers.fault(raw)):
            self.fault = f"event {self.seq + 1} {unsigned}"
        if self.fault is None:
            event = ConsentEvent.load(dict(raw))
            self.events.append(event)
            self.seq, self.hash = event.seq, event.hash
            if event.commitments:
                self.redacted[event.seq] = event_hash(raw) if event.format is None else ""
            if event.action is Action.ERASE:
                kept = event.redacted or {}
                self.redacted = {seq: now for seq, now in self.redacted.items() if now and kept.get(str(seq)) != now}

    def end(self) -> None:
        if self.redacted and not self.fault:
            self.fault = f"event {max(self.redacted)} lacks values that no later event erases"


def fault(raw: Mapping[str, Any], contact: str, seq: int, previous: str) -> str | None:
    """What is wrong with a stored event expected as number `seq` after the hash `previous`; None: nothing."""
    if raw["_id"] != f"{contact}:{seq:010d}":
        return f"event {seq} is missing"
    if raw.get("seq") != seq or not _is_as_written(raw):
        return f"event {seq} was edited"
    if raw.get("previous") != previous:
        return f"event {seq} does not follow the one before it"
    return None


def _is_as_written(raw: Mapping[str, Any]) -> bool:
    """Whether it is exactly an event, and its hash covers it. Of format 1, an erased event can't be hashed
    any more: the `previous` of the next one vouches for its hash."""
    try:
        event = ConsentEvent.load(dict(raw))
        is_whole = event.model_dump(by_alias=True, exclude_unset=True) == raw
        return is_whole and (_is_erased_format_1(raw) or event_hash(raw) == raw["hash"])
    except (ValidationError, LookupError, TypeError, ValueError, AttributeError):
        return False


def _is_erased_format_1(raw: Mapping[str, Any]) -> bool:
    return raw.get("format") is None and bool(raw.get("commitments"))


async def read_chains(
    store: Store, after: str, limit: int, signers: EventSigners
) -> tuple[list[Chain], int, str | None]:
    """Whole chains after a position, how many events were read, and the next position: events come in order of contact
    and sequence."""
    events = await store.events.page_raw(after, limit=limit)
    is_cut = len(events) == limit
    while is_cut and _owner(events[0]) == _owner(events[-1]):  # one chain, longer than a step
        more = await store.events.page_raw(events[-1]["_id"], limit=limit)
        events += more
        is_cut = len(more) == limit
    if events and _owner(events[0]) != _owner(events[-1]) and is_cut:  # the last chain continues in the next step
        events = [raw for raw in events if _owner(raw) != _owner(events[-1])]
    return _chained(events, signers), len(events), _end_of(_owner(events[-1])) if events else None


def _chained(page: Sequence[Mapping[str, Any]], signers: EventSigners) -> list[Chain]:
    chains = []
    for contact, events in groupby(page, key=_owner):
        chain = Chain(contact, signers=signers)
        for raw in events:
            chain.take(raw)
        chain.end()
        chains.append(chain)
    return chains


def _owner(event: Mapping[str, Any]) -> str:
    return str(event["_id"]).partition(":")[0]


def _end_of(contact: str) -> str:
    """After all ids of the contact's events, including those written since: a step begins with a new chain."""
    return f"{contact};"
