"""API tokens: credentials of programs."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Coroutine
from datetime import timedelta
from typing import Any

from bot.errors import NotFound, TokenRefused
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.teammate import ApiToken, By, Teammate
from bot.store import Store
from bot.workspace.access import Principal, Scope
from bot.workspace.audit import AuditLog

PREFIX = "sayso_"
"""So that scanners of leaked secrets recognize a token."""
MOST_SHOWN = 500
SEEN = timedelta(minutes=1)
"""How often the last use is written at most."""


class Tokens:
    def __init__(self, store: Store, spawn: Callable[[Coroutine[Any, Any, None]], object] | None = None) -> None:
        """`spawn` runs a write that nobody waits for; without it, the last use is not kept."""
        self._store, self._spawn = store, spawn
        self._audit = AuditLog(store)

    async def all(self) -> list[ApiToken]:
        """The newest first, revoked and expired ones included."""
        return await self._store.api_tokens.newest(limit=MOST_SHOWN)

    async def revoke(self, id: str, by: By) -> ApiToken:
        """Raises NotFound."""
        found = await self._store.api_tokens.get(id)
        if found is None:
            raise NotFound
        if not found.revoked_at:
            await self._store.api_tokens.update({"_id": id}, {"$set": {"revoked_at": now()}})
            await self._audit.record(by, AuditAction.TOKEN_REVOKED, found.name, key=id)
        return found

    async def make(
        self,
        teammate: Teammate,
        name: str,
        *,
        days: int | None = None,
        scopes: Collection[Scope] | None = None,
        by: By | None = None,
    ) -> str:
        """A new token, valid for `days` or until it is revoked. Shown once: only its hash is kept.

        `scopes`: what it may do; None: all that its teammate may.
        """
        token, time = PREFIX + secrets.token_urlsafe(32), now()
        await self._store.api_tokens.insert(
            ApiToken(
                id=hashed(token),
                name=name,
                teammate=teammate.id,
                scopes=None if scopes is None else tuple(sorted(scopes)),
                ending=token[-4:],
                created_at=time,
                expires_at=time + timedelta(days=days) if days else None,
            )
        )
        by = by or By(teammate.id, teammate.name)
        await self._audit.record(by, AuditAction.TOKEN_CREATED, name, detail=", ".join(sorted(scopes or ())))
        return token

    async def principal(self, token: str, *, is_local: bool) -> Principal:
        """The principal of the token; the demo's token works only on this machine (`is_local`). A token that another
        process revoked, or whose teammate it removed, works for a second more at most.

        Raises TokenRefused.
        """
        found = await self._store.api_tokens.recent(hashed(token))
        if found is None or found.revoked_at or (found.expires_at and found.expires_at < now()):
            raise TokenRefused
        teammate = await self._store.teammates.recent(found.teammate)
        if teammate is None or teammate.removed_at or (found.is_demo and not is_local):
            raise TokenRefused
        if self._spawn and (found.last_used_at is None or found.last_used_at < now() - SEEN):
            self._spawn(self._store.api_tokens.update({"_id": found.id}, {"$set": {"last_used_at": now()}}))
        return Principal.with_token(teammate, found)


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
