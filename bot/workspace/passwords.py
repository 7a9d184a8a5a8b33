"""Passwords are kept as argon2id hashes (RFC 9106), made in threads, a few at once: each takes 64 MB for a while."""

from __future__ import annotations

import asyncio
import os
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.errors import PasswordTooShort

LEAST = 10
"""Characters. Longer beats stranger: NIST SP 800-63B asks for length and for no rules of composition."""
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
        """Without a hash (nobody has this email) it takes as long, and is wrong."""
        if hash is None:
            self._nobodys = self._nobodys or await self.hash(secrets.token_urlsafe())
        async with self._slots:
            is_right = await asyncio.to_thread(self._verify, hash or self._nobodys or "", password)
        return is_right and hash is not None

    def is_old(self, hash: str) -> bool:
        """Made with other parameters than a new one would be."""
        return self._hasher.check_needs_rehash(hash)

    def _verify(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except (VerificationError, InvalidHashError):
            return False
