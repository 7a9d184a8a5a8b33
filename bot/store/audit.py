"""The audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, IndexModel

from bot.model.audit import AuditEntry
from bot.model.paging import Cursor
from bot.store.paging import following
from bot.store.repository import Repository

NEWEST = [("at", -1), ("_id", -1)]


class AuditRepository(Repository[AuditEntry]):
    name = "audit_log"
    model = AuditEntry
    indexes = tuple(
        IndexModel([*((field, ASCENDING) for field in fields), ("at", DESCENDING), ("_id", DESCENDING)])
        for fields in ((), ("actor",), ("action",), ("actor", "action"), ("subject",))
    )

    async def newest(
        self,
        equal: Mapping[str, str],
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        cursor: Cursor | None = None,
        limit: int,
    ) -> list[AuditEntry]:
        """Entries with these values of `actor` and `action`, recorded from `since` to before `until`."""
        window: dict[str, Any] = {**({"$gte": since} if since else {}), **({"$lt": until} if until else {})}
        parts: list[dict[str, Any]] = [dict(equal), following(NEWEST, cursor), {"at": window} if window else {}]
        conditions = [part for part in parts if part]
        return await self.find({"$and": conditions} if conditions else {}, sort=NEWEST, limit=limit)

    async def about(
        self, subject: str, actions: Sequence[str], after: Cursor | None, *, limit: int
    ) -> list[AuditEntry]:
        """What was done to this subject, the newest first."""
        match = {"subject": subject, "action": {"$in": [*actions]}, **following(NEWEST, after)}
        return await self.find(match, sort=NEWEST, limit=limit)
