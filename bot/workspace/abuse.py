"""What admins do about the texts that forms cause: set the limits, and unblock a number prefix."""

from __future__ import annotations

from collections.abc import Callable

from bot.consent.form_limits import FormLimits
from bot.consent.form_watch import SPARED_FOR
from bot.errors import NotFound
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.form_limits import AbuseLimits
from bot.model.teammate import By
from bot.store import Store
from bot.workspace.audit import AuditLog


class AbuseProtection:
    """`changed` is called after the workspace has changed."""

    def __init__(self, store: Store, limits: FormLimits, *, changed: Callable[[], None]) -> None:
        self._store, self._limits, self._changed = store, limits, changed
        self._audit = AuditLog(store)

    async def save(self, limits: AbuseLimits, by: By) -> None:
        await self._store.workspaces.change({"abuse": limits.model_dump()})
        self._changed()
        await self._audit.record(by, AuditAction.ABUSE_LIMITS_SAVED)

    async def unblock(self, prefix: str, by: By) -> None:
        """Other processes notice within seconds. Raises NotFound."""
        time = now()
        if not await self._store.blocked_prefixes.unblock(prefix, time, spared_until=time + SPARED_FOR):
            raise NotFound
        self._limits.blocked.cache_clear()
        await self._audit.record(by, AuditAction.PREFIX_UNBLOCKED, f"{prefix[1:]}…")
