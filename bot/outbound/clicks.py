"""Short links: where each leads, and whether it was opened. A click changes nothing else (law 10)."""

from __future__ import annotations

import logging

from bot.consent.preference_links import token_hash
from bot.errors import NotFound, StoreUnavailable
from bot.model.base import now
from bot.outbound.short_links import may_open
from bot.store import Store

log = logging.getLogger("sayso.outbound")


class Clicks:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(self, token: str, *, counts: bool) -> str:
        """The address that a short link leads to. `counts`: a person opened it; counted once a person and message.

        Raises NotFound for a token that is unknown or expired.
        """
        hash = token_hash(token)
        delivery = await self._store.deliveries.with_short_link(hash)
        if delivery is None or delivery.link is None or delivery.link.expires_at < now():
            raise NotFound
        url = next(link.url for link in delivery.short_links or () if link.hash == hash)
        if not may_open(url):
            raise NotFound
        if counts and delivery.clicked_at is None:
            try:
                await self._store.deliveries.note_first([(delivery.id, "clicked_at", now())])
            except StoreUnavailable:  # the person gets to the page all the same
                log.warning("a click was not counted", extra={"delivery": delivery.id})
        return url
