"""The stop list: numbers that texted STOP. They receive nothing until they text START, no matter who has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

from bot.aio.retry import retried
from bot.compliance.revocation import policy_at
from bot.consent.changes import ConsentChange, consent_change
from bot.consent.ledger import Ledger
from bot.consent.permission import records_no
from bot.consent.stop_marks import mark_stops
from bot.errors import SaysoError
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.event import Action, Source, Words
from bot.model.stop import Stop, StopAction, StopEvent, stop_after
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
        return await self._store.stops.stopped(numbers)

    async def of(self, numbers: Iterable[str]) -> dict[str, Stop]:
        """By number, in one query. Numbers that never texted STOP or START are left out."""
        return await self._store.stops.of(numbers)

    async def stop(self, number: str, text: str, text_id: str, rule: str = "", *, act: str = "") -> bool:
        """Adds the number, then opts out all contacts with this number from every text subscription, including
        those they never answered. Durable when it returns. `rule`: what recognized the text; `act`: what the person
        did, if they texted nothing.

        Returns whether this text is the one that stopped it. The same text again, also after a START, has no effect
        (law 4). Raises StoreUnavailable: safe to retry.
        """
        is_new = await self._log(number, StopAction.STOP, text, text_id, rule)
        await mark_stops(self._store, [number])
        texts = await self._store.subscriptions.texts()
        async for contacts in self.everyone_with(number):
            changes = [
                _no(contact, subscription, number, act or f'texted "{text}"', text_id)
                for contact in contacts
                if not contact.is_gone
                for subscription in texts
                if records_no(subscription, contact.consent(subscription.id), of_all=True)
            ]
            for result in await self._ledger.record_many(changes):
                if isinstance(result, SaysoError):
                    raise result
        return is_new

    async def add(self, numbers: Mapping[str, str]) -> None:
        """Adds numbers that opted out of all texts elsewhere, each with what `text_id` is for a text. The caller
        must opt out the contacts with these numbers."""
        await asyncio.gather(*(self._log(number, StopAction.STOP, "", source) for number, source in numbers.items()))
        await mark_stops(self._store, numbers)

    async def lift(self, number: str, text: str, text_id: str) -> None:
        """Only for the number's own START. Subscriptions stay off: each needs a new opt-in. An opt-in attempted while
        the number was stopped doesn't count (`ConsentEvent.stopped`)."""
        await self._log(number, StopAction.START, text, text_id)
        await mark_stops(self._store, [number])

    async def everyone_with(self, number: str) -> AsyncIterator[Sequence[Contact]]:
        """All contacts with the number, and those asked to confirm it, with their consents as the ledger has them."""
        asked = await self._store.deliveries.asked(number)
        yield [*(await self._ledger.contacts({delivery.contact for delivery in asked})).values()]
        after = ""
        while found := await self._store.contacts.with_number(number, after=after, limit=200):
            after = found[-1].id
            yield [*(await self._ledger.contacts(contact.id for contact in found)).values()]

    async def _log(self, number: str, action: StopAction, text: str, text_id: str, rule: str = "") -> bool:
        """Adds an entry, once for each text: to the list, which is what counts, then to the log. Returns whether it
        changed something."""
        log = self._store.stop_events

        async def attempt() -> StopEvent:
            name = await self._store.stops.name_of(number)
            stop, key = await self._completed(name), f"{name}:{text_id}"
            if known := await log.by_key(name, key):
                await log.keep(known)  # refused, and the refusal is durable, also if its writer died
                return known
            seq = stop.seq + 1 if stop else 1
            at, is_stop = now(), action is StopAction.STOP
            entry = StopEvent(
                id=log.entry_id(name, seq),
                number=name,
                seq=seq,
                action=action,
                at=at,
                policy=policy_at(at).version if is_stop else None,
                rule=rule or None,
                text="" if name != number else text,
                key=key,
            )
            if not await self._store.stops.move(stop, stop_after(stop, entry)):
                raise Duplicate
            await log.keep(entry)
            return entry

        entry = await retried(attempt, Duplicate)
        before = await log.get(log.entry_id(entry.number, entry.seq - 1))
        return (before.action if before else StopAction.START) is not entry.action

    async def _completed(self, name: str) -> Stop | None:
        """The number's place in the list, after its newest entry is in the log too."""
        stop = await self._store.stops.get(name)
        if stop and stop.newest:
            await self._store.stop_events.keep(stop.newest)
        return stop


def _no(contact: Contact, subscription: Subscription, number: str, act: str, text_id: str) -> ConsentChange:
    return consent_change(
        contact,
        subscription,
        Action.OPT_OUT,
        number,
        source=Source.KEYWORD,
        words=Words(act=act),
        key=f"stop:{text_id}:{subscription.id}",
        is_judged=False,
    )
