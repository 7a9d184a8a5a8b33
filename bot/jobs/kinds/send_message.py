"""Sends an outbound message: queues a copy for everyone in its audience who may get it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from bot.consent.numbers import address_of
from bot.contacts.selected import SelectedContacts
from bot.errors import Invalid
from bot.errors import marked as _
from bot.jobs.kind import Batch, JobKind
from bot.jobs.message_watch import MessageWatch
from bot.model.base import Value
from bot.model.contact import Contact
from bot.model.selection import Selection
from bot.model.subscription import MessageType
from bot.outbound.audience import LEFT_OUT, QUEUED, SAME_NUMBER, Audience
from bot.outbound.queue import DeliveryQueue
from bot.outbound.send_time import SendTime
from bot.store import Store
from bot.workspace.access import Scope

AHEAD = 2000
"""Copies that may wait to be sent, so that a pause leaves few. Those that are held don't count: others go on."""
FULL_SECONDS, LAST_SECONDS, HELD_SECONDS = 0.2, 1.0, 15.0
"""How long it waits for room in the queue, for its last copies to be sent, and for those that are held."""


class SendInput(Value):
    ordered_at: datetime


class SendPlace(Value):
    after: str = ""
    is_end: bool = False
    """Everyone was visited; the last copies wait."""
    last_at: datetime | None = None
    """When the last one of those visited gets it, if nothing comes between."""


class SendMessage(JobKind[SendInput, SendPlace]):
    """Its id is the message's. It ends when no copy waits."""

    name, title, scope = "send_message", _("Send message"), Scope.SEND_MESSAGES
    outcomes: ClassVar = {QUEUED: _("Included"), **LEFT_OUT}
    input, checkpoint = SendInput, SendPlace

    def __init__(
        self,
        store: Store,
        selected: SelectedContacts,
        audience: Audience,
        deliveries: DeliveryQueue | None,
        watch: MessageWatch | None,
    ) -> None:
        self._store = store
        self._selected = selected
        self._audience = audience
        self._deliveries = deliveries
        self._watch = watch

    @property
    def can_run(self) -> bool:
        return self._deliveries is not None

    async def step(self, job: str, input: SendInput, at: SendPlace, limit: int) -> Batch[SendPlace]:
        message = await self._store.outbound_messages.get(job)
        if message is None:
            raise Invalid(_("This message no longer exists."))
        if self._watch and await self._watch.check(message):
            return Batch(at, 0, again_after=FULL_SECONDS)
        await self._store.deliveries.resume(job)
        waiting = await self._store.deliveries.count_waiting(job, is_held=False, limit=AHEAD)
        if at.is_end:
            held = waiting or await self._store.deliveries.count_waiting(job, is_held=True, limit=1)
            pause = LAST_SECONDS if waiting else HELD_SECONDS
            return Batch(at, 0, is_last=not held, again_after=pause if held else 0)
        if waiting >= AHEAD:
            return Batch(at, 0, again_after=FULL_SECONDS)
        if self._deliveries is None:
            raise LookupError("this process doesn't send texts")
        selection = Selection(filter=message.filter.as_text())
        batch = await self._selected.batch(selection, at.after, limit, input.ordered_at)
        subscription, time = await self._audience.subscription(message), SendTime.of(message)
        verdicts = await self._audience.judged(batch.contacts, subscription, time)
        people = [contact for contact in batch.contacts if verdicts[contact.id].is_included]
        again = await self._same_number(job, people)
        included = [contact for contact in people if contact.id not in again]
        await self._deliveries.copies(message, included, {c.id: verdicts[c.id].due_at for c in included})
        last_at = max(filter(None, (at.last_at, *(verdicts[c.id].at for c in included))), default=None)
        outcomes = {id: QUEUED if verdict.is_included else verdict.outcome for id, verdict in verdicts.items()}
        outcomes |= dict.fromkeys(again, SAME_NUMBER)
        place = SendPlace(after=batch.last or at.after, is_end=batch.last is None, last_at=last_at)
        return Batch(place, batch.read, counts=Counter(outcomes.values()))

    async def _same_number(self, job: str, people: Sequence[Contact]) -> set[str]:
        """Contacts whose phone gets it already, under another contact."""
        numbers = {contact.id: address_of(contact, MessageType.SMS) or "" for contact in people}
        first: dict[str, str] = {}
        for id, number in numbers.items():
            first.setdefault(number, id)
        repeated = {id for id, number in numbers.items() if first[number] != id}
        return repeated | await self._store.deliveries.already_in(job, numbers)
