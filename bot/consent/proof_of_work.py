"""Proof of work: a browser computes for a second or two before a form causes a text, once limits are near.

Nobody else is asked, and nothing is kept about the visitor: ALTCHA's protocol, solved by its worker in
`static/vendor/altcha`. A challenge is signed, expires and counts once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from altcha import Payload, create_challenge, verify_solution

from bot.model.base import now
from bot.store import Store
from bot.store.form_counters import CounterUse

ALGORITHM, COST = "PBKDF2/SHA-256", 5000
FEWEST, MOST = 100, 300
"""Keys that a browser derives until it has the right one: a known number, so that nobody has bad luck. 200 of them take
about a second on one core."""
VALID_FOR = timedelta(minutes=10)
IMPOSSIBLE = "impossible"
"""What a browser sends that can't compute it."""


class Proof(StrEnum):
    EXEMPT = "exempt"
    """The workspace asks for none, or the form can't."""
    MISSING = "missing"
    GIVEN = "given"
    IMPOSSIBLE = "impossible"


class ProofOfWork:
    """`cost`: PBKDF2 rounds a key; tests take fewer."""

    def __init__(self, store: Store, *, secret: str, cost: int = COST) -> None:
        self._counters = store.form_counters
        self._secret, self._key_secret = (f"{secret}:proof of work:{use}" for use in ("challenge", "key"))
        self.cost = cost

    async def challenge(self) -> str:
        """A new one, as JSON."""
        made = await asyncio.to_thread(
            create_challenge,
            ALGORITHM,
            self.cost,
            counter=FEWEST + secrets.randbelow(MOST - FEWEST),
            expires_at=now() + VALID_FOR,
            hmac_secret=self._secret,
            hmac_key_secret=self._key_secret,
        )
        return json.dumps(made.to_dict())

    async def judge(self, given: str | None) -> Proof:
        """Judges a form's solution; None: the form can't have one. A valid solution counts once."""
        if given is None:
            return Proof.EXEMPT
        if given == IMPOSSIBLE:
            return Proof.IMPOSSIBLE
        return Proof.GIVEN if given and await self._is_valid(given) else Proof.MISSING

    async def _is_valid(self, given: str) -> bool:
        if not verify_solution(given, self._secret, hmac_key_secret=self._key_secret).verified:
            return False
        challenge = Payload.from_base64(given).challenge
        expires_at = datetime.fromtimestamp(challenge.parameters.expires_at or 0, UTC)
        id = f"proof:{hashlib.sha256((challenge.signature or '').encode()).hexdigest()[:24]}"
        return not await self._counters.take([CounterUse(id, 1, 1, expires_at + timedelta(minutes=1))])
