"""Posts notifications: those of one contact in order, at least once, with the same id in every attempt."""

from __future__ import annotations

import asyncio
import logging
import time as clock
from collections import Counter
from datetime import datetime, timedelta

import orjson

from bot.aio.waiting import either
from bot.errors import StoreUnavailable
from bot.fault_points import reach
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.teammate import By
from bot.model.webhook import (
    DisabledBy,
    NotificationState,
    WebhookAttempt,
    WebhookEndpoint,
    WebhookLane,
    WebhookNotification,
)
from bot.store import Store
from bot.webhooks.client import WebhookAnswer, WebhookClient, signed_headers
from bot.webhooks.items import envelope
from bot.webhooks.outbox import WebhookOutbox
from bot.webhooks.schedule import has_failed_for_long, next_try
from bot.workspace.audit import AuditLog

log = logging.getLogger("sayso.webhooks")

AT_ONCE = 8
"""Requests to one endpoint at the same time: a slow one holds up no other."""
TROUBLED = 5
"""After so many failures in a row, one request at a time, until one succeeds."""
BATCH = 20
LEASE = timedelta(seconds=15)
"""A claim is renewed before each request; another worker takes the lanes of a killed process after this time."""
POLL_SECONDS = 2.0
"""How often lanes are looked for that other processes woke, or whose retry is due."""
GONE = 410
OURSELVES = By("", "Sayso")


class WebhookSender:
    """Any number of senders can share the lanes. Without a client nothing is sent."""

    def __init__(self, store: Store, outbox: WebhookOutbox, app: str) -> None:
        self._store = store
        self._outbox = outbox
        self._app = app
        self._audit = AuditLog(store)
        self.client: WebhookClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._stop = asyncio.Event()

    async def work(self, stop: asyncio.Event) -> None:
        """Sends until stopped; requests that have begun are finished. Sleeps while there is no endpoint."""
        self._stop = stop
        try:
            while not stop.is_set():
                self._outbox.queued.clear()
                await self.send_some()
                await either(self._outbox.queued, stop, POLL_SECONDS if self._outbox.endpoints else None)
        finally:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def shown_body(self, notification: WebhookNotification) -> str:
        """The body of its last request, to be read by people."""
        last = notification.model_copy(update={"tries": max(0, notification.tries - 1)})
        return orjson.dumps(envelope(last, self._app), option=orjson.OPT_INDENT_2).decode()

    async def send_some(self) -> None:
        """Begins to send the notifications that are due, as many as there are free request slots."""
        if self.client:
            for endpoint in self._outbox.endpoints:
                await self._claim(endpoint, self.client)

    async def _claim(self, endpoint: WebhookEndpoint, client: WebhookClient) -> None:
        most = 1 if self._failures[endpoint.id] >= TROUBLED else AT_ONCE
        free = most - self._busy[endpoint.id]
        if free <= 0:
            return
        for lane in await self._store.webhook_lanes.claim(endpoint.id, limit=free, until=now() + LEASE):
            self._busy[endpoint.id] += 1
            task = asyncio.create_task(self._empty(lane, client))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _empty(self, lane: WebhookLane, client: WebhookClient) -> None:
        try:
            await self._send_all(lane, client)
        except StoreUnavailable:
            log.warning("the database is away: lane %s continues when its claim expires", lane.endpoint)
        except Exception:
            log.exception("notifications could not be sent", extra={"endpoint": lane.endpoint})
        finally:
            self._busy[lane.endpoint] -= 1
            self._outbox.queued.set()

    async def _send_all(self, lane: WebhookLane, client: WebhookClient) -> None:
        """Until one fails, or nothing is pending."""
        while pending := await self._store.webhook_notifications.pending_in(lane.id, limit=BATCH):
            for notification in pending:
                endpoint = next((one for one in self._outbox.endpoints if one.id == lane.endpoint), None)
                if endpoint is None or self._stop.is_set():  # disabled or removed meanwhile, or for the next process
                    await self._store.webhook_lanes.postpone(lane, now())
                    return
                if not await self._store.webhook_lanes.renew(lane, now() + LEASE):
                    return
                if waits_until := await self._send(endpoint, notification, client):
                    await self._store.webhook_lanes.postpone(lane, waits_until)
                    return
        await self._store.webhook_lanes.park(lane)

    async def _send(
        self, endpoint: WebhookEndpoint, notification: WebhookNotification, client: WebhookClient
    ) -> datetime | None:
        """One attempt. Returns when the next one is due, if it failed and there is one."""
        time, begun = now(), clock.monotonic()
        body = orjson.dumps(envelope(notification, self._app))
        headers = signed_headers(endpoint, notification.id, body, time)
        reach("before posting a webhook")
        answer = await client.post(endpoint.url, body, headers)
        reach("after posting a webhook")
        attempt = WebhookAttempt(
            at=time,
            url=endpoint.url,
            status=answer.status,
            error=answer.error,
            milliseconds=round((clock.monotonic() - begun) * 1000),
            answer=answer.body,
        )
        tries = notification.tries + 1
        due = None if answer.is_success else next_try(tries, answer.retry_after, now())
        state = NotificationState.PENDING if due else NotificationState.FAILED
        if answer.is_success:
            state = NotificationState.DELIVERED
        await self._store.webhook_notifications.attempted(notification.id, attempt, state)
        await self._judge(endpoint, answer)
        return due

    async def _judge(self, endpoint: WebhookEndpoint, answer: WebhookAnswer) -> None:
        """Notes whether the endpoint works, and disables one that is gone or has failed for long."""
        endpoints, time = self._store.webhook_endpoints, now()
        if answer.is_success:
            self._failures[endpoint.id] = 0
            if endpoint.failing_since:
                await endpoints.update({"_id": endpoint.id}, {"$unset": {"failing_since": ""}})
                await self._outbox.load()
            return
        self._failures[endpoint.id] += 1
        log.info("webhook failed: %s", answer.status or answer.error, extra={"endpoint": endpoint.id})
        if answer.status == GONE:
            await self._disable(endpoint, DisabledBy.GONE)
        elif has_failed_for_long(endpoint.failing_since, time):
            await self._disable(endpoint, DisabledBy.FAILING)
        elif endpoint.failing_since is None:
            missing = {"_id": endpoint.id, "failing_since": {"$exists": False}}
            await endpoints.update(missing, {"$set": {"failing_since": time}})
            await self._outbox.load()

    async def _disable(self, endpoint: WebhookEndpoint, by: DisabledBy) -> None:
        if await self._store.webhook_endpoints.disable(endpoint.id, by):
            log.error("webhook endpoint disabled: %s", by, extra={"endpoint": endpoint.id})
            await self._audit.record(OURSELVES, AuditAction.WEBHOOK_DISABLED, endpoint.url, detail=by)
        await self._outbox.load()
