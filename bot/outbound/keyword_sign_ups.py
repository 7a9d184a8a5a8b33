"""Opting in by a keyword: the person's own text is the act of consent, to the words where it is advertised.

A code behind the keyword names the page or poster of a form, and so its words (`bot/chat/tap_to_text.py`)."""

from __future__ import annotations

from dataclasses import dataclass

from bot.chat.tap_to_text import ReadWords, TapToTexts
from bot.consent.changes import ConsentChange, consent_change
from bot.consent.choices import state_on
from bot.consent.keyword_programs import KeywordPrograms, ProgramRow
from bot.consent.ledger import Ledger
from bot.consent.permission import yes_action
from bot.contacts.service import ContactService
from bot.i18n import locales
from bot.model.contact import Contact
from bot.model.conversation_event import ConversationEvent
from bot.model.conversation_event import ConversationEventName as Name
from bot.model.event import NOWHERE, Action, ConsentEvent, Context, Source, Words
from bot.model.keyword_program import KeywordProgram
from bot.model.subscription import Subscription
from bot.outbound.queue import DeliveryQueue
from bot.outbound.threads import TextThreads
from bot.store import Store

KEYED = "keyword:"
"""The prefix of the key of such an event; the text's id follows."""
TEXTED = 'texted "'
"""How its description of the act begins."""
ALREADY, CLOSED, LOST = "already", "closed", "lost"
"""Answers where nothing is recorded: they are opted in, the keyword is not in use, or the words they read are unknown
and the subscription is sent on written consent only."""


@dataclass(frozen=True, slots=True)
class HeardKeyword:
    """`read`: the words that the code behind the keyword names; None: those of the program. `is_lost`: there was a
    code that names none, so what the person read is not known."""

    row: ProgramRow
    read: ReadWords | None = None
    is_lost: bool = False


class KeywordSignUps:
    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        deliveries: DeliveryQueue,
        threads: TextThreads,
        programs: KeywordPrograms,
        taps: TapToTexts,
        contacts: ContactService,
    ) -> None:
        self._contacts = contacts
        self._programs = programs
        self._taps = taps
        self._store = store
        self._ledger = ledger
        self._deliveries = deliveries
        self._threads = threads

    async def heard(self, text: str) -> HeardKeyword | None:
        """The keyword that this text is. With an unknown or expired code and more words, it is a message."""
        found = await self._programs.heard(text)
        if found is None:
            return None
        row, code = found
        read = await self._taps.read(row.subscription, code.code) if code and row.subscription else None
        is_lost = code is not None and read is None
        return None if code and is_lost and not code.is_alone else HeardKeyword(row, read, is_lost)

    async def program(self, keyword: str) -> ProgramRow | None:
        found = await self._programs.heard(keyword)
        return found[0] if found else None

    async def sign_up(self, number: str, text: str, text_id: str, heard: HeardKeyword) -> None:
        """Opts in whoever texts from this number, a new lead if nobody has it; with double opt-in, asks them to
        confirm. The text is shown in their conversation if there is one: a keyword alone begins none.

        A code that names no words isn't written consent: a subscription that demands it records nothing, and the answer
        says what to do. A number on the stop list gets no answer (only START lifts a STOP); the attempt is recorded
        without effect. The same text (by id) has no further effect. Raises StoreUnavailable: safe to retry.
        """
        talking, row = await self._threads.note(number, text, text_id, None), heard.row
        if not row.is_live or row.subscription is None:
            await self._answer(CLOSED, number, talking, text_id, row.program)
            return
        contact = await self._ledger.contact(talking or await self._threads.person(number))
        if contact is None:
            return
        if heard.is_lost and row.subscription.written_only and state_on(contact, row.subscription) != "on":
            await self._answer(LOST, number, contact.id, text_id, row.program)
            return
        if heard.read and heard.read.words.locale in locales():
            contact = await self._contacts.set_locale(contact, heard.read.words.locale)
        contact, event = await self._record(contact, row.subscription, number, text, text_id, heard)
        if event is None:
            await self._answer(ALREADY, number, contact.id, text_id, row.program)
        elif talking:
            did = ConversationEvent(name=_name(event), subscription=row.subscription.id)
            await self._threads.note(number, text, text_id, did)

    async def _record(
        self,
        contact: Contact,
        subscription: Subscription,
        number: str,
        text: str,
        text_id: str,
        heard: HeardKeyword,
    ) -> tuple[Contact, ConsentEvent | None]:
        """None: they are opted in. Consumers of the event send the confirmation, or the question."""
        key = f"{KEYED}{text_id}"
        if known := await self._store.events.by_key(contact.id, f"{contact.id}:{key}"):
            return contact, known

        async def decide(judged: Contact) -> ConsentChange | None:
            if state_on(judged, subscription) == "on" and judged.consent(subscription.id):
                return None
            return consent_change(
                judged,
                subscription,
                yes_action(subscription, judged.consent(subscription.id), number),
                number,
                source=Source.KEYWORD,
                words=_words(heard, subscription, text),
                context=Context(page=heard.read.page) if heard.read else NOWHERE,
                key=key,
            )

        contact, recorded = await self._ledger.decide(contact, decide)
        return contact, recorded.event if recorded else None

    async def _answer(
        self, answer: str, number: str, contact: str | None, text_id: str, program: KeywordProgram
    ) -> None:
        known = await self._store.contacts.get(contact) if contact else None
        await self._deliveries.reply(number, answer, known, text_id, subscription=program.subscription)


def _name(event: ConsentEvent) -> Name:
    if event.stopped:
        return Name.STOPPED
    return Name.ASKED if event.action is Action.REQUEST_CONFIRMATION else Name.SIGNED_UP


def _words(heard: HeardKeyword, subscription: Subscription, text: str) -> Words:
    program, act = heard.row.program, f'{TEXTED}{text}"'
    if heard.read:
        own = {"act": act, "keyword": program.keyword, "keyword_version": program.version}
        return heard.read.words.model_copy(update=own)
    shown = subscription.words(program.locale)
    return Words(
        title="" if heard.is_lost else program.title,
        legal_text="" if heard.is_lost else program.legal_text,
        subscription_name=shown.name,
        subscription_description="" if heard.is_lost else shown.description,
        locale=program.locale,
        act=act,
        subscription_version=subscription.version,
        keyword=program.keyword,
        keyword_version=program.version,
    )
