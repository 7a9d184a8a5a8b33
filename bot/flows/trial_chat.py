"""A trial as the chat that a messenger shows, and all of it as one value, so that nothing is stored: pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from pydantic import Field

from bot.consent.numbers import example_number
from bot.consent.projection import consent_fields
from bot.consent.saved_address import address_to_record
from bot.errors import BoxUnticked, CardClosed
from bot.flows.effects import Effect, Write
from bot.flows.matching import PersonFacts
from bot.flows.script import Script
from bot.flows.trial import Trial
from bot.flows.triggers import ConsentTrigger
from bot.flows.variants import with_variant
from bot.model.base import Value
from bot.model.contact import Consent, ConsentState, Contact
from bot.model.conversation import Author, AuthorKind, Card, CardState, Content, Part, Text, part_id
from bot.model.conversation_event import ConversationEvent, ConversationEventName
from bot.model.event import Source
from bot.model.flow import State, Wait
from bot.model.subscription import MessageType, Subscription

CHAT, CONTACT = "trial", "trial"
Persona = Literal["new", "saved", "opted_out"]
"""A visitor that nothing is known of, one with a saved number, and one who also opted out of everything."""
BOT = Author(kind=AuthorKind.BOT, id="flow")
VISITOR = Author(kind=AuthorKind.CONTACT, id=CONTACT)


class TrialState(Value):
    """Everything that a trial knows. The page sends it back, signed, with the next thing that the visitor does."""

    contact: Contact
    at: datetime
    state: State
    seq: int = 0
    """Of the newest entry."""
    cards: dict[int, Card] = Field(default_factory=dict)
    """Those in the chat, by their entry."""
    open_card: int = 0
    """The card that the flow waits for."""
    variant: int = 0
    """Which variant of forms the visitor sees, see `TrialChat`."""


def persona(kind: Persona, subscriptions: Iterable[Subscription], region: str, locale: str, at: datetime) -> Contact:
    """A made-up contact."""
    somebody = Contact(id=CONTACT, locale=locale, created_at=at, updated_at=at)
    if kind == "new":
        return somebody
    known = {"name": "Alex Example", "phone": example_number(region), "email": "alex@example.com"}
    somebody = somebody.model_copy(update=known)
    for subscription in subscriptions if kind == "opted_out" else ():
        out = _opted_out(subscription, somebody, at - timedelta(days=30))
        somebody = somebody.model_copy(update=consent_fields(somebody, subscription.id, out))
    return somebody


def _opted_out(subscription: Subscription, contact: Contact, at: datetime) -> Consent:
    is_email = subscription.message_type is MessageType.EMAIL
    given = {"email": contact.email} if is_email else {"number": contact.phone}
    state, source = ConsentState.OPTED_OUT, Source.PREFERENCE_CENTER
    return Consent(subscription=subscription.id, state=state, at=at, source=source, event="before", **given)


def as_triggered(contact: Contact, script: Script, at: datetime) -> Contact:
    """A flow that a change of consent starts is met by someone whose consent has just changed so."""
    trigger = script.triggers[0] if script.triggers else None
    if not isinstance(trigger, ConsentTrigger):
        return contact
    given = {"number": contact.phone, "email": contact.email}
    consent = Consent(
        subscription=trigger.subscription, state=trigger.states[0], at=at, source=Source.FORM, event="before", **given
    )
    return contact.model_copy(update=consent_fields(contact, trigger.subscription, consent))


class TrialChat:
    """`parts`: what a step of the trial added or changed; `effects`: what the flow did.

    `variant`: 1 is the first one of each form; 0, and one that a form doesn't have, its own words.
    """

    def __init__(
        self, script: Script, facts: PersonFacts, known: TrialState | None = None, *, variant: int = 0
    ) -> None:
        state = known.state if known else None
        self.trial = Trial(script, facts.at, locale=facts.contact.locale, facts=facts, state=state)
        self.parts: list[Part] = []
        self.effects: list[Effect] = []
        self._seq = known.seq if known else 0
        self._cards = dict(known.cards) if known else {}
        self._open_card = known.open_card if known else 0
        self._variant = known.variant if known else variant

    @property
    def contact(self) -> Contact:
        return self.trial.facts.contact

    def state(self) -> TrialState:
        trial = self.trial
        is_open = Wait.PART in trial.state.waits
        return TrialState(
            contact=self.contact,
            at=trial.facts.at,
            state=trial.state,
            seq=self._seq,
            cards=self._cards,
            open_card=self._open_card if is_open else 0,
            variant=self._variant,
        )

    def begin(self) -> None:
        self._did(self.trial.begin())

    def say(self, text: str) -> None:
        self._add(VISITOR, Text(text=text))
        self._did(self.trial.say(text))

    def wait(self) -> None:
        self._did(self.trial.wait())

    def confirm(self) -> None:
        """The number replies YES to what is pending."""
        waiting = [seq for seq, card in self._cards.items() if card.asked]
        if waiting:
            self.trial.keep(phone=self._cards[waiting[-1]].number)
        done = self.trial.confirm()
        for seq in waiting:
            self._change(seq, asked=False)
            self._add_event(ConversationEventName.SIGNED_UP, seq)
        self._did(done)

    def submit(self, seq: int, subscription: Subscription, typed: str | None, region: str, *, ticked: bool) -> None:
        """The visitor sends a form. Raises CardClosed, BoxUnticked, SavedNumberLocked, NumberRefused and
        EmailRefused, like a real one."""
        card = self.card(seq)
        if card.state is not CardState.OPEN or seq != self._open_card or not subscription.is_live:
            raise CardClosed
        address = address_to_record(self.contact, subscription, typed, region, self.trial.facts.countries)
        if card.box and not ticked:
            raise BoxUnticked
        is_sms = subscription.message_type is MessageType.SMS
        is_pending = is_sms and subscription.double_opt_in
        given = {"number": address} if is_sms else {"email": address}
        if not is_pending:
            self.trial.keep(**({"phone": address} if is_sms else {"email": address}))
        done = self.trial.sign_up(is_pending=is_pending, part=part_id(CHAT, seq), **given)
        self._change(seq, state=CardState.COMPLETED, event="trial", number=address, asked=is_pending)
        self._add_event(ConversationEventName.ASKED if is_pending else ConversationEventName.SIGNED_UP, seq)
        self._did(done)

    def card(self, seq: int) -> Card:
        """The card's current state. Raises CardClosed if there is none."""
        if seq not in self._cards:
            raise CardClosed
        return self._cards[seq]

    def card_part(self, seq: int) -> Part:
        """The entry with it. Raises CardClosed."""
        return self._part(seq, BOT, self.card(seq))

    def _did(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self.effects.append(effect)
            if isinstance(effect, Write):
                content = self._content(effect)
                seq = self._add(BOT, content)
                if isinstance(content, Card):
                    self._cards[seq], self._open_card = content, seq

    def _content(self, effect: Write) -> Content:
        if not isinstance(effect.content, Card) or not effect.variants:
            return effect.content
        return with_variant(effect.content, dict(enumerate(effect.variants, start=1)).get(self._variant))

    def _add(self, author: Author, content: Content) -> int:
        self._seq += 1
        self.parts.append(self._part(self._seq, author, content))
        return self._seq

    def _add_event(self, name: ConversationEventName, seq: int) -> None:
        self._add(VISITOR, ConversationEvent(name=name, part=seq, subscription=self._cards[seq].subscription))

    def _change(self, seq: int, **values: object) -> None:
        card = self._cards[seq] = self._cards[seq].model_copy(update=values)
        self.parts.append(self._part(seq, BOT, card))

    def _part(self, seq: int, author: Author, content: Content) -> Part:
        id, at = part_id(CHAT, seq), self.trial.facts.at
        return Part(id=id, conversation=CHAT, seq=seq, author=author, content=content, at=at, key=f"{CHAT}:{seq}")
