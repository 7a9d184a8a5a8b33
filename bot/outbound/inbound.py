"""Incoming texts: keywords take effect before anyone is told so."""

from __future__ import annotations

from bot.consent.confirmations import Confirmations
from bot.consent.keywords import Keyword, keyword
from bot.consent.stop_list import StopList
from bot.model.contact import Contact
from bot.outbound.queue import DeliveryQueue
from bot.outbound.texting import Texting
from bot.store import Store


class Inbound:
    def __init__(
        self, store: Store, stops: StopList, confirmations: Confirmations, deliveries: DeliveryQueue, texting: Texting
    ) -> None:
        self._store = store
        self._stops = stops
        self._confirmations = confirmations
        self._deliveries = deliveries
        self._texting = texting

    async def receive(self, number: str, text: str, text_id: str) -> None:
        """Handles a text from this number (E.164). The same text (by id) has no further effect.

        Texts without a keyword, and a YES without a question, become messages to teammates.

        Durable when it returns. Raises StoreUnavailable: safe to retry.
        """
        asked = keyword(text)
        event = await self._confirmations.confirm(number, text) if asked is Keyword.YES else None
        await self._obey(asked, number, text, text_id)
        if asked is None or (asked is Keyword.YES and event is None):
            await self._texting.hear(number, text, text_id)
        else:
            await self._texting.note(number, text, text_id)

    async def _obey(self, asked: Keyword | None, number: str, text: str, text_id: str) -> None:
        match asked:
            case Keyword.STOP:
                if await self._stops.stop(number, text, text_id):
                    await self._answer(number, "stopped", text_id)
            case Keyword.START:
                await self._stops.lift(number)
                await self._answer(number, "started", text_id)
            case Keyword.HELP:
                await self._answer(number, "help", text_id)

    async def _answer(self, number: str, answer: str, text_id: str) -> None:
        await self._deliveries.reply(number, answer, await self._whose(number), text_id)

    async def _whose(self, number: str) -> Contact | None:
        """A contact with this number, for the language and the preference link."""
        found = await self._store.contacts.with_number(number, after="", limit=1)
        return found[0] if found else None
