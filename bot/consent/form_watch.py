"""Watches the texts that forms cause: blocks number prefixes of which hardly any number confirms, and warns before the
daily budget is used up."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from bot.consent.form_limits import FormLimits
from bot.consent.form_windows import DAY
from bot.model.base import now
from bot.model.form_limits import BlockedPrefix, Limit
from bot.model.workspace import Workspace
from bot.store import Store

log = logging.getLogger("sayso.consent")

EVERY = timedelta(minutes=1)
WATCHED = timedelta(hours=12)
BLOCKED_FOR = timedelta(hours=12)
SPARED_FOR = timedelta(seconds=DAY)
"""How long a prefix that a teammate unblocked isn't blocked again."""
TIME_TO_CONFIRM = timedelta(minutes=15)
"""Questions that were texted since don't count yet."""
LEAST_ASKED = 10
LEAST_CONFIRMED = 0.05
"""Of real people who entered their number, most confirm; of a pumped prefix, nobody does."""


class FormWatch:
    def __init__(self, store: Store, workspace: Callable[[], Awaitable[Workspace]], limits: FormLimits) -> None:
        self._store, self._workspace, self._limits = store, workspace, limits
        self._next: datetime | None = None
        self.used = 0
        """Texts of forms today, at most a minute old, like the rest."""
        self.budget = 0
        self.blocked = 0
        """Blocked prefixes."""
        self.is_alarmed = False
        """The budget is nearly used up, or all of it."""

    async def look(self) -> None:
        """At most once a minute."""
        if self._limits.network and (self._next is None or now() >= self._next):
            self._next = now() + EVERY
            await self.look_now()

    async def look_now(self) -> None:
        await self._block_pumped(now())
        limits = (await self._workspace()).abuse
        self.used, self.budget = await self._limits.used(Limit.BUDGET), limits.budget
        self.blocked = len(await self._limits.blocked())
        was_alarmed, self.is_alarmed = self.is_alarmed, self.used >= limits.budget * limits.alarm / 100
        if self.is_alarmed and not was_alarmed:
            log.warning("forms have caused %s of %s texts today", self.used, self.budget)

    async def _block_pumped(self, time: datetime) -> None:
        found = await self._store.deliveries.asked_and_confirmed(time - WATCHED, time - TIME_TO_CONFIRM)
        until = time + BLOCKED_FOR
        pumped = [
            BlockedPrefix(id=prefix, asked=n, confirmed=yes, blocked_at=time, until=until, expires_at=until)
            for prefix, (n, yes) in found.items()
            if n >= LEAST_ASKED and yes < n * LEAST_CONFIRMED
        ]
        added = await self._store.blocked_prefixes.insert_many(pumped)
        for prefix, is_new in zip(pumped, added, strict=True):
            if is_new:
                log.warning("a number prefix is blocked: %s of %s confirmed", prefix.confirmed, prefix.asked)
        if any(added):
            self._limits.blocked.cache_clear()
