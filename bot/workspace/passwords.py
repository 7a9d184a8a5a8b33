"""Passwords are stored as argon2id hashes (RFC 9106), computed in a few threads: each takes 64 MB meanwhile."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from zxcvbn import zxcvbn

from bot.errors import PasswordGuessable, PasswordTooShort, TooManyTries

LEAST = 10
"""Characters. NIST SP 800-63B asks for length and a list of common passwords instead of composition rules."""
MOST_RATED = 72
"""Characters that are looked at: a password this long isn't guessed by its beginning."""
LEAST_SCORE = 3
"""Of zxcvbn: more than 10^8 guesses."""
AT_ONCE = max(1, min(4, os.cpu_count() or 1))
MOST_WAITING = 4
"""Limit of queued sign-ins of one network or known device. More are refused before anything is hashed."""


def checked(password: str, *known: str) -> str:
    """Raises PasswordTooShort and PasswordGuessable. `known`: what an attacker knows, like the email."""
    if len(password) < LEAST:
        raise PasswordTooShort(least=str(LEAST))
    words = [word for text in known for word in (text, *text.replace("@", " ").split())]
    if zxcvbn(password[:MOST_RATED], user_inputs=words)["score"] < LEAST_SCORE:
        raise PasswordGuessable
    return password


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0
    """Callers, including the current one."""


class Passwords:
    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._of_known = asyncio.Semaphore(1)
        self._turns: dict[str, _Turn] = {}
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def is_right(self, hash: str | None, password: str, *, is_known_device: bool = False) -> bool:
        """Without a hash (an unknown email) it takes as long and is wrong.

        A device that signed in before has a slot that strangers can't fill.
        """
        if hash is None:
            self._nobodys = self._nobodys or await self.hash(secrets.token_urlsafe())
        async with self._of_known if is_known_device else self._slots:
            is_right = await asyncio.to_thread(self._verify, hash or self._nobodys or "", password)
        return is_right and hash is not None

    @asynccontextmanager
    async def turn(self, who: str) -> AsyncIterator[None]:
        """One sign-in at a time per network (or known device), so that many from one place delay nobody elsewhere.
        Raises TooManyTries if too many of `who` are queued."""
        turn = self._turns.setdefault(who, _Turn())
        if turn.waiting > MOST_WAITING:
            raise TooManyTries(5)
        turn.waiting += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.waiting -= 1
            if not turn.waiting:
                del self._turns[who]

    def is_old(self, hash: str) -> bool:
        """Whether it was made with other parameters than a new one."""
        return self._hasher.check_needs_rehash(hash)

    def _verify(self, hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(hash, password)
        except (VerificationError, InvalidHashError):
            return False
