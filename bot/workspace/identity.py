"""The identity secrets of the workspace: two at most are valid at once, so that a site can change its secret without
signing anybody out."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta

from bot.errors import NotFound, TooManySecrets
from bot.model.audit import AuditAction
from bot.model.base import new_id, now
from bot.model.teammate import By
from bot.model.workspace import IdentitySecret
from bot.store import Store
from bot.workspace.audit import AuditLog

MOST = 2
USED_EVERY = timedelta(minutes=1)
"""The shortest interval between two writes of a use."""


class IdentitySecrets:
    """`changed` is called after each change."""

    def __init__(
        self, store: Store, spawn: Callable[[Coroutine[object, object, None]], None], changed: Callable[[], None]
    ) -> None:
        self._workspaces = store.workspaces
        self._audit = AuditLog(store)
        self._spawn = spawn
        self._changed = changed
        self._used: dict[str, datetime] = {}

    async def create(self, by: By, id: str) -> IdentitySecret | None:
        """Creates a secret, valid at once. None: it exists already and isn't shown again. Raises TooManySecrets."""
        new = IdentitySecret(id=id, secret=secrets.token_urlsafe(32), created_at=now(), created_by=by.name)
        if await self._workspaces.add_secret(new, most=MOST):
            self._changed()
            await self._audit.record(by, AuditAction.SECRET_CREATED, id, key=id)
            return new
        stored = await self._workspaces.get("workspace")
        if stored and any(secret.id == id for secret in stored.identity_secrets):
            return None
        raise TooManySecrets

    async def revoke(self, id: str, by: By) -> None:
        """Its signatures are no longer valid. Raises NotFound."""
        if not await self._workspaces.remove_secret(id):
            raise NotFound
        self._changed()
        await self._audit.record(by, AuditAction.SECRET_REVOKED, id, key=id)

    def used(self, id: str) -> None:
        """Notes that it verified a visitor."""
        time = now()
        if id in self._used and time - self._used[id] < USED_EVERY:
            return
        self._used[id] = time
        self._spawn(self._workspaces.secret_used(id, time))


async def adopt_identity_secret(store: Store) -> None:
    """The only secret of a workspace that version 0.1 made becomes the first of its list."""
    workspace = await store.workspaces.get("workspace")
    if workspace and workspace.identity_secret:
        first = IdentitySecret(id=new_id(), secret=workspace.identity_secret, created_at=now())
        await store.workspaces.adopt_secret(first)
