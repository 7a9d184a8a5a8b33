"""Texts that leave: recorded first, sent second, the result stored third; handed to the provider at most once
(law 8)."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from bot.consent.ledger import Ledger
from bot.consent.numbers import address_of
from bot.consent.permission import permission
from bot.consent.preferences import Preferences
from bot.i18n import DEFAULT, translator
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.model.event import ConsentEvent
from bot.model.subscription import MessageType, Subscription
from bot.model.workspace import Workspace
from bot.outbound.gateway import Gateway, GatewayError, Outgoing
from bot.store import Duplicate, Store

log = logging.getLogger("sayso.outbound")

AT_ONCE = 128
SHORT, LONG = (timedelta(minutes=10), 3), (timedelta(days=1), 5)
"""So many texts of this kind one number gets in such a time (what providers advise against flooding)."""
GATHER_SECONDS = 0.05
"""How long a text waits for others to be claimed with."""
REST_SECONDS = 5.0
"""How long it rests when nothing is queued and nobody in this process says that something is."""
LOST_AFTER = timedelta(seconds=60)
"""A text that was handed over and not answered in this time is unknown: it is not sent again."""


class Deliveries:
    def __init__(
        self, store: Store, ledger: Ledger, preferences: Preferences, gateway: Gateway, public_url: str
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._preferences = preferences
        self._gateway = gateway
        self._public_url = public_url
        self._wake = asyncio.Event()

    async def confirm(self, event: ConsentEvent) -> None:
        """Queues the text that confirms a sign-up (CTIA 5.1.2.1): one for each consent event, however often it is asked
        for."""
        if event.number is None or event.subscription is None:
            return
        time = now()
        delivery = Delivery(
            id=f"confirmation:{event.event}",
            contact=event.contact,
            subscription=event.subscription,
            kind=DeliveryKind.CONFIRMATION,
            event=event.event,
            number=event.number,
            locale=event.words.locale if event.words else DEFAULT,
            created_at=time,
            updated_at=time,
        )
        try:
            await self._store.deliveries.insert(delivery)
        except Duplicate:
            return
        self._wake.set()

    async def work(self, stop: asyncio.Event) -> None:
        """Sends what is queued until it is told to stop; a round begun is finished. Another process may do the same."""
        while not stop.is_set():
            self._wake.clear()
            await asyncio.sleep(GATHER_SECONDS)
            if not await self.send_some() and not await _either(self._wake, stop, REST_SECONDS):
                await self._store.deliveries.give_up(now() - LOST_AFTER)

    async def send_some(self) -> int:
        """Sends up to AT_ONCE queued texts; answers how many it took."""
        workspace, worker = await self._store.workspaces.get("workspace"), new_id()
        taken = await self._store.deliveries.take(worker, limit=AT_ONCE) if workspace else []
        if workspace is None or not taken:
            return 0
        try:
            tokens = await asyncio.gather(*(self._preferences.make_link(d.contact, MessageType.SMS) for d in taken))
            subscriptions = await self._store.subscriptions.get_many(delivery.subscription for delivery in taken)
            lately = await self._store.deliveries.lately({d.number for d in taken}, now() - SHORT[0], now() - LONG[0])
            contacts = await self._ledger.contacts(delivery.contact for delivery in taken)  # last: as fresh as can be
        except Exception:
            await self._store.deliveries.put_back(worker)  # nothing was handed over yet
            raise
        sends = []
        for delivery, token in zip(taken, tokens, strict=True):
            subscription = subscriptions.get(delivery.subscription)
            reason = _refusal(delivery, contacts.get(delivery.contact), subscription) or _too_many(delivery, lately)
            if reason or subscription is None:
                sends.append(self._settle(delivery, DeliveryState.BLOCKED, reason=reason, checked_at=now()))
            else:
                body = confirmation(workspace, subscription, delivery.locale, f"{self._public_url}/p/{token}")
                sends.append(self._send(delivery, body, body.replace(token, "•" * 8)))
        await asyncio.gather(*sends)
        return len(taken)

    async def _send(self, delivery: Delivery, body: str, kept: str) -> None:
        """`kept`: the body as it is stored, the secret of its link masked."""
        checked_at = now()
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


async def _either(one: asyncio.Event, other: asyncio.Event, seconds: float) -> bool:
    """Whether one of them was set within this time."""
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    done, pending = await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in pending:
        wait.cancel()
    return bool(done)


def _refusal(delivery: Delivery, contact: Contact | None, subscription: Subscription | None) -> str | None:
    """Why this text may not be sent now (law 7); None: it may."""
    if contact is None or subscription is None:
        return "contact_gone"
    address = address_of(contact, MessageType.SMS)
    answer = permission(subscription, contact.consent(subscription.id), address, stopped=False)
    if not answer.allowed:
        return answer.reason
    return None if address == delivery.number else "number_changed"


def _too_many(delivery: Delivery, lately: dict[str, tuple[int, int]]) -> str | None:
    """Counts this text in, if it may be sent: somebody else's number must not be flooded through our forms."""
    short, long = lately.get(delivery.number, (0, 0))
    if short >= SHORT[1] or long >= LONG[1]:
        return "too_many"
    lately[delivery.number] = (short + 1, long + 1)
    return None


def confirmation(workspace: Workspace, subscription: Subscription, locale: str, link: str) -> str:
    """Program, that it recurs and how often, rates, HELP and STOP (CTIA 5.1.2.1), and the way to the preference
    center."""
    say = translator(locale)
    return say(
        "%(brand)s: You are now subscribed to %(program)s. %(frequency)s. Msg & data rates may apply. "
        "Reply HELP for help, STOP to cancel. Your choices: %(link)s",
        brand=workspace.name,
        program=subscription.words(locale).name,
        frequency=say(workspace.frequency).rstrip("."),
        link=link,
    )
