"""API tokens: credentials of programs."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import timedelta

from bot.errors import TokenRefused
from bot.model.base import now
from bot.model.teammate import ApiToken, Teammate
from bot.store import Store
from bot.workspace.access import Principal, Scope


class Tokens:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def make(
        self, teammate: Teammate, name: str, *, days: int | None = None, scopes: Collection[Scope] | None = None
    ) -> str:
        """A new token, valid for `days` or until it is revoked. Shown once: only its hash is kept.

        `scopes`: what it may do; None: all that its teammate may.
        """
        token, time = secrets.token_urlsafe(32), now()
        await self._store.api_tokens.insert(
            ApiToken(
                id=hashed(token),
                name=name,
                teammate=teammate.id,
                scopes=None if scopes is None else tuple(sorted(scopes)),
                created_at=time,
                expires_at=time + timedelta(days=days) if days else None,
            )
        )
        return token

    async def principal(self, token: str, *, is_local: bool) -> Principal:
        """The principal of the token; the demo's token works only on this machine (`is_local`).

        Raises TokenRefused.
        """
        found = await self._store.api_tokens.get(hashed(token))
        if found is None or found.revoked_at or (found.expires_at and found.expires_at < now()):
            raise TokenRefused
        teammate = await self._store.teammates.get(found.teammate)
        if teammate is None or teammate.removed_at or (found.is_demo and not is_local):
            raise TokenRefused
        return Principal.with_token(teammate, found)


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
