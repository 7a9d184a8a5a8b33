"""Posting one notification: its headers and signatures, and what came back."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from standardwebhooks import Webhook

from bot.model.webhook import WebhookEndpoint

AGENT = "Sayso-Webhooks/1.0"
SECONDS = 10.0
"""How long an endpoint has to answer."""
MOST_ANSWER = 2048
"""Bytes of an answer that are read and kept."""

TIMED_OUT = "timed_out"
UNREACHABLE = "unreachable"
PRIVATE = "private_address"
BAD_CERTIFICATE = "certificate"
BROKEN = "broken_answer"


@dataclass(frozen=True, slots=True)
class WebhookAnswer:
    """`status` None: no answer came, `error` says why."""

    status: int | None = None
    body: str = ""
    error: str = ""
    retry_after: float | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class WebhookClient(Protocol):
    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> WebhookAnswer:
        """Follows no redirect, and connects to no address that isn't allowed. Raises nothing but a cancellation."""


def signed_headers(endpoint: WebhookEndpoint, id: str, body: bytes, time: datetime) -> dict[str, str]:
    """Signed as Standard Webhooks with every secret, and as Intercom with the oldest: whoever checks that one signature
    can change to a new secret before the old one is revoked."""
    keys = [secret.secret for secret in endpoint.secrets]
    signatures = [Webhook(key).sign(id, time, body.decode()) for key in reversed(keys)]
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": AGENT,
        "webhook-id": id,
        "webhook-timestamp": str(int(time.timestamp())),
        "webhook-signature": " ".join(signatures),
        "X-Hub-Signature": "sha1=" + hmac.new(keys[0].encode(), body, hashlib.sha1).hexdigest(),
    }
