"""Security of the workspace: the rule about second factors, and ending sessions."""

from __future__ import annotations

from collections.abc import Callable

from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.teammate import By, Session, Teammate
from bot.store import Store
from bot.workspace.audit import AuditLog


class SecurityService:
    """`changed` is called after the workspace has changed."""

    def __init__(self, store: Store, *, changed: Callable[[], None]) -> None:
        self._store, self._changed = store, changed
        self._audit = AuditLog(store)

    async def require_second_factor(self, is_on: bool, by: By) -> None:
        await self._store.workspaces.change({"require_second_factor": is_on})
        self._changed()
        detail = f"require_second_factor: {'on' if is_on else 'off'}"
        await self._audit.record(by, AuditAction.SECURITY_SAVED, detail=detail)

    async def end_session(self, session: Session, owner: Teammate, by: By) -> None:
        await self._store.sessions.end(session.id, now())
        await self._audit.record(by, AuditAction.SESSION_REVOKED, owner.email)

    async def end_other_sessions(self, owner: Teammate, kept: str, by: By) -> None:
        await self._store.sessions.end_others(owner.id, kept, now())
        await self._audit.record(by, AuditAction.SESSION_REVOKED, owner.email)
