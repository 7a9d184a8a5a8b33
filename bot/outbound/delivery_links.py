"""Preference center links in texts."""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from datetime import timedelta

from bot.consent.preference_links import token_hash
from bot.model.delivery import Delivery, DeliveryLink
from bot.outbound.kinds import KINDS

MASKED = f"/p/{'•' * 8}"
"""Replaces the link in the stored body."""


class DeliveryLinks:
    """A link's token is derived from its delivery's id with the workspace's key. It is stored nowhere, and a text that
    is sent again has the same one."""

    def __init__(self, secret: str, public_url: str, *, days: int) -> None:
        self._secret = secret.encode()
        self._public_url = public_url
        self._lasts = timedelta(days=days)

    def added(self, delivery: Delivery) -> Delivery:
        """The delivery with its link, if it is of a kind that carries one."""
        if delivery.link or not KINDS[delivery.kind].has_link(delivery):
            return delivery
        expires_at = delivery.created_at + self._lasts
        link = DeliveryLink(hash=token_hash(self._token(delivery.id)), expires_at=expires_at)
        return delivery.model_copy(update={"link": link})

    def url(self, delivery: Delivery) -> str:
        return f"{self._public_url}/p/{self._token(delivery.id)}" if delivery.link else ""

    def masked(self, body: str, url: str) -> str:
        """The text as it is stored."""
        return body.replace(url, f"{self._public_url}{MASKED}") if url else body

    def shown(self, delivery: Delivery) -> str:
        """The text as the phone received it."""
        body = delivery.body or ""
        return body.replace(MASKED, f"/p/{self._token(delivery.id)}") if delivery.link else body

    def _token(self, delivery: str) -> str:
        secret = hmac.digest(self._secret, f"preference-link:{delivery}".encode(), "sha256")[:16]
        return urlsafe_b64encode(secret).rstrip(b"=").decode()
