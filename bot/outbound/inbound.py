"""Texts that come in: what their one word asks for is done before anyone is told so."""

from __future__ import annotations

from bot.consent.confirmations import Confirmations
from bot.consent.keywords import Keyword, keyword
from bot.consent.stops import Stops
from bot.model.contact import Contact
from bot.model.event import ConsentEvent
from bot.outbound.deliveries import Deliveries
from bot.store import Store


class Inbound:
    def __init__(self, store: Store, stops: Stops, confirmations: Confirmations, deliveries: Deliveries) -> None:
        self._store = store
        self._stops = stops
        self._confirmations = confirmations
        self._deliveries = deliveries

    async def receive(self, number: str, text: str, text_id: str) -> ConsentEvent | None:
        """Acts on a text of this number (E.164). The same text again (by its id) does nothing twice.

        Answers the event of a confirmed opt-in, for what follows from it. Raises StoreUnavailable: safe to ask again.
        """
        match keyword(text):
            case Keyword.STOP:
                if await self._stops.stop(number, text, text_id):
                    await self._answer(number, "stopped", text_id)
            case Keyword.START:
                await self._stops.lift(number)
                await self._answer(number, "started", text_id)
            case Keyword.HELP:
                await self._answer(number, "help", text_id)
            case Keyword.YES:
                return await self._confirmations.confirm(number, text)
            case None:
                pass
        return None

    async def _answer(self, number: str, answer: str, text_id: str) -> None:
        await self._deliveries.reply(number, answer, await self._whose(number), text_id)

    async def _whose(self, number: str) -> Contact | None:
        """Whoever has it: for the language, and for the link to their choices."""
        found = await self._store.contacts.with_number(number, after="", limit=1)
        return found[0] if found else None
