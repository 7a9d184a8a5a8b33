"""The simulated phone at `/demo/phone`: deliveries are what it received, its replies are stored separately."""

from __future__ import annotations

import asyncio

from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.base import now
from bot.model.delivery import Delivery, DeliveryState, PhoneText
from bot.outbound.delivery_links import DeliveryLinks
from bot.outbound.gateways.base import LONGEST
from bot.store import Store
from bot.store.stops import KEYED


class DemoPhone:
    def __init__(self, store: Store, links: DeliveryLinks) -> None:
        self._store = store
        self._links = links

    async def texts(self, number: str, *, limit: int = 100) -> list[PhoneText]:
        """The newest texts, in order."""
        got, wrote = await asyncio.gather(
            self._store.deliveries.sent_to(number, limit=limit), self._store.phone_texts.of(number, limit=limit)
        )
        texts = [*(self._text(delivery) for delivery in got if _is_on_phone(delivery)), *reversed(wrote)]
        return sorted(texts, key=lambda text: text.at)[-limit:]

    async def numbers(self, *, limit: int = 20) -> list[str]:
        """The numbers with the newest texts, from the newest few hundred of them."""
        got, wrote = await asyncio.gather(
            self._store.deliveries.newest(limit=300), self._store.phone_texts.newest(limit=300)
        )
        texts = [(delivery.updated_at, delivery.number) for delivery in got if _is_on_phone(delivery)]
        texts += [(text.at, text.number) for text in wrote]
        return list(dict.fromkeys(number for _at, number in sorted(texts, reverse=True)))[:limit]

    async def reply(self, number: str, body: str, key: str) -> PhoneText:
        """A text from the simulated phone; stored once for each key. Raises Invalid."""
        if not body.strip():
            raise Invalid(_("Write a message first."))
        if len(body) > LONGEST:
            raise Invalid(_("This message is too long to send as a text. Shorten it."))
        text = PhoneText(id=f"reply:{key}", number=number, incoming=False, body=body.strip(), at=now(), key=key)
        await self._store.phone_texts.keep(text)
        return text

    def _text(self, delivery: Delivery) -> PhoneText:
        body = self._links.shown(delivery)
        return PhoneText(id=delivery.id, number=delivery.number, incoming=True, body=body, at=delivery.updated_at)


def _is_on_phone(delivery: Delivery) -> bool:
    """Not texts sent through a provider, which have provider ids, nor those to people who were erased since."""
    is_kept = not delivery.number.startswith(KEYED)
    return is_kept and delivery.state is DeliveryState.SENT and delivery.provider_id is None
