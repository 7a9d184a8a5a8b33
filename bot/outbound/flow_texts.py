"""The texts that bot flows send, and the YES that answers their forms."""

from __future__ import annotations

from bot.chat.card_words import card_words
from bot.consent.changes import ConsentChange, consent_change
from bot.consent.ledger import Ledger
from bot.consent.numbers import address_of
from bot.i18n import DEFAULT, translator
from bot.model.contact import Contact
from bot.model.conversation import Card, Conversation, Part, Text, part_id
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.model.event import Action, Context, Source, Words
from bot.model.subscription import MessageType, Subscription
from bot.outbound.kinds import KINDS
from bot.outbound.queue import DeliveryQueue
from bot.store import Store

ARRIVED = {DeliveryState.SENT, DeliveryState.UNKNOWN}


class FlowTexts:
    def __init__(self, store: Store, ledger: Ledger, deliveries: DeliveryQueue) -> None:
        self._store = store
        self._ledger = ledger
        self._deliveries = deliveries

    async def send(self, contact: str, subscription: str, text: str, key: str, *, flow: str, locale: str) -> None:
        """Queues a text of a subscription; one for each `key`. Permission is asked when it is sent (law 7)."""
        known = await self._store.contacts.get(contact)
        if known and not known.is_gone:
            await self._deliveries.flow_text(known, subscription, text, key, flow=flow, locale=locale)

    async def reply(self, conversation: Conversation, part: Part) -> None:
        """Queues an entry of a conversation by text; once for each."""
        known, number = await self._store.contacts.get(conversation.contact), conversation.number or ""
        locale = known.locale if known else DEFAULT
        match part.content:
            case Text(text=text):
                await self._deliveries.flow_reply(part, conversation.contact, number, text, locale=locale)
            case Card(subscription=id) as card:
                words = card_words(card, await self._store.subscriptions.get(id), translator(locale))
                await self._deliveries.flow_reply(
                    part, conversation.contact, number, words.title, locale=words.locale, subscription=id
                )

    async def accept(self, conversation: Conversation, seq: int) -> None:
        """Records the YES to a form, with the words that were texted (law 6), for the number that replied. Nothing is
        recorded if the form never left, or its subscription isn't live any more."""
        part = await self._store.parts.get(part_id(conversation.id, seq))
        card = part.content if part else None
        contact = await self._ledger.contact(conversation.contact)
        if part is None or not isinstance(card, Card) or contact is None:
            return
        sent = await self._store.deliveries.get(KINDS[DeliveryKind.FLOW_REPLY].id_of(part.id))
        subscription = await self._store.subscriptions.get(card.subscription)
        if sent is None or sent.state not in ARRIVED or subscription is None or not _is_texted(subscription):
            return

        async def decide(judged: Contact) -> ConsentChange | None:
            if address_of(judged, MessageType.SMS) != sent.number:
                return None
            return _yes(judged, subscription, card, part, sent)

        await self._ledger.decide(contact, decide)


def _yes(contact: Contact, subscription: Subscription, card: Card, part: Part, sent: Delivery) -> ConsentChange:
    return consent_change(
        contact,
        subscription,
        Action.OPT_IN,
        sent.number,
        source=Source.KEYWORD,
        words=_words(subscription, sent),
        key=f"flow:{part.id}",
        context=Context(conversation=part.conversation, part=part.id),
        flow=(card.flow, card.flow_version),
        flow_step=card.flow_step,
    )


def _words(subscription: Subscription, sent: Delivery) -> Words:
    """As they were texted."""
    title, _, request = (sent.body or "").partition("\n")
    named = subscription.words(sent.locale)
    return Words(
        title=title,
        legal_text=request,
        subscription_name=named.name,
        subscription_description=named.description,
        locale=sent.locale,
        act='texted "YES"',
        subscription_version=subscription.version,
    )


def _is_texted(subscription: Subscription) -> bool:
    return subscription.is_live and subscription.message_type is MessageType.SMS
