"""Builders for tests: a contact, a subscription, a card, an answer, a second process."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.app import Bot
from bot.chat.card_submission import Answer, Submitted
from bot.chat.conversations import ConversationService
from bot.consent.changes import ConsentChange
from bot.consent.form_wording import WordingCheck
from bot.consent.ledger import Ledger
from bot.contacts.service import ContactService
from bot.demo import DEALS
from bot.flows.document import FlowDocument
from bot.flows.effects import Write
from bot.flows.engine import advance, begun
from bot.flows.messenger import Opened
from bot.flows.outlets import Outlets
from bot.flows.performing import BOT
from bot.flows.runs import Runs
from bot.flows.scripts import Scripts
from bot.flows.steps import Step
from bot.flows.steps.base import Started
from bot.flows.triggers import MessengerOpened
from bot.i18n import translator
from bot.model.base import new_id, now
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.conversation import Author, AuthorKind, Card, Part
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.model.event import Action, Actor, Context, Source
from bot.model.flow import Run
from bot.model.subscription import ConsentType, MessageType, Subscription, SubscriptionState, SubscriptionVersion
from bot.model.workspace import IncompleteWording, Workspace
from bot.outbound.delivery_links import DeliveryLinks
from bot.outbound.flow_texts import FlowTexts
from bot.outbound.queue import DeliveryQueue
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from bot.webhooks.flow_events import FlowEvents
from bot.webhooks.outbox import WebhookOutbox

AT = datetime(2026, 11, 23, 9, 41, tzinfo=UTC)
NUMBER, ANOTHER = "+12015550123", "+12015550124"
TEXTED = ("US", "CA", "GB")
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""The smallest picture: a PNG of 1 by 1."""
JPEG = b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00\xff\xd9"
"""A JPEG header of 1 by 1."""
TEAMMATE = Author(kind=AuthorKind.TEAMMATE, id="teammate")
HERE = Context(page="https://shop.example/roasts", ip="192.0.2.7", user_agent="Firefox/150")


def tells_number(text: str) -> bool:
    """Whether the text contains one of our numbers in any format. One id in 200 contains "555"."""
    return re.search(r"555\D{0,3}01\d\d", text) is not None


@asynccontextmanager
async def second_process(mongo: EmbeddedServer) -> AsyncIterator[Store]:
    """The same database through another client, like another process."""
    async with open_store(mongo.url, "sayso_test") as store:
        yield store


def subscription(id: str = "deals", **values: Any) -> Subscription:
    usual: dict[str, Any] = {
        "name": "Deals",
        "description": "Offers",
        "message_type": MessageType.SMS,
        "consent_type": ConsentType.OPT_IN,
        "state": SubscriptionState.LIVE,
        "created_at": AT,
        "updated_at": AT,
    }
    return Subscription(id=id, **{**usual, **values})


def version_of(after: Subscription) -> SubscriptionVersion:
    return SubscriptionVersion(
        id=f"{after.id}:{1:010d}",
        subscription=after.id,
        seq=1,
        act="created",
        by="t",
        by_name="Ada",
        at=AT,
        after=after,
        key=f"{after.id}:created",
    )


def person(id: str = "ada", **values: Any) -> Contact:
    return Contact(id=id, created_at=AT, updated_at=AT, **values)


def workspace(**values: Any) -> Workspace:
    return Workspace(**{"name": "Harbor Coffee", "countries": TEXTED, **values})


def consent(state: ConsentState, **values: Any) -> Consent:
    usual = {"subscription": "deals", "number": NUMBER, "at": AT, "source": Source.FORM, "event": "e"}
    return Consent(state=state, **{**usual, **values})


def change(contact: str, key: str, action: Action = Action.OPT_IN, **values: Any) -> ConsentChange:
    usual = {
        "subscription": DEALS,
        "number": NUMBER,
        "source": Source.FORM,
        "actor": Actor(kind="contact", id=contact),
    }
    return ConsentChange(contact=contact, key=key, action=action, **{**usual, **values})


def card(**values: Any) -> Card:
    return Card(
        **{"subscription": DEALS, "title": "Sign up to our deals", "legal_text": "Reply STOP to stop.", **values}
    )


def wording(
    rule: IncompleteWording = IncompleteWording.OFF, *, is_admin: bool = False, accepted: Collection[str] = ()
) -> WordingCheck:
    """By default any legal text may be used."""
    return WordingCheck(
        workspace=workspace(incomplete_wording=rule), is_admin=is_admin, say=translator("en"), accepted=accepted
    )


async def asked(bot: Bot, contact: Contact, content: Card | None = None, key: str = "card") -> Part:
    """A card in a conversation of its own, before the contact."""
    conversation = f"with-{contact.id}-{key}"
    await bot.conversations.begin(conversation, contact.id, TEAMMATE, [])
    return await bot.cards.insert(conversation, content or card(), TEAMMATE, key)


def greets(*steps: Step, **values: Any) -> FlowDocument:
    """A flow that opens every chat with these steps."""
    return FlowDocument(**{"triggers": (MessengerOpened(),), "steps": steps, **values})


def runs_of(store: Store, outbox: WebhookOutbox | None = None) -> Runs:
    """Those of a process of its own. `outbox`: with the endpoints that it has read."""
    queue = DeliveryQueue(store, DeliveryLinks("s" * 32, "https://chat.example.com", days=1))
    outlets = Outlets(FlowTexts(store, Ledger(store), queue), FlowEvents(store, outbox or WebhookOutbox(store)))
    return Runs(store, ConversationService(store), ContactService(store, Ledger(store)), outlets)


async def greeted(store: Store, contact: str) -> tuple[str, list[Part]]:
    """A stored conversation that the flow that greets has opened, and its entries."""
    script, id = await Scripts(store).greeting(person(contact)), new_id()
    if script is None:
        return id, await ConversationService(store).begin(id, contact, BOT, [])
    run = Run(id=id, flow=script.flow, version=script.version, state=begun(script, "en"))
    effects, state = advance(script, run.state, Started(now()))
    opening = [(run.key(place), e.content) for place, e in enumerate(effects) if isinstance(e, Write)]
    moved = run.model_copy(update={"revision": 1, "state": state, "part": len(effects)})
    return id, await ConversationService(store).begin(id, contact, BOT, opening, moved)


async def answer_to(bot: Bot, part: Part, contact: Contact, **values: Any) -> Answer:
    """What a contact submits who saw the card in its current state."""
    view = await bot.cards.view(part, contact, await bot.workspace())
    return Answer(**{"address": "(201) 555-0123", "region": "US", "version": view.version, **values})


async def act(bot: Bot, opened: Opened) -> Opened:
    """The chat as it is after a first act that left no entry: stored, with its contact."""
    if opened.opening:
        conversation = await bot.openings.conversation(opened.opening, opened.contact.id)
        await bot.openings.store(opened.contact, conversation)
    return replace(opened, contact=opened.contact.model_copy(update={"is_stored": True}), opening=None)


async def answered(bot: Bot, contact: Contact, key: str = "card") -> Submitted:
    """A card that the contact completed; its consequences may still be under way."""
    part = await asked(bot, contact, key=key)
    answer = await answer_to(bot, part, contact)
    return await bot.cards.submit(part, contact, await bot.workspace(), answer)


async def texted(store: Store, number: str, body: str, id: str = "") -> None:
    """One of our texts, delivered to the simulated phone."""
    await store.deliveries.insert(
        Delivery(
            id=id or new_id(), contact="", kind=DeliveryKind.REPLY, event="", number=number, locale="en", body=body,
            state=DeliveryState.SENT, created_at=(time := now()), updated_at=time,
        )
    )  # fmt: skip


@contextmanager
def no_consumers(bot: Bot) -> Iterator[None]:
    """Events are recorded without consequences: the process dies right after each."""
    bot.ledger.publish_to(lambda events: None)
    yield
    bot.ledger.publish_to(bot.consumers.publish)


async def look_again(bot: Bot) -> None:
    """What the holder of the lease does some seconds later."""
    await bot.catch_up.scan(now() - timedelta(hours=1), now() + timedelta(minutes=1))


async def events_of(store: Store, contact: str) -> list[Any]:
    return await store.events.after(contact, 0, limit=1000)
