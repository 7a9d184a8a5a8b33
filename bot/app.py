"""A process's Sayso: its services (see `bot.composition`) and the work behind its requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial

from bot.aio.background import every
from bot.chat.visitors import Claim
from bot.composition.work import WorkArea
from bot.config import Settings
from bot.errors import StoreUnavailable
from bot.flows.messenger import Opened
from bot.model.base import now
from bot.model.workspace import Workspace
from bot.store import Store
from bot.workspace.identity import adopt_identity_secret

STALLED = timedelta(seconds=10)
"""When work that another process should have done is overdue."""


class Bot(WorkArea):
    """One process's Sayso. The faces call its parts; only what needs several of them is here."""

    async def open_messenger(self, token: str | None, claim: Claim, wanted: str | None) -> Opened:
        opened = await self.messenger.open(token, claim, wanted)
        if opened.contact.is_stored:
            self.spawn(self.contacts.seen(opened.contact, page=claim.page, time_zone=claim.time_zone))
        return opened

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The work behind the requests: live feed, texts, recovery, jobs."""
        await self.feed.start()
        await self.outbox.load()
        periodic = every(STALLED.total_seconds(), self._periodic_work())
        try:
            async with self.background.running(
                self.sender.work,
                self.catch_up.work,
                self.segments_watched.work,
                self.checkpoints.work,
                periodic,
                self.jobs.work,
                partial(self.outbox.follow, self.feed),
                self.webhook_source.work,
                self.webhook_sender.work,
            ):
                yield
            with suppress(StoreUnavailable):
                await self.runs.counters.flush()
        finally:
            await self.gateway.close()

    def _periodic_work(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            *([self.mirror.push] if self.mirror else []),
            lambda: self.messages.handle_overdue(now() - STALLED),
            lambda: self.confirmations.lapse(now()),
            lambda: self.inbox.wake(now()),
            self.form_watch.look,
            self.taps.keep,
            lambda: self.runs.time_came(now()),
            lambda: self.runs.finish_left(now()),
            self.runs.counters.flush,
            self.flow_figures.outcomes.count,
            self.outbound.start_overdue,
            lambda: self.jobs.forget_failed(now()),
            lambda: self.chat_delivery.forget_visitors(now()),
        ]


async def make_bot(settings: Settings, store: Store, public_url: str) -> Bot:
    """Without a key of its own in the settings, a workspace signs with the one that was made at its first start."""
    await store.workspaces.keep(Workspace(name="Your business"))
    await adopt_identity_secret(store)
    secret = settings.secret_key.get_secret_value() if settings.secret_key else await store.keys.of("visitors")
    return Bot(settings, store, secret, public_url)
