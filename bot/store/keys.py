"""Secrets that a workspace made for itself."""

from __future__ import annotations

import secrets

from bot.errors import StoreUnavailable
from bot.model.workspace import Key
from bot.store.repository import Repository


class KeyRepository(Repository[Key]):
    """Secrets that a workspace made for itself."""

    name = "keys"
    model = Key

    async def of(self, id: str) -> str:
        """The key of this name, created by the first caller."""
        await self.keep(Key(id=id, value=secrets.token_urlsafe(48)))
        key = await self.get(id)
        if key is None:
            raise StoreUnavailable
        return key.value
