"""The stop list: numbers that texted STOP. They receive nothing until they text START, whoever they belong to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence

from bot.consent.choices import plain_words
from bot.consent.ledger import ConsentChange, Ledger
from bot.consent.permission import stands_to_get
from bot.errors import SaysoError
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.event import Action, Actor, Source
from bot.model.stop import Stop
from bot.model.subscription import Subscription
from bot.store import Duplicate, Store


class StopList:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    async def is_stopped(self, number: str) -> bool:
        return bool(await self.among([number]))

    async def among(self, numbers: Iterable[str]) -> set[str]:
        """The stopped ones of `numbers`, in one query."""
        return {id for id, stop in (await self._store.stops.get_many(numbers)).items() if stop.holds}

    async def stop(self, number: str, text: str, text_id: str) -> bool:
        """Adds the number, then opts out everyone who has it from all texts; durable when it returns.

        Returns whether this text is the one that stopped it. The same text again, also after a START, has no effect
        (law 4). Raises StoreUnavailable: safe to retry.
        """
        is_new = await self._add(number, text, text_id)
        texts = await self._store.subscriptions.texts()
        async for contacts in self._with(number):
            changes = [
                _no(contact, subscription, number, text, text_id)
                for contact in contacts
                for subscription in texts
                if stands_to_get(subscription, contact.consent(subscription.id))
            ]
            for result in await self._ledger.record_many(changes):
                if isinstance(result, SaysoError):
                    raise result
        return is_new

    async def lift(self, number: str) -> None:
        """Only for the number's own START. Subscriptions stay off: each needs a new opt-in."""
        match = {"_id": number, "lifted_at": {"$exists": False}}
        await self._store.stops.update(match, {"$set": {"lifted_at": now()}})

    async def _add(self, number: str, text: str, text_id: str) -> bool:
        stop = Stop(id=number, at=now(), text=text, text_id=text_id)
        try:
            await self._store.stops.insert(stop)
        except Duplicate:
            match = {"_id": number, "lifted_at": {"$exists": True}, "text_id": {"$ne": text_id}}
            again = {"at": stop.at, "text": text, "text_id": text_id}
            await self._store.stops.update(match, {"$set": again, "$unset": {"lifted_at": ""}})
        kept = await self._store.stops.get(number)
        return kept is not None and kept.text_id == text_id

    async def _with(self, number: str) -> AsyncIterator[Sequence[Contact]]:
        """Everyone who has the number or was asked to confirm it, with consents as of the ledger."""
        asked = await self._store.deliveries.asked(number)
        yield [*(await self._ledger.contacts({delivery.contact for delivery in asked})).values()]
        after = ""
        while found := await self._store.contacts.with_number(number, after=after, limit=200):
            after = found[-1].id
            yield [*(await self._ledger.contacts(contact.id for contact in found)).values()]


def _no(contact: Contact, subscription: Subscription, number: str, text: str, text_id: str) -> ConsentChange:
    return ConsentChange(
        contact=contact.id,
        subscription=subscription.id,
        action=Action.OPT_OUT,
        source=Source.KEYWORD,
        actor=Actor(kind="contact", id=contact.id),
        number=number,
        words=plain_words(subscription, contact.locale, f'texted "{text}"'),
        key=f"stop:{text_id}:{subscription.id}",
    )
