"""What teammates do with webhooks: endpoints, secrets, tests, replays."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Sequence
from typing import NamedTuple

from bot.errors import FormWrong, NotFound, TooManySecrets
from bot.errors import marked as _
from bot.model.audit import AuditAction
from bot.model.base import new_id, now
from bot.model.paging import Cursor, Page
from bot.model.teammate import By
from bot.model.webhook import (
    DisabledBy,
    NotificationState,
    Topic,
    WebhookEndpoint,
    WebhookNotification,
    WebhookSecret,
)
from bot.store import Store
from bot.store.webhooks import MOST_ENDPOINTS, ReplayPeriod
from bot.webhooks.addresses import Network, url_fault
from bot.webhooks.items import PING
from bot.webhooks.occurrences import Occurrence, place_in_time
from bot.webhooks.outbox import WebhookOutbox
from bot.workspace.audit import AuditLog

MOST_SECRETS = 2
MOST_REPLAYED = 10_000
"""Notifications that one replay of a period takes, the newest first."""
BATCH = 500


class AddedEndpoint(NamedTuple):
    """`secret`: of a new one, to be shown once. None: it had been added before."""

    endpoint: WebhookEndpoint
    secret: WebhookSecret | None


class WebhookEndpoints:
    """`networks`: private ones that notifications may be sent to."""

    def __init__(self, store: Store, outbox: WebhookOutbox, networks: tuple[Network, ...]) -> None:
        self._store, self._outbox, self._networks = store, outbox, networks
        self._audit = AuditLog(store)

    async def all(self) -> list[WebhookEndpoint]:
        """The oldest first, disabled ones included."""
        return await self._store.webhook_endpoints.present()

    async def get(self, id: str) -> WebhookEndpoint:
        """Raises NotFound."""
        found = await self._store.webhook_endpoints.get(id)
        if found is None or found.removed_at:
            raise NotFound
        return found

    async def add(self, url: str, name: str, topics: Sequence[Topic], by: By, *, id: str = "") -> AddedEndpoint:
        """Enabled at once. The same `id` again adds nothing. Raises FormWrong."""
        self._check(url, topics)
        if len(await self.all()) >= MOST_ENDPOINTS:
            raise FormWrong({"url": _("Remove an endpoint before you add another.")})
        time = now()
        new = WebhookEndpoint(
            id=id or new_id(),
            url=url,
            name=name,
            topics=tuple(topics),
            secrets=(_new_secret(by, new_id()),),
            active_since=time,
            created_at=time,
        )
        is_new = (await self._store.webhook_endpoints.insert_many([new]))[0]
        await self._done(by, AuditAction.WEBHOOK_ADDED, new, key=new.id)
        return AddedEndpoint(await self.get(new.id), new.secrets[0] if is_new else None)

    async def change(self, id: str, url: str, name: str, topics: Sequence[Topic], by: By) -> None:
        """A topic that it didn't have starts now. Raises NotFound and FormWrong."""
        endpoint = await self.get(id)
        self._check(url, topics)
        values = {"url": url, "name": name, "topics": [*topics]}
        starts = {topic: endpoint.starts(topic) if topic in endpoint.topics else now() for topic in topics}
        await self._store.webhook_endpoints.update({"_id": id}, {"$set": {**values, "topic_starts": starts}})
        changed = [key for key, value in values.items() if value != endpoint.model_dump(mode="json")[key]]
        if changed:
            await self._done(by, AuditAction.WEBHOOK_CHANGED, endpoint, ", ".join(changed))

    async def enable(self, id: str, by: By) -> None:
        """What was pending is sent; what happened meanwhile is not."""
        endpoint = await self.get(id)
        if endpoint.disabled_at:
            gone = {"disabled_at": "", "disabled_by": "", "failing_since": ""}
            await self._store.webhook_endpoints.update({"_id": id}, {"$set": {"active_since": now()}, "$unset": gone})
            await self._done(by, AuditAction.WEBHOOK_ENABLED, endpoint)

    async def disable(self, id: str, by: By) -> None:
        endpoint = await self.get(id)
        if await self._store.webhook_endpoints.disable(id, DisabledBy.TEAMMATE):
            await self._done(by, AuditAction.WEBHOOK_DISABLED, endpoint)

    async def remove(self, id: str, by: By) -> None:
        """Nothing more is sent to it."""
        endpoint = await self.get(id)
        await self._store.webhook_endpoints.update({"_id": id}, {"$set": {"removed_at": now()}})
        await self._done(by, AuditAction.WEBHOOK_REMOVED, endpoint)

    async def add_secret(self, id: str, by: By, *, key: str) -> None:
        """Both sign from now on; the same `key` again adds none. Raises TooManySecrets."""
        endpoint = await self.get(id)
        if any(secret.id == key for secret in endpoint.secrets):
            return
        if not await self._store.webhook_endpoints.add_secret(id, _new_secret(by, key), most=MOST_SECRETS):
            raise TooManySecrets
        await self._done(by, AuditAction.WEBHOOK_SECRET_CREATED, endpoint)

    async def revoke_secret(self, id: str, secret: str, by: By) -> None:
        """Raises NotFound, also for the only one."""
        endpoint = await self.get(id)
        if not await self._store.webhook_endpoints.remove_secret(id, secret):
            raise NotFound
        await self._done(by, AuditAction.WEBHOOK_SECRET_REVOKED, endpoint)

    # --- notifications

    async def ping(self, id: str, by: By, key: str) -> str:
        """Queues a notification without content. Returns its id."""
        endpoint, time = await self.get(id), now()
        occurrence = Occurrence(Topic.PING, f"ping:{key}", "", PING, time, place_in_time(time, 0))
        ping = occurrence.notification(endpoint, time)
        await self._outbox.queue([ping])
        return ping.id

    async def notifications(
        self, id: str, state: NotificationState | None, cursor: Cursor | None, *, limit: int = 50
    ) -> Page[WebhookNotification]:
        """The newest first."""
        found = await self._store.webhook_notifications.newest(id, state, cursor, limit=limit + 1)
        return Page.cut(found, limit, lambda one: (one.created_at, one.id))

    async def notification(self, endpoint: str, id: str) -> WebhookNotification:
        """Raises NotFound."""
        found = await self._store.webhook_notifications.get(id)
        if found is None or found.endpoint != endpoint:
            raise NotFound
        return found

    async def replay(self, endpoint: str, id: str, by: By) -> None:
        """Sends a notification again, with the same id."""
        of, found = await self.get(endpoint), await self.notification(endpoint, id)
        await self._replay([found])
        await self._audit.record(by, AuditAction.WEBHOOK_REPLAYED, of.url, detail=id)

    async def replay_period(self, endpoint: str, period: ReplayPeriod, by: By) -> int:
        """Sends what was queued in this period again, MOST_REPLAYED at most. Returns how many."""
        of, cursor, count = await self.get(endpoint), None, 0
        while count < MOST_REPLAYED:
            found = await self._store.webhook_notifications.of_period(of.id, period, cursor, limit=BATCH)
            await self._replay(found)
            count += len(found)
            if len(found) < BATCH:
                break
            cursor = Cursor((found[-1].created_at, found[-1].id))
        if count:
            await self._audit.record(by, AuditAction.WEBHOOK_REPLAYED, of.url, detail=str(count))
        return count

    async def _replay(self, found: Sequence[WebhookNotification]) -> None:
        if found:
            await self._store.webhook_notifications.replay([one.id for one in found])
            await self._outbox.wake(found, is_urgent=True)

    def _check(self, url: str, topics: Sequence[Topic]) -> None:
        faults = {"url": url_fault(url, self._networks), "topics": "" if topics else _("Choose at least one topic.")}
        if wrong := {name: fault for name, fault in faults.items() if fault}:
            raise FormWrong(wrong)

    async def _done(
        self, by: By, action: AuditAction, endpoint: WebhookEndpoint, detail: str = "", *, key: str = ""
    ) -> None:
        await self._outbox.load()
        await self._audit.record(by, action, endpoint.url, detail=detail, key=key)


def _new_secret(by: By, id: str) -> WebhookSecret:
    key = "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    return WebhookSecret(id=id, secret=key, created_at=now(), created_by=by.name)
