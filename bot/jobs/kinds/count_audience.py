"""Counts a large audience exactly: who gets a message, and why the others don't."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime
from typing import ClassVar

from pydantic import Field

from bot.contacts.selected import SelectedContacts
from bot.errors import Invalid
from bot.errors import marked as _
from bot.jobs.kind import Batch, JobKind
from bot.model.base import Value
from bot.model.conversation import Card
from bot.model.filter import Filter
from bot.model.outbound_message import ChatTerms, OutboundMessage
from bot.model.selection import Selection
from bot.outbound.audience import Audience, AudienceTally
from bot.outbound.audience_judge import LATER, LEFT_OUT, QUEUED
from bot.outbound.chat_rules import NOT_ASKED
from bot.outbound.send_time import SendTime
from bot.store import Store
from bot.workspace.access import Scope


class CountInput(Value):
    message: str
    selection: Selection
    """As it was when the count was asked for."""
    subscription: str
    """Of a text, or of a chat message's form."""
    asks_opted_out: bool | None = None
    """Of a chat message; None: it is a text."""
    at: datetime | None = None
    local: str = ""
    asked_at: datetime

    @property
    def time(self) -> SendTime:
        return SendTime(self.at, self.local)

    def asked_about(self, message: OutboundMessage) -> OutboundMessage:
        """The message, as it was when the count was asked for."""
        if self.asks_opted_out is None:
            return message.model_copy(update={"subscription": self.subscription})
        card = Card(subscription=self.subscription, title=message.name) if self.subscription else None
        return message.model_copy(update={"chat": ChatTerms(card=card, asks_opted_out=self.asks_opted_out)})

    def key(self) -> str:
        """The id of the job. What is asked again within the hour has the same answer: quiet hours follow the clock."""
        hour, chat = self.asked_at.strftime("%Y-%m-%dT%H"), self.asks_opted_out
        terms = f"{self.subscription}{'' if chat is None else f' chat {chat}'}"
        parts = (self.message, self.selection.filter or "", terms, str(self.at), self.local, hour)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


class CountPlace(Value):
    after: str = ""
    texts: dict[str, int] = Field(default_factory=dict)
    """How many get it, by `country language`."""
    last_at: datetime | None = None
    unwelcomed: int = 0
    unsent: dict[str, int] = Field(default_factory=dict)


class CountAudience(JobKind[CountInput, CountPlace]):
    """Its counts stay with the job, and the page of the message shows them."""

    name, title, scope = "count_audience", _("Count audience"), Scope.SEND_MESSAGES
    outcomes: ClassVar = {QUEUED: _("Will get it"), **LATER, **LEFT_OUT, **NOT_ASKED}
    input, checkpoint = CountInput, CountPlace

    def __init__(self, store: Store, selected: SelectedContacts, audience: Audience) -> None:
        self._store = store
        self._selected = selected
        self._audience = audience

    async def total(self, input: CountInput) -> int | None:
        return (await self._selected.count(input.selection)).number

    async def step(self, job: str, input: CountInput, at: CountPlace, limit: int) -> Batch[CountPlace]:
        message = await self._store.outbound_messages.get(input.message)
        if message is None or message.is_deleted:
            raise Invalid(_("This message no longer exists."))
        message, filter = input.asked_about(message), Filter.from_text(input.selection.filter or "")
        batch = await self._selected.batch(input.selection, at.after, limit, input.asked_at)
        tally, people = AudienceTally(), batch.contacts
        tally.add(people, await self._audience.verdicts(message, filter, people, input.time, input.asked_at))
        texts = {**at.texts}
        for (country, language), number in tally.texts.items():
            texts[f"{country} {language}"] = texts.get(f"{country} {language}", 0) + number
        last_at = max((time for time in (at.last_at, tally.last_at) if time), default=None)
        after, unwelcomed = batch.last or at.after, at.unwelcomed + tally.unwelcomed
        unsent = dict(Counter(at.unsent) + tally.unsent)
        place = CountPlace(after=after, texts=texts, last_at=last_at, unwelcomed=unwelcomed, unsent=unsent)
        return Batch(place, batch.read, is_last=batch.last is None, counts=tally.counts)
