"""The kinds of jobs: one file each, and one line here."""

from __future__ import annotations

from typing import Any

from bot.consent.checkpoints import CheckpointKeys
from bot.jobs.kind import JobKind
from bot.jobs.kinds.verify import Verify
from bot.store import Store


def all_kinds(store: Store, keys: CheckpointKeys | None = None) -> tuple[JobKind[Any, Any], ...]:
    return (Verify(store, keys),)
