"""Our own links in texts: to the preference center, and the short ones that count clicks."""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from datetime import timedelta
from itertools import count

from bot.consent.preference_links import token_hash
from bot.model.delivery import Delivery, DeliveryLink, ShortLink
from bot.outbound.kinds import KINDS

DOTS = "•" * 8
MASKED, MASKED_SHORT = f"/p/{DOTS}", f"/l/{DOTS}"
"""Replace the links in the stored body."""
SAMPLE_SHORT = "/l/k3J9xQ2mVt8Lw4"
"""As long as a real one."""
_SHORT_BYTES = 10


class DeliveryLinks:
    """A link's token is derived from its delivery's id with the workspace's key. It is stored nowhere, and a text that
    is sent again has the same one."""

    def __init__(self, secret: str, public_url: str, *, days: int) -> None:
        self._keyed = hmac.new(secret.encode(), digestmod="sha256")
        """Copied for each token: OpenSSL takes 10 µs to prepare a key."""
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

    def short_urls(self, delivery: Delivery, number: int) -> list[str]:
        """For the first links of its text."""
        return [f"{self._public_url}/l/{self._short_token(delivery.id, place)}" for place in range(number)]

    def short_links(self, delivery: Delivery, links: Sequence[str]) -> list[ShortLink]:
        """What is stored about them."""
        tokens = (self._short_token(delivery.id, place) for place in count())
        return [ShortLink(hash=token_hash(token), url=url) for token, url in zip(tokens, links, strict=False)]

    def masked(self, body: str, url: str, short: Sequence[str] = ()) -> str:
        """The text as it is stored."""
        for one in short:
            body = body.replace(one, f"{self._public_url}{MASKED_SHORT}", 1)
        return body.replace(url, f"{self._public_url}{MASKED}") if url else body

    def shown(self, delivery: Delivery) -> str:
        """The text as the phone received it."""
        body = delivery.body or ""
        for url in self.short_urls(delivery, len(delivery.short_links or ())):
            body = body.replace(f"{self._public_url}{MASKED_SHORT}", url, 1)
        return body.replace(MASKED, f"/p/{self._token(delivery.id)}") if delivery.link else body

    def _token(self, delivery: str) -> str:
        return self._derived(f"preference-link:{delivery}", 16)

    def _short_token(self, delivery: str, place: int) -> str:
        return self._derived(f"short-link:{place}:{delivery}", _SHORT_BYTES)

    def _derived(self, name: str, length: int) -> str:
        keyed = self._keyed.copy()
        keyed.update(name.encode())
        return urlsafe_b64encode(keyed.digest()[:length]).rstrip(b"=").decode()


def unlinked(body: str) -> str:
    """A stored text with its masked links as plain text, since they would open nothing."""
    return re.sub(rf"https?://\S*?(/[pl]/{DOTS})", r"…\1", body)
