"""Sayso put together: what a process holds, and the work that it does behind the requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from secrets import token_urlsafe

from async_lru import alru_cache
from ulid import ULID

from bot.aio.background import BackgroundTasks, every
from bot.chat.cards import Answer, Cards, Submitted
from bot.chat.conversations import ConversationService
from bot.chat.feed import Feed
from bot.chat.inbox import Inbox
from bot.chat.visitors import Claim, Visitors
from bot.config import Settings
from bot.consent.confirmations import Confirmations
from bot.consent.ledger import Ledger
from bot.consent.preferences import Preferences
from bot.consent.profile import Profiles
from bot.consent.stop_list import StopList
from bot.errors import StoreUnavailable
from bot.flows.runs import Runs, waits_for
from bot.jobs.kinds import all_kinds
from bot.jobs.service import JobService
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.conversation import (
    Author,
    AuthorKind,
    Card,
    Conversation,
    ConversationEvent,
    ConversationEventName,
    Part,
)
from bot.model.event import Action, ConsentEvent
from bot.model.flow import Wait
from bot.model.workspace import Workspace
from bot.outbound.gateways import make_gateway
from bot.outbound.inbound import Inbound
from bot.outbound.links import DeliveryLinks
from bot.outbound.phone import DemoPhone
from bot.outbound.queue import DeliveryQueue
from bot.outbound.replies import Replies
from bot.outbound.sender import Sender
from bot.outbound.texting import Texting
from bot.security import Signatures
from bot.store import Duplicate, Store
from bot.workspace.brand import BrandKeeper
from bot.workspace.current import load_workspace
from bot.workspace.forms import FormTemplateService
from bot.workspace.subscriptions import SubscriptionService
from bot.workspace.teammates import TeammateService
from bot.workspace.tokens import Tokens

log = logging.getLogger("sayso")

CACHE_SECONDS = 1.0
MOMENT = 0.02
"""Seconds. What follows from a card may begin this much later."""
CATCH_UP_WINDOW = timedelta(days=1)
"""How far back a start looks for cards that were left open."""
STALLED = timedelta(seconds=10)
"""Work that another process should have done long ago is taken over."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A messenger that was opened."""

    contact: Contact
    token: str
    conversation: str
    parts: list[Part]
    fresh: list[int]
    """Sequences of the entries that this opening made."""
    last: int


class Bot:
    """One process's Sayso. The faces call its parts; what crosses parts is here."""

    def __init__(self, settings: Settings, store: Store, secret: str, public_url: str) -> None:
        self.settings = settings
        self.store = store
        self.public_url = public_url
        self.ledger = Ledger(store)
        self.feed = Feed(store)
        self.conversations = ConversationService(store, self.feed.publish)
        self.stops = StopList(store, self.ledger)
        self.cards = Cards(store, self.ledger, self.stops, self.conversations)
        self.inbox = Inbox(store, self.conversations, self.cards)
        self.runs = Runs(store, self.conversations)
        self.visitors = Visitors(store, self.ledger, secret=secret, days=settings.visitor_days)
        self.preferences = Preferences(store, self.ledger, link_days=settings.link_days)
        self.confirmations = Confirmations(store, self.ledger)
        links = DeliveryLinks(secret, public_url, days=settings.link_days)
        self.deliveries = DeliveryQueue(store, links)
        self.phone = DemoPhone(store, links)
        self.preferences.then(self._queue_text)
        self.profiles = Profiles(store, self.ledger, self.stops)
        self.profiles.then(self._queue_text)
        self.texting = Texting(
            store, self.ledger, self.stops, self.conversations, self.inbox, self.deliveries, secret=secret
        )
        self.inbound = Inbound(store, self.stops, self.confirmations, self.deliveries, self.texting)
        self.teammates = TeammateService(store)
        self.tokens = Tokens(store)
        self.subscriptions = SubscriptionService(store)
        self.forms = FormTemplateService(store)
        self.jobs = JobService(store, all_kinds(store))
        self.signatures = Signatures(secret)
        self.background = BackgroundTasks()
        self.spawn, self.finish = self.background.spawn, self.background.finish
        self._caught_up_to = _ulid_time(now() - CATCH_UP_WINDOW)
        self.workspace = alru_cache(maxsize=1, ttl=CACHE_SECONDS)(
            partial(load_workspace, store, settings.identity_secret)
        )
        """`await bot.workspace()`: the business, at most a second old."""
        self.brand = BrandKeeper(store, changed=self.workspace.cache_clear)
        self.reply = Replies(self.inbox, self.texting, self.workspace).reply
        self.gateway = make_gateway(settings, store)
        self.sender = Sender(store, self.deliveries, self.ledger, self.stops, self.gateway, links, self.workspace)

    async def open_messenger(self, token: str | None, claim: Claim, wanted: str | None) -> Opened:
        """`wanted`: a conversation's id, `new`, or None for the newest one.

        A person without one is greeted in a new one.
        """
        contact, is_new = await self.visitors.enter(token, claim, await self.workspace())
        if not is_new:
            self.spawn(self.visitors.was_here(contact, claim))
        conversation = None
        if not is_new and wanted != "new":
            conversation = (
                await self.conversations.of_contact(wanted, contact.id)
                if wanted
                else await self.conversations.newest(contact.id)
            )
        if conversation:
            return await self._opened(contact, conversation)
        if is_new:
            _, (id, parts) = await asyncio.gather(self._insert(contact), self.runs.begin(contact.id))
        else:
            id, parts = await self.runs.begin(contact.id)
        return Opened(contact, self.visitors.token(contact.id), id, parts, [p.seq for p in parts], len(parts))

    async def submit(self, part: Part, contact: Contact, answer: Answer) -> Submitted:
        """Records a card's answer. When it returns the answer is durable; what follows from it goes on by itself."""
        submitted = await self.cards.submit(part, contact, await self.workspace(), answer)
        if submitted.part.follow_up:
            self.spawn(self._follow_up_soon(submitted))
        return submitted

    async def say(self, conversation: Conversation, text: str, key: str) -> Part:
        """A message that the contact writes in the chat, once for each key. A flow that waits for it continues."""
        is_awaited = waits_for(conversation.run, Wait.ANSWER)
        part = await self.conversations.say(conversation, text, key, is_due=is_awaited)
        if is_awaited:
            self.spawn(self._heard(part))
        return part

    async def _heard(self, part: Part) -> None:
        await self.runs.heard(part)
        await self.cards.done(part)

    async def follow_up(self, part: Part, event: ConsentEvent) -> None:
        """What follows from a completed card: the text, the entry in the chat, the flow (once the yes counts).

        Doing it again does nothing twice.
        """
        is_asked = event.action is Action.REQUEST_CONFIRMATION
        said = ConversationEvent(
            name=ConversationEventName.ASKED if is_asked else ConversationEventName.SIGNED_UP,
            part=part.seq,
            subscription=event.subscription or "",
        )
        author = Author(kind=AuthorKind.CONTACT, id=event.contact)
        await asyncio.gather(
            self.deliveries.queue_for([event]),
            self.conversations.append(part.conversation, author, said, f"{said.name}:{part.seq}"),
        )
        if not is_asked:
            await self.runs.card_completed(part)
        await self.cards.done(part)

    async def receive(self, number: str, text: str, text_id: str) -> None:
        """A text from a phone. What it asks for is durable when it returns; what follows from it goes on by itself.

        The same text again (by its id) does nothing twice. Raises StoreUnavailable.
        """
        event = await self.inbound.receive(number, text, text_id)
        if event is None:
            return
        submitted = await self.cards.confirmed(event)
        if submitted is None:
            await self.deliveries.queue_for([event])
        elif submitted.part.follow_up:
            self.spawn(self._follow_up_soon(submitted))

    async def _follow_up_soon(self, submitted: Submitted) -> None:
        """Together with the cards that are completed in the same moment, so that they share their round trips."""
        await asyncio.sleep(MOMENT - asyncio.get_running_loop().time() % MOMENT)
        await self.follow_up(submitted.part, submitted.event)

    async def resume_overdue(self) -> None:
        """Takes over what a crash, here or in another process, left undone."""
        for part in await self.store.parts.due(now() - STALLED):
            await self._finish_follow_up(part)

    async def catch_up(self, *, until: datetime | None = None) -> None:
        """Completes the cards that were left open after their answer was recorded, and queues the texts that answers
        without a card ask for: the process died, or the database went away, between the two. Each call goes on from
        where the last one ended.
        """
        end = _ulid_time(until or now())
        while events := await self.store.events.between(self._caught_up_to, end, limit=500):
            for submitted in await self.cards.catch_up(events):
                await self._finish_follow_up(submitted.part, submitted.event)
            await asyncio.gather(*(self._follow(event) for event in events if not event.context.part))
            self._caught_up_to = events[-1].event

    async def _queue_text(self, event: ConsentEvent) -> None:
        await self.deliveries.queue_for([event])

    async def _follow(self, event: ConsentEvent) -> None:
        try:
            await self.deliveries.queue_for([event])
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("the text that an answer asks for could not be queued")

    async def _finish_follow_up(self, part: Part, event: ConsentEvent | None = None) -> None:
        """One that can't be followed up is put off: it must not keep the others waiting."""
        try:
            if part.is_message_of is AuthorKind.CONTACT:
                return await self._heard(part)
            if not isinstance(part.content, Card):
                return await self.texting.queue(part)
            event = event or await self.store.events.get(part.content.event or "")
            await (self.follow_up(part, event) if event else self.cards.done(part))
        except StoreUnavailable:
            raise
        except Exception:
            log.exception("what follows from an entry failed")
            await self.cards.put_off(part)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The work behind the requests: live feed, texts, recovery, jobs."""
        await self.feed.start()
        periodic = every(STALLED.total_seconds(), self._periodic_work())
        try:
            async with self.background.running(self.sender.work, periodic, self.jobs.work):
                yield
        finally:
            await self.gateway.close()

    async def _opened(self, contact: Contact, conversation: Conversation) -> Opened:
        parts = await self.conversations.page(conversation.id)
        last = parts[-1].seq if parts else 0
        return Opened(contact, self.visitors.token(contact.id), conversation.id, parts, [], last)

    async def _insert(self, contact: Contact) -> None:
        try:
            await self.store.contacts.insert(contact)
        except Duplicate:
            raise StoreUnavailable from None  # the same user in another tab was first: opening again finds them

    def _periodic_work(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            lambda: self.catch_up(until=now() - STALLED),
            self.resume_overdue,
            lambda: self.confirmations.lapse(now()),
            lambda: self.inbox.wake(now()),
            lambda: self.runs.time_came(now()),
        ]


def _ulid_time(time: datetime) -> str:
    """What the ids of all events of this time begin with."""
    return str(ULID.from_datetime(time))[:10]


async def make_bot(settings: Settings, store: Store, public_url: str) -> Bot:
    """Without a key of its own in the settings, a workspace signs with the one that was made at its first start."""
    await store.workspaces.keep(Workspace(name="Your business", identity_secret=token_urlsafe(32)))
    secret = settings.secret_key.get_secret_value() if settings.secret_key else await store.keys.of("visitors")
    return Bot(settings, store, secret, public_url)
