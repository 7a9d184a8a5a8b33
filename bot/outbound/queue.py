"""Queues texts: each is stored before it is sent, once for each cause."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from bot.consent.form_windows import prefix_of
from bot.consent.numbers import address_of
from bot.i18n import DEFAULT
from bot.model.base import new_id, now
from bot.model.contact import Consent, Contact
from bot.model.conversation import Part
from bot.model.delivery import WITHHELD, Delivery, DeliveryKind, DeliveryState
from bot.model.event import Action, ConsentEvent, Source
from bot.model.outbound_message import OutboundMessage
from bot.model.subscription import MessageType
from bot.outbound.delivery_links import DeliveryLinks
from bot.outbound.kinds import KINDS, TextKind, kind_for
from bot.outbound.kinds.outbound import copy_of
from bot.store import Duplicate, Store
from bot.store.deliveries import LOCAL_TIME

CLAIMED_FOR = timedelta(seconds=5)
"""How long a claim holds: another worker takes what was not handed over by then."""
READY = 1000
"""Limit of texts in memory; further ones wait in the database, where every process sees them."""


class DeliveryQueue:
    """A process that sends texts stores what it queues as already claimed by itself: no worker has to look for it."""

    def __init__(self, store: Store, links: DeliveryLinks) -> None:
        self._store = store
        self.links = links
        self.wake = asyncio.Event()
        """Set when something was queued here."""
        self._ready: list[Delivery] = []
        self._worker = new_id()
        self._is_sending = False

    async def queue_for(self, events: Sequence[ConsentEvent]) -> None:
        """Queues the texts that recorded events ask for; idempotent by event. A text is in the language of what the
        person was shown; where they were shown nothing, in their own."""
        wanted = [(kind, event) for event in events if (kind := kind_for(event))]
        unread = {event.contact for _, event in wanted if not _language_of(event)}
        people = await self._store.contacts.get_many(unread)
        locales = {id: contact.locale for id, contact in people.items()}
        await self._insert(
            [
                _of_event(kind, event, _language_of(event) or locales.get(event.contact, DEFAULT))
                for kind, event in wanted
            ]
        )

    async def unqueued(self, events: Sequence[ConsentEvent]) -> list[ConsentEvent]:
        """The events whose text is not queued yet, from the index alone."""
        wanted = {kind.id_of(event.event): event for event in events if (kind := kind_for(event))}
        there = await self._store.deliveries.existing(wanted)
        return [event for id, event in wanted.items() if id not in there]

    async def reply(
        self, number: str, answer: str, contact: Contact | None, text_id: str, *, subscription: str = ""
    ) -> None:
        """Queues the reply to a keyword: one for each received text. `subscription`: what it is about."""
        new = _new(
            KINDS[DeliveryKind.REPLY],
            text_id,
            contact=contact.id if contact else "",
            subscription=subscription,
            answer=answer,
            number=number,
            locale=contact.locale if contact else DEFAULT,
        )
        await self._insert([new])

    async def message(self, part: Part, contact: str, number: str, body: str) -> None:
        """Queues a teammate's reply by text: one for each entry of the conversation."""
        kind = KINDS[DeliveryKind.MESSAGE]
        await self._insert([_new(kind, part.id, contact=contact, number=number, locale=DEFAULT, body=body)])

    def question_again(self, consent: Consent, contact: str, locale: str, time: int) -> Delivery:
        """The question of a pending consent for the `time`th time after the first; the same again is the same text."""
        new = _new(
            KINDS[DeliveryKind.ASK],
            consent.event,
            contact=contact,
            subscription=consent.subscription,
            number=consent.number or "",
            locale=locale,
        )
        return new.model_copy(update={"id": f"{new.id}:{time}"})

    async def copies(
        self, message: OutboundMessage, contacts: Sequence[Contact], due: Mapping[str, datetime | None]
    ) -> None:
        """Queues a copy for each of these, in one round trip; one for each contact and message. `due`: by contact, when
        it is due; None: now."""
        kind = KINDS[DeliveryKind.OUTBOUND]
        new = [
            _new(kind, f"{message.id}:{contact.id}", **copy_of(message, contact), **_waiting_until(due[contact.id]))
            for contact in contacts
        ]
        await self._store.deliveries.insert_many([self.links.added(delivery) for delivery in new])
        self.wake.set()

    async def flow_text(
        self, contact: Contact, subscription: str, text: str, key: str, *, flow: str, locale: str
    ) -> None:
        """Queues a text that a flow sends; one for each `key`. Without a number it is blocked at once."""
        consent, number = contact.consent(subscription), address_of(contact, MessageType.SMS)
        kind, values = KINDS[DeliveryKind.FLOW], {"contact": contact.id, "subscription": subscription, "text": text}
        new = _new(kind, key, **values, number=number or "", locale=locale, flow=flow)
        fields: dict[str, object] = {"event": consent.event if consent else ""}
        if number is None:
            fields |= {"state": DeliveryState.BLOCKED, "reason": "no_valid_number", "due_at": None}
        await self._insert([new.model_copy(update=fields)])

    async def flow_reply(
        self,
        part: Part,
        contact: str,
        number: str,
        text: str,
        *,
        locale: str,
        heard_at: datetime | None,
        subscription: str = "",
    ) -> None:
        """Queues what a flow says in a conversation by text: one for each entry. `subscription`: of a form. `heard_at`:
        when the contact last texted."""
        kind, values = KINDS[DeliveryKind.FLOW_REPLY], {"contact": contact, "number": number, "text": text}
        new = _new(kind, part.id, **values, locale=locale, subscription=subscription, part=part.id)
        await self._insert([new.model_copy(update={"event": "", "heard_at": heard_at})])

    async def test(self, message: OutboundMessage, number: str, body: str, key: str) -> None:
        """Queues a test of a message; one for each `key`."""
        kind, locale = KINDS[DeliveryKind.TEST], message.language
        await self._insert([_new(kind, key, contact="", number=number, locale=locale, body=body)])

    async def add(self, delivery: Delivery) -> None:
        await self._insert([delivery])

    @contextmanager
    def sending(self) -> Iterator[None]:
        """While active, this process sends what it queues."""
        self._is_sending = True
        try:
            yield
        finally:
            self._is_sending = False

    def take_ready(self, limit: int) -> list[Delivery]:
        """Texts claimed by queuing them here, while the claim holds."""
        taken, self._ready = self._ready[:limit], self._ready[limit:]
        self._worker = new_id()
        time = now()
        return [delivery for delivery in taken if delivery.due_at and delivery.due_at > time]

    async def _insert(self, deliveries: Sequence[Delivery]) -> None:
        new = [self._claimed(self.links.added(d)) if d.due_at else d for d in deliveries]
        inserted = await asyncio.gather(*map(self._is_new, new))
        mine = [delivery for delivery, is_new in zip(new, inserted, strict=True) if is_new]
        self._ready += [delivery for delivery in mine if delivery.worker]
        if mine:
            self.wake.set()

    async def _is_new(self, delivery: Delivery) -> bool:
        try:
            await self._store.deliveries.insert(delivery)
        except Duplicate:
            return False
        return True

    def _claimed(self, delivery: Delivery) -> Delivery:
        if not self._is_sending or len(self._ready) >= READY:
            return delivery
        until = delivery.created_at + CLAIMED_FOR
        return delivery.model_copy(update={"state": DeliveryState.SENDING, "worker": self._worker, "due_at": until})


def _waiting_until(due_at: datetime | None) -> dict[str, Any]:
    return {"due_at": due_at, "reason": LOCAL_TIME} if due_at and due_at > now() else {}


def _language_of(event: ConsentEvent) -> str:
    return event.words.locale if event.words else ""


def _of_event(kind: TextKind, event: ConsentEvent, locale: str) -> Delivery:
    number = event.number or ""
    new = _new(
        kind,
        event.event,
        contact=event.contact,
        subscription=event.subscription or "",
        number=number,
        locale=locale,
        prefix=prefix_of(number) if _is_watched(kind, event) else None,
    )
    if event.withheld:
        return new.model_copy(update={"state": DeliveryState.BLOCKED, "reason": WITHHELD, "due_at": None})
    return new


def _is_watched(kind: TextKind, event: ConsentEvent) -> bool:
    """Whether the text asks for a confirmation or follows one. Used to find prefixes whose numbers rarely confirm."""
    if kind.name is DeliveryKind.ASK:
        return event.source in {Source.FORM, Source.PREFERENCE_CENTER} and not event.withheld
    return event.action is Action.CONFIRM


def _new(kind: TextKind, cause: str, **values: Any) -> Delivery:
    time = now()
    fields = {"event": cause, "due_at": time, "created_at": time, "updated_at": time, **values}
    return Delivery(id=kind.id_of(cause), kind=kind.name, **fields)
