"""Cards: inserting, rendering, submitting."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace

from bot.chat.card_answer import card_key, completed_part
from bot.chat.card_submission import Answer, Submitted
from bot.chat.card_view import CardView, card_view
from bot.chat.card_words import card_words, say_of
from bot.chat.conversations import ConversationService
from bot.consent.changes import ConsentChange, consent_change
from bot.consent.choices import can_answer_again, numbers_of
from bot.consent.form_limits import FormLimits, OneFormText
from bot.consent.ledger import Ledger
from bot.consent.numbers import address_of
from bot.consent.permission import yes_action
from bot.consent.proof_of_work import Proof, ProofOfWork
from bot.consent.saved_address import address_to_record
from bot.consent.stop_list import StopList
from bot.errors import BoxUnticked, CardClosed, NotFound, NumberStopped, WordsChanged
from bot.errors import marked as _
from bot.i18n import translator
from bot.model.base import now
from bot.model.contact import ConsentState, Contact
from bot.model.conversation import Author, AuthorKind, Card, CardState, Conversation, Part
from bot.model.event import Action, ChatOpening, ConsentEvent, Context, Source, Words
from bot.model.signal import SignalKind
from bot.model.subscription import MessageType, Subscription
from bot.model.workspace import Workspace
from bot.store import Store

PENDING = ConsentState.PENDING


class Cards:
    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        stops: StopList,
        conversations: ConversationService,
        limits: FormLimits,
        proofs: ProofOfWork,
    ) -> None:
        self._store = store
        self._proofs = proofs
        self._limits = limits
        self._ledger = ledger
        self._stops = stops
        self._conversations = conversations

    async def insert(self, conversation: str, card: Card, author: Author, key: str) -> Part:
        """Offers a card in a conversation. Raises NotFound or CardClosed (its subscription is not live, law 9)."""
        await self.live(card)
        return await self._conversations.append(conversation, author, card, key)

    async def views(
        self, parts: Iterable[Part], contact: Contact, workspace: Workspace, region: str = ""
    ) -> dict[str, CardView]:
        """The view models of the cards among `parts` by part id. `region`: see `card_view`."""
        cards = {part.id: part.content for part in parts if isinstance(part.content, Card)}
        found = await self.offered(cards.values())
        stopped = await self.stopped(contact) if cards else frozenset()
        say = translator(contact.locale)
        return {
            id: card_view(
                card, id, contact, found.get(card.subscription), workspace, say, region=region, stopped=stopped
            )
            for id, card in cards.items()
        }

    async def view(self, part: Part, contact: Contact, workspace: Workspace, region: str = "") -> CardView:
        """The card as it is now."""
        self._store.subscriptions.recent.cache_invalidate(_card(part).subscription)
        return (await self.views([part], contact, workspace, region))[part.id]

    async def stopped(self, contact: Contact) -> frozenset[str]:
        """Those of the contact's numbers that opted out of all texts."""
        numbers = numbers_of(contact)
        return frozenset(await self._stops.among(numbers)) if numbers else frozenset()

    def submitted_view(self, submitted: Submitted, contact: Contact, workspace: Workspace) -> CardView:
        """The card that was just completed, without reading its subscription again."""
        part, event, say = submitted.part, submitted.event, translator(contact.locale)
        person, stopped = submitted.contact or contact, {event.number} if event.stopped and event.number else set()
        return card_view(_card(part), part.id, person, submitted.subscription, workspace, say, stopped=stopped)

    async def card(self, conversation: Conversation, seq: int) -> Part:
        """A card of this conversation, which may not be stored; raises NotFound."""
        if 0 < seq <= len(conversation.opening):
            part: Part | None = conversation.opening[seq - 1].part(conversation.id, seq)
        else:
            part = await self._conversations.part(conversation.id, seq)
        if part is None or not isinstance(part.content, Card):
            raise NotFound(_("Form not found."))
        return part

    async def find(self, conversation: str, seq: int, contact: str) -> Part:
        """The part of a card in the contact's own conversation; raises NotFound for anyone else's (law 11)."""
        part, owner = await asyncio.gather(
            self._store.parts.get(self._store.parts.entry_id(conversation, seq)),
            self._store.conversations.get(conversation),
        )
        if part is None or owner is None or owner.contact != contact or not isinstance(part.content, Card):
            raise NotFound(_("Form not found."))
        return part

    async def submit(
        self, part: Part, contact: Contact, workspace: Workspace, answer: Answer, opening: ChatOpening | None = None
    ) -> Submitted:
        """Records the yes, durable when it returns. Consumers do the rest (card, entry, text, flow).

        Raises CardClosed, WordsChanged, SavedNumberLocked, NumberStopped, NumberRefused, EmailRefused, BoxUnticked or
        ProofNeeded: nothing was recorded.
        Raises StoreUnavailable: safe to retry.

        `opening`: of a chat that isn't stored yet; the event carries the data to store it.
        """
        here = {"opening": opening, "conversation": part.conversation, "part": part.id}
        answer = replace(answer, context=answer.context.model_copy(update=here))
        proof = await self._proofs.judge(answer.proof) if workspace.abuse.asks_proof else Proof.EXEMPT
        text = OneFormText(self._limits, answer.context.ip, proof)
        known: ConsentEvent | None = None
        subscription: Subscription | None = None

        async def decide(contact: Contact) -> ConsentChange | None:
            nonlocal known, subscription
            offered = await self._store.subscriptions.get(_card(part).subscription)
            if known := await self._known(part, contact, offered, answer.again):
                return None
            subscription = _live(offered)
            return await text.limited(await self._judge(part, subscription, contact, workspace, answer), contact)

        after, recorded = await text.decide(self._ledger, contact, decide)
        if recorded:
            done = completed_part(part, recorded.event)
            return Submitted(recorded.event, done, recorded.is_new, after, subscription)
        if known is None:
            raise CardClosed
        await self._ledger.acknowledge(known)
        return Submitted(known, completed_part(part, known), False, await self._ledger.contact(contact.id))

    async def check(self, part: Part, contact: Contact, workspace: Workspace, answer: Answer) -> None:
        """Raises what `submit` would raise, and records nothing."""
        offered = await self._store.subscriptions.get(_card(part).subscription)
        if await self._known(part, contact, offered, answer.again) is None:
            await self._judge(part, _live(offered), contact, workspace, answer)

    async def _judge(
        self, part: Part, subscription: Subscription, contact: Contact, workspace: Workspace, answer: Answer
    ) -> ConsentChange:
        """The change that the submission asks for, if the rules allow it."""
        card = _card(part)
        words = card_words(card, subscription, translator(contact.locale))
        if words.version != answer.version:
            raise WordsChanged
        address = address_to_record(contact, subscription, answer.address, answer.region, workspace.texted)
        is_sms = subscription.message_type is MessageType.SMS
        is_theirs = address_of(contact, MessageType.SMS) is not None or address == card.number
        if is_sms and is_theirs and await self._stops.is_stopped(address):
            raise NumberStopped  # not for a typed number: that would reveal a stranger's opt-out
        if words.box and not answer.ticked:
            raise BoxUnticked
        return consent_change(
            contact,
            subscription,
            yes_action(subscription, contact.consent(subscription.id), address),
            address,
            source=Source.FORM,
            words=words,
            context=answer.context,
            warned_of=answer.again or None,
            shown_at=card.shown_at or part.at,
            flow=await self._flow_of(part),
            flow_step=card.flow_step,
            message=card.message,
            key=_key(part, answer.again),
        )

    async def _flow_of(self, part: Part) -> tuple[str | None, int | None]:
        """The flow that inserted this card, and its version. Cards of earlier versions of Sayso don't name it, but
        their conversation has only one."""
        card = _card(part)
        if card.flow or card.message or part.author.kind is not AuthorKind.BOT:
            return card.flow, card.flow_version
        conversation = await self._conversations.get(part.conversation)
        run = conversation.run if conversation else None
        return (run.flow, run.version) if run else (None, None)

    async def cancel(self, part: Part, contact: Contact, asked: str, context: Context) -> Contact:
        """Takes back the request for confirmation that the event `asked` recorded, so that the card asks for a number
        again, and a late YES from the old one confirms nothing. Anything else stays as it is. Returns the contact
        afterwards.

        Raises CardClosed, or StoreUnavailable: safe to retry.
        """
        subscription = await self._store.subscriptions.get(_card(part).subscription)
        if subscription is None:
            raise CardClosed
        say = say_of(_card(part), translator(contact.locale))
        words = Words(locale=say.locale, act=f'pressed "{say("Use a different number")}"')
        here = context.model_copy(update={"conversation": part.conversation, "part": part.id})

        async def decide(judged: Contact) -> ConsentChange | None:
            consent = judged.consent(subscription.id)
            if consent is None or (consent.event, consent.state) != (asked, PENDING):
                return None
            return consent_change(
                judged,
                subscription,
                Action.CANCEL,
                consent.number,
                source=Source.FORM,
                words=words,
                context=here,
                key=f"cancel:{asked}",
            )

        return (await self._ledger.decide(contact, decide))[0]

    async def opened(self, conversation: str, seq: int, contact: str) -> None:
        """The contact focused a field of the card. Ignored for cards of others."""
        with suppress(NotFound):
            part = await self.find(conversation, seq, contact)
            if _card(part).opened_at is None:
                await self._store.parts.opened(part, now())
                await self._tell(part, contact)

    async def shown(self, part: Part) -> None:
        """A program asked for the card, to show it."""
        await self._store.parts.shown(part, now())

    async def tried(self, part: Part, contact: str, problem: str) -> None:
        """A submission with an error: teammates see the error, never the number."""
        await self._store.parts.tried(part, problem)
        await self._tell(part, contact)

    async def _tell(self, part: Part, contact: str) -> None:
        author = Author(kind=AuthorKind.CONTACT, id=contact)
        await self._conversations.signal(part.conversation, SignalKind.CARD, author, seq=part.seq)

    async def _known(
        self, part: Part, contact: Contact, subscription: Subscription | None, again: str
    ) -> ConsentEvent | None:
        """The event that completed this card. Raises CardClosed if the card was withdrawn, or if it was completed and
        the person who submits it again has no reason to (`can_answer_again`)."""
        state = _card(part).state
        if state is CardState.OPEN and not contact.ledger.seq:
            return None
        event = await self.answer_of(part, contact.id, again)
        if event is None and again and state is CardState.COMPLETED:
            consent = contact.consent(_card(part).subscription)
            if consent and subscription and can_answer_again(consent, contact, subscription):
                return None
        if state is not CardState.OPEN and event is None:
            raise CardClosed
        return event

    async def answer_of(self, part: Part, contact: str, again: str = "") -> ConsentEvent | None:
        """The event that a submission of this card recorded, even if the card doesn't show it yet."""
        return await self._store.events.by_key(contact, f"{contact}:{_key(part, again)}")

    async def live(self, card: Card) -> Subscription:
        """The card's subscription. Raises CardClosed if it is not live."""
        return _live(await self._store.subscriptions.get(card.subscription))

    async def offered(self, cards: Iterable[Card]) -> dict[str, Subscription]:
        """What these cards offer, by id, to be shown: a submission is judged by `live`."""
        wanted = list(dict.fromkeys(card.subscription for card in cards))
        found = [await self._store.subscriptions.recent(id) for id in wanted]
        return {subscription.id: subscription for subscription in found if subscription}


def _live(subscription: Subscription | None) -> Subscription:
    if subscription is None or not subscription.is_live:
        raise CardClosed
    return subscription


def _key(part: Part, again: str = "") -> str:
    """The idempotency key of a submission (law 4): a card is answered once, however many tabs are open. After each
    opt-out it can be answered once more (`again` is the opt-out's event)."""
    return f"{card_key(part.id)}:{again}" if again else card_key(part.id)


def _card(part: Part) -> Card:
    if not isinstance(part.content, Card):
        raise NotFound(_("Form not found."))
    return part.content
