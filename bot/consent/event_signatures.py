"""Which events the application wrote: those that carry its signature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ulid import ULID

from bot.consent.checkpoints import CheckpointKeys, Signer
from bot.model.checkpoint import CheckpointHead, StoredCheckpoint, readable
from bot.store import Store


@dataclass(frozen=True, slots=True)
class EventSigners:
    """`since`: the public id prefix of the first events that need a signature; empty: none need one.

    An event that is dated before has to be in a checkpoint of that time (`Witnesses.uncovered`).
    """

    known: Mapping[str, Signer]
    since: str
    is_external: bool
    """Whether they must be signed with a key from outside the database."""

    @classmethod
    async def of(cls, store: Store, keys: CheckpointKeys) -> Self:
        """As the newest checkpoint says, which `Witnesses` checks."""
        raw = await store.checkpoints.newest_raw()
        newest = StoredCheckpoint.of(raw).checkpoint if raw else None
        last = newest or readable(CheckpointHead, await store.checkpoint_heads.raw())
        since = str(ULID.from_datetime(last.signed_from))[:10] if last and last.signed_from else ""
        return cls(await keys.known(), since, keys.is_external)

    def fault(self, raw: Mapping[str, Any]) -> str | None:
        """What is wrong with the signature of a stored event; None: nothing."""
        is_due = bool(self.since) and str(raw["event"]) >= self.since
        signature = raw.get("signature")
        if signature is None:
            return "was not written by Sayso: it has no signature" if is_due else None
        key, _, code = str(signature).partition(":")
        signer = self.known.get(key)
        if signer is None:
            return f"is signed with an unknown key ({key[:16]})"
        if not signer.has_signed_event(str(raw["hash"]), code):
            return "was not written by Sayso: it has a wrong signature"
        if is_due and self.is_external and signer.is_own:
            return "is signed with the key in the database, not with SAYSO_CHECKPOINT_KEY"
        return None
