"""Requests with an `Idempotency-Key`: however often one is sent, it is done once and answered the same (law 4)."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.errors import KeyReused
from bot.model.api_request import ApiRequest
from bot.model.base import new_id, now
from bot.store import Duplicate, Store

CLAIMED_FOR = timedelta(seconds=20)
"""How long a request may take: longer than the time limit of requests."""
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Done:
    """What was answered to a request, and whose data it contains."""

    status: int
    body: str
    contacts: tuple[str, ...] = ()
    is_replayed: bool = False


@dataclass(frozen=True, slots=True)
class RequestKey:
    """`key` is unique for its token; `request` is all that the request says."""

    token: str
    key: str
    request: bytes

    @property
    def id(self) -> str:
        return hashlib.sha256(f"{self.token}\n{self.key}".encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.request).hexdigest()

    @property
    def work_key(self) -> str:
        """The idempotency key of what the request records."""
        return hashlib.sha256(f"{self.id}\n{self.fingerprint}".encode()).hexdigest()[:32]


class Idempotency:
    def __init__(self, store: Store) -> None:
        self._requests = store.api_requests

    async def once(self, key: RequestKey, work: Callable[[], Awaitable[Done]]) -> Done:
        """Does the work, or returns what it answered before. If it raises, nothing is kept and the request can be sent
        again. Raises KeyReused."""
        claim = new_id()
        while not await self._claimed(key, claim):
            found = await self._requests.get(key.id)
            if found is None:
                continue
            if found.request != key.fingerprint:
                raise KeyReused
            if found.answer is not None:
                return Done(found.status, found.answer, found.contacts, is_replayed=True)
            if found.claimed_until < now() and await self._requests.take_over(found, claim, now() + CLAIMED_FOR):
                break
            await asyncio.sleep(POLL_SECONDS)
        return await self._work(key.id, claim, work)

    async def _claimed(self, key: RequestKey, claim: str) -> bool:
        time = now()
        request = ApiRequest(id=key.id, request=key.fingerprint, claim=claim, claimed_until=time + CLAIMED_FOR, at=time)
        try:
            await self._requests.insert(request)
        except Duplicate:
            return False
        return True

    async def _work(self, id: str, claim: str, work: Callable[[], Awaitable[Done]]) -> Done:
        mine = {"_id": id, "claim": claim}
        try:
            done = await work()
        except BaseException:
            await self._requests.update(mine, {"$set": {"claimed_until": now() - CLAIMED_FOR}})
            raise
        answer = {"answer": done.body, "status": done.status, "contacts": done.contacts}
        await self._requests.update(mine, {"$set": answer})
        return done
