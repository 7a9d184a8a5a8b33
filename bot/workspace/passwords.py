"""Passwords are stored as argon2id hashes (RFC 9106), computed in a few threads: each takes 64 MB meanwhile."""

from __future__ import annotations

import asyncio
import os
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.errors import PasswordTooShort

LEAST = 10
"""Characters. NIST SP 800-63B asks for length instead of composition rules."""
AT_ONCE = max(1, min(4, os.cpu_count() or 1))


def checked(password: str) -> str:
    """Raises PasswordTooShort."""
    if len(password) < LEAST:
        raise PasswordTooShort(least=str(LEAST))
    return password


class Passwords:
    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def is_right(self, hash: str | None, password: str) -> bool:
        """Without a hash (unknown email) it takes as long, and returns False."""
        if hash is None:
            self._nobodys = self._nobodys or await self.hash(secrets.token_urlsafe())
        async with self._slots:
            is_right = await asyncio.to_thread(self._verify, hash or self._nobodys or "", password)
        return is_right and hash is not None

    def is_old(self, hash: str) -> bool:
        """Whether it was made with other parameters than a new one."""
        return self._hasher.check_needs_rehash(hash)

    def _verify(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except (VerificationError, InvalidHashError):
            return False
