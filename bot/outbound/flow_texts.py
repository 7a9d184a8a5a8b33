"""The texts that bot flows send, and the YES that answers their forms."""

from __future__ import annotations

from datetime import datetime

from bot.chat.card_words import card_words
from bot.consent.changes import ConsentChange, consent_change
from bot.consent.ledger import Ledger
from bot.consent.numbers import address_of
from bot.consent.past_permission import subscription_at
from bot.consent.projection import PENDING_FOR
from bot.consent.recorder import LOOK_BACK
from bot.i18n import DEFAULT, translator
from bot.model.contact import Contact
from bot.model.conversation import AuthorKind, Card, Conversation, Part, Text, part_id
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.model.event import Action, Context, Source, Words
from bot.model.subscription import MessageType, Subscription
from bot.outbound.kinds import KINDS
from bot.outbound.queue import DeliveryQueue
from bot.store import Store
from bot.store.deliveries import LEFT

READ_BACK = 100
"""Entries of a conversation in which the contact's last text is looked for."""


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
        locale, heard_at = known.locale if known else DEFAULT, await self._heard_at(part)
        match part.content:
            case Text(text=text):
                await self._deliveries.flow_reply(
                    part, conversation.contact, number, text, locale=locale, heard_at=heard_at
                )
            case Card(subscription=id) as card:
                words = card_words(card, await self._store.subscriptions.get(id), translator(locale))
                about = {"locale": words.locale, "subscription": id}
                await self._deliveries.flow_reply(
                    part, conversation.contact, number, words.title, heard_at=heard_at, **about
                )

    async def accept(self, conversation: Conversation, seq: int, reply: str) -> None:
        """Records the YES (an entry's id) to a form, with the words that were texted (law 6), for the number that
        replied. Nothing is recorded if the form never left, its subscription isn't live any more, or the YES may mean
        something else: then it is up to teammates."""
        parts = await self._store.parts.get_many([part_id(conversation.id, seq), reply])
        form, yes = parts.get(part_id(conversation.id, seq)), parts.get(reply)
        contact = await self._ledger.contact(conversation.contact)
        if form is None or yes is None or contact is None or not isinstance(form.content, Card):
            return
        card, sent = form.content, await self._store.deliveries.get(KINDS[DeliveryKind.FLOW_REPLY].id_of(form.id))
        subscription = await self._store.subscriptions.get(card.subscription)
        if sent is None or subscription is None or not _is_texted(subscription):
            return
        if conversation.number != sent.number or not await self._answers(yes, sent):
            return
        words = await self._words(subscription, sent, yes)

        async def decide(judged: Contact) -> ConsentChange | None:
            if address_of(judged, MessageType.SMS) != sent.number or await self._is_revoked(sent):
                return None
            return _yes(judged, subscription, card, form, sent, words)

        await self._ledger.decide(contact, decide)

    async def _heard_at(self, part: Part) -> datetime | None:
        earlier = await self._store.parts.before(part.conversation, part.seq, limit=READ_BACK)
        return max((p.at for p in earlier if p.is_message_of is AuthorKind.CONTACT), default=None)

    async def _answers(self, yes: Part, sent: Delivery) -> bool:
        """Whether this YES can only mean that form."""
        if sent.handed_at is None or not _has_left(sent):
            return False
        is_in_time = sent.handed_at <= yes.at < sent.handed_at + PENDING_FOR
        return is_in_time and not await self._store.deliveries.has_followed(sent, yes.at)

    async def _is_revoked(self, sent: Delivery) -> bool:
        """Asked before the number's STOP, and not again since."""
        stop = (await self._store.stops.of([sent.number])).get(sent.number)
        if stop is None or sent.handed_at is None:
            return False
        return stop.holds or (stop.revoked_until is not None and sent.handed_at < stop.revoked_until)

    async def _words(self, subscription: Subscription, sent: Delivery, yes: Part) -> Words:
        """The words as they were texted, and the reply."""
        versions = await self._store.subscription_versions.before(subscription.id, None, limit=LOOK_BACK)
        then = subscription_at(subscription, versions, sent.checked_at or sent.created_at)
        title, _, request = (sent.body or "").partition("\n")
        return Words(
            title=title,
            legal_text=request,
            subscription_name=then.words(sent.locale).name,
            locale=translator(sent.locale).locale,
            act=f'texted "{yes.content.text if isinstance(yes.content, Text) else ""}"',
            subscription_version=then.version,
        )


def _yes(
    contact: Contact, subscription: Subscription, card: Card, part: Part, sent: Delivery, words: Words
) -> ConsentChange:
    return consent_change(
        contact,
        subscription,
        Action.OPT_IN,
        sent.number,
        source=Source.KEYWORD,
        words=words,
        key=f"flow:{part.id}",
        context=Context(conversation=part.conversation, part=part.id),
        flow=(card.flow, card.flow_version),
        flow_step=card.flow_step,
    )


def _has_left(sent: Delivery) -> bool:
    """Whether it reached the phone, or may have."""
    return sent.state in LEFT and (sent.state is not DeliveryState.SENDING or sent.ask_at is not None)


def _is_texted(subscription: Subscription) -> bool:
    return subscription.is_live and subscription.message_type is MessageType.SMS
