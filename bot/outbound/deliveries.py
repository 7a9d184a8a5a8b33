"""Texts that leave: recorded first, sent second, the result stored third; handed to the provider at most once
(law 8)."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from functools import partial

from bot.chat.conversations import ConversationService
from bot.consent.ledger import Ledger
from bot.consent.preferences import Preferences
from bot.consent.stop_list import StopList
from bot.errors import StoreUnavailable
from bot.i18n import DEFAULT
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.conversation import Author, AuthorKind, Part, SignalKind
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.model.event import Action, ConsentEvent, Source
from bot.model.subscription import MessageType, Subscription
from bot.model.workspace import Workspace
from bot.outbound import words
from bot.outbound.gateway import Gateway, GatewayError, Outgoing
from bot.outbound.refusal import LONG, SHORT, refusal, too_many
from bot.store import Duplicate, Store

log = logging.getLogger("sayso.outbound")

AT_ONCE = 128
FOLLOWS = {
    Action.REQUEST_CONFIRMATION: DeliveryKind.ASK,
    Action.OPT_IN: DeliveryKind.CONFIRMATION,
    Action.CONFIRM: DeliveryKind.CONFIRMATION,
}
"""The text that an event asks for."""
OWN = {Source.FORM, Source.PREFERENCE_CENTER, Source.KEYWORD, Source.PROFILE}
"""By these ways people answer for themselves, or one by one to a teammate, and are told what they have said: who never
said it learns of it at once (CTIA 5.1.2.1)."""
BATCH_SECONDS = 0.05
"""How long a text waits for others to be claimed with."""
REST_SECONDS = 5.0
"""How long it rests when nothing is queued and nobody in this process says that something is."""
LOST_AFTER = timedelta(seconds=60)
"""A text that was handed over and not answered in this time is unknown: it is not sent again."""


class DeliveryService:
    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        stops: StopList,
        preferences: Preferences,
        gateway: Gateway,
        public_url: str,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._stops = stops
        self._preferences = preferences
        self._gateway = gateway
        self._public_url = public_url
        self._conversations = ConversationService(store)
        self._wake = asyncio.Event()

    async def follow(self, event: ConsentEvent) -> None:
        """Queues the text that an event asks for: the question of a double opt-in, or the word that a yes counts.

        One for each event, however often it is asked for.
        """
        kind = FOLLOWS.get(event.action) if event.source in OWN else None
        if kind is None or event.number is None or event.subscription is None:
            return
        await self._queue(
            Delivery(
                id=f"{kind}:{event.event}",
                contact=event.contact,
                subscription=event.subscription,
                kind=kind,
                event=event.event,
                number=event.number,
                locale=event.words.locale if event.words else DEFAULT,
                created_at=(time := now()),
                updated_at=time,
            )
        )

    async def reply(self, number: str, answer: str, contact: Contact | None, text_id: str) -> None:
        """Queues the answer to a keyword: one for each text that we got."""
        await self._queue(
            Delivery(
                id=f"reply:{text_id}",
                contact=contact.id if contact else "",
                kind=DeliveryKind.REPLY,
                event=text_id,
                answer=answer,
                number=number,
                locale=contact.locale if contact else DEFAULT,
                created_at=(time := now()),
                updated_at=time,
            )
        )

    async def message(self, part: Part, contact: str, number: str, body: str) -> None:
        """Queues a teammate's answer to somebody who texted us: one for each entry of the conversation."""
        await self._queue(
            Delivery(
                id=_message_id(part.id),
                contact=contact,
                kind=DeliveryKind.MESSAGE,
                event=part.id,
                number=number,
                locale=DEFAULT,
                body=body,
                created_at=(time := now()),
                updated_at=time,
            )
        )

    async def of_parts(self, parts: Iterable[str]) -> dict[str, Delivery]:
        """By entry, the text that it leaves as, in one query. One that waits for its text has none yet."""
        found = await self._store.deliveries.get_many(map(_message_id, parts))
        return {delivery.event: delivery for delivery in found.values()}

    async def give_up(self) -> None:
        """Marks as unknown what was handed over and never heard of again (law 8)."""
        before = now() - LOST_AFTER
        lost = await self._store.deliveries.lost(before)
        await self._store.deliveries.give_up(before)
        await asyncio.gather(*map(self._tell, lost))

    async def _queue(self, delivery: Delivery) -> None:
        try:
            await self._store.deliveries.insert(delivery)
        except Duplicate:
            return
        self._wake.set()

    async def work(self, stop: asyncio.Event) -> None:
        """Sends what is queued until it is told to stop; a round begun is finished. Another process may do the same."""
        while not stop.is_set():
            self._wake.clear()
            await asyncio.sleep(BATCH_SECONDS)
            if not await self.send_some() and not await _either(self._wake, stop, REST_SECONDS):
                await self.give_up()

    async def send_some(self) -> int:
        """Sends up to AT_ONCE queued texts; answers how many it took."""
        workspace, worker = await self._store.workspaces.get("workspace"), new_id()
        taken = await self._store.deliveries.take(worker, limit=AT_ONCE) if workspace else []
        if workspace is None or not taken:
            return 0
        try:
            tokens = await asyncio.gather(*(self._token(delivery) for delivery in taken))
            subscriptions = await self._store.subscriptions.get_many(delivery.subscription for delivery in taken)
            numbers = {delivery.number for delivery in taken}
            recent_counts = await self._store.deliveries.sent_counts(numbers, now() - SHORT[0], now() - LONG[0])
            stopped = await self._stops.among(numbers)
            contacts = await self._ledger.contacts(delivery.contact for delivery in taken)  # last: as fresh as can be
        except Exception:
            await self._store.deliveries.put_back(worker)  # nothing was handed over yet
            raise
        sends: defaultdict[str, list[Callable[[], Awaitable[None]]]] = defaultdict(list)
        for delivery, token in zip(taken, tokens, strict=True):
            subscription = subscriptions.get(delivery.subscription)
            contact = contacts.get(delivery.contact)
            reason = refusal(delivery, contact, subscription, stopped=delivery.number in stopped)
            if reason := reason or too_many(delivery, recent_counts):
                work = partial(self._settle, delivery, DeliveryState.BLOCKED, reason=reason, checked_at=now())
            else:
                body = self._body(delivery, workspace, subscription, token)
                work = partial(self._send, delivery, body, body.replace(token, "•" * 8) if token else body)
            sends[delivery.number].append(work)
        await asyncio.gather(*map(_in_turn, sends.values()))
        return len(taken)

    async def _token(self, delivery: Delivery) -> str:
        """The secret of a link to the preference center, for a text that carries one."""
        has_link = delivery.kind is DeliveryKind.CONFIRMATION or delivery.answer == "started"
        if not has_link or not delivery.contact:
            return ""
        return await self._preferences.make_link(delivery.contact, MessageType.SMS)

    def _body(self, delivery: Delivery, workspace: Workspace, subscription: Subscription | None, token: str) -> str:
        if delivery.kind is DeliveryKind.MESSAGE:
            return delivery.body or ""
        link = f"{self._public_url}/p/{token}" if token else ""
        if subscription is None:
            return words.reply(workspace, delivery.answer or "", delivery.locale, link)
        if delivery.kind is DeliveryKind.ASK:
            return words.question(workspace, subscription, delivery.locale)
        return words.confirmation(workspace, subscription, delivery.locale, link)

    async def _send(self, delivery: Delivery, body: str, kept: str) -> None:
        """`kept`: the body as it is stored, the secret of its link masked."""
        checked_at = now()
        if delivery.kind is DeliveryKind.ASK:  # its answer may come before the provider's, and must find the question
            await self._store.deliveries.update({"_id": delivery.id}, {"$set": {"body": kept}})
        try:
            provider_id = await self._gateway.send(Outgoing(delivery.id, delivery.number, body))
        except GatewayError as error:
            await self._settle(delivery, DeliveryState.FAILED, reason=error.code, body=kept, checked_at=checked_at)
        except Exception:
            log.exception("text has an unknown fate", extra={"delivery": delivery.id})
            await self._settle(delivery, DeliveryState.UNKNOWN, body=kept, checked_at=checked_at)
        else:
            await self._settle(delivery, DeliveryState.SENT, provider_id=provider_id, body=kept, checked_at=checked_at)

    async def _settle(self, delivery: Delivery, state: DeliveryState, **values: object) -> None:
        """A result that can't be stored now leaves the text as handed over; `give_up` then finds it."""
        await self._store.deliveries.update(
            {"_id": delivery.id}, {"$set": {"state": state, "updated_at": now(), **values}}
        )
        await self._tell(delivery)

    async def _tell(self, delivery: Delivery) -> None:
        """Whoever looks at the conversation sees what became of a message."""
        if delivery.kind is DeliveryKind.MESSAGE:
            conversation, _, seq = delivery.event.partition(":")
            author = Author(kind=AuthorKind.BOT, id="bot")
            await self._conversations.signal(conversation, SignalKind.TEXT, author, seq=int(seq))


async def _in_turn(sends: Iterable[Callable[[], Awaitable[None]]]) -> None:
    """Texts of one number arrive in the order in which they were written."""
    fault = None
    for send in sends:
        try:
            await send()
        except StoreUnavailable as error:  # the next one was taken, too
            fault = error
    if fault:
        raise fault


async def _either(one: asyncio.Event, other: asyncio.Event, seconds: float) -> bool:
    """Whether one of them was set within this time."""
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    done, pending = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in pending:
        wait.cancel()
    return bool(done)


def _message_id(part: str) -> str:
    return f"{DeliveryKind.MESSAGE}:{part}"
