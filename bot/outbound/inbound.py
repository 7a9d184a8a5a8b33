"""Incoming texts: keywords take effect before they are answered."""

from __future__ import annotations

from typing import Protocol

from bot.compliance.keyword_table import Keyword
from bot.compliance.revocation import due_at
from bot.consent.confirmations import Confirmations
from bot.consent.keyword_programs import ProgramRow
from bot.consent.keywords import Reading, read
from bot.consent.paces import Paces
from bot.consent.stop_list import StopList
from bot.contacts.opt_out_requests import OptOutRequests
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.conversation import Part
from bot.model.conversation_event import ConversationEvent
from bot.model.conversation_event import ConversationEventName as Name
from bot.model.event import ConsentEvent
from bot.outbound.keyword_sign_ups import KeywordSignUps
from bot.outbound.outcomes import Outcomes
from bot.outbound.queue import DeliveryQueue
from bot.outbound.threads import TextThreads, never
from bot.store import Store

WISH_ANSWERS = {Keyword.PAUSE: "paused", Keyword.FEWER: "fewer", Keyword.RESUME: "resumed"}


class TextListener(Protocol):
    """Answers texts automatically: bot flows."""

    async def is_awaited(self, conversation: str, text: str) -> bool:
        """Whether this text of the contact may continue or start something."""

    async def heard(self, part: Part) -> None:
        """Handles such a text."""

    async def is_keyword(self, keyword: str) -> bool:
        """Whether the keyword of this program starts something."""

    async def keyword(self, conversation: str, keyword: str, text_id: str) -> None:
        """It came."""


class Inbound:
    """`listener`: None if there are no automatic answers."""

    def __init__(
        self,
        store: Store,
        stops: StopList,
        confirmations: Confirmations,
        deliveries: DeliveryQueue,
        threads: TextThreads,
        paces: Paces,
        sign_ups: KeywordSignUps,
        requests: OptOutRequests,
    ) -> None:
        self._store = store
        self._stops = stops
        self._confirmations = confirmations
        self._deliveries = deliveries
        self._threads = threads
        self._paces = paces
        self._sign_ups = sign_ups
        self._requests = requests
        self._outcomes = Outcomes(store)
        self.listener: TextListener | None = None

    async def receive(self, number: str, text: str, text_id: str, *, answered: Keyword | None = None) -> None:
        """Handles a text from this number (E.164). The same text (by id) has no further effect.

        `answered`: the keyword that the provider took it for and already answered. It takes effect, and gets no second
        answer. A YES is a START for some providers, and an answer to our question for us.

        PAUSE, FEWER and RESUME are kept as the wish of those with this number. The keyword of a program opts in. Texts
        without a keyword, and a YES or NO without a question, become messages to teammates. One that is likely a
        revocation is flagged there, like "I didn't sign up" without a question.

        Durable when it returns. Raises StoreUnavailable: safe to retry.
        """
        reading = read(text)
        if answered and not (answered is Keyword.START and reading.certain is Keyword.YES):
            reading = Reading(answered, rule="provider")
        match reading.certain:
            case Keyword.STOP:
                is_new = await self._stops.stop(number, text, text_id, reading.rule)
                answer = "" if answered or not is_new else "stopped"
                await self._settle(number, text, text_id, answer, Name.TEXTED_STOP)
            case Keyword.START:
                await self._stops.lift(number, text, text_id)
                await self._settle(number, text, text_id, "" if answered else "started", Name.TEXTED_START)
            case Keyword.HELP:
                await self._settle(number, text, text_id, "" if answered else "help")
            case Keyword.YES if event := await self._confirmations.confirm(number, text):
                await self._threads.note(number, text, text_id, _did(Name.TEXTED_YES, event))
            case Keyword.NO if event := await self._confirmations.decline(number, text):
                await self._threads.note(number, text, text_id, _did(Name.TEXTED_NO, event))
            case Keyword.PAUSE | Keyword.FEWER | Keyword.RESUME as wish if contact := await self._paces.texted(
                number, wish, text, text_id
            ):
                await self._threads.note(number, text, text_id, None)
                await self._deliveries.reply(number, WISH_ANSWERS[wish], contact, text_id)
            case None if not reading.likely and (keyword := await self._sign_ups.heard(text)):
                await self._sign_ups.sign_up(number, text, text_id, keyword)
                await self._tell_of_keyword(number, text, text_id, keyword.row)
            case _:
                due = due_at(now())
                flag = ConversationEvent(name=Name.MAYBE_STOP, until=due) if reading.is_flagged else None
                listener = None if flag else self.listener
                heard = await self._threads.hear(
                    number, text, text_id, flag, is_due=listener.is_awaited if listener else never
                )
                if heard and listener and heard[0].follow_up:
                    await listener.heard(heard[0])
                if flag and heard:
                    await self._requests.flag(*heard, number, reading.rule, due)
                await self._outcomes.replied(number)

    async def start_flow_of(self, keyword: str, number: str, text: str, text_id: str) -> None:
        """Starts the flow of a program's keyword, for a text whose sign-up is already recorded. Idempotent."""
        row = await self._sign_ups.program(keyword)
        if row:
            await self._tell_of_keyword(number, text, text_id, row)

    async def _tell_of_keyword(self, number: str, text: str, text_id: str, row: ProgramRow) -> None:
        """What it starts begins a conversation. A stopped number gets none."""
        wants = row.is_live and self.listener and await self.listener.is_keyword(row.program.id)
        if not wants or await self._stops.is_stopped(number):
            return
        if self.listener and (heard := await self._threads.hear(number, text, text_id)):
            await self.listener.keyword(heard[0].conversation, row.program.id, text_id)

    async def _settle(self, number: str, text: str, text_id: str, answer: str, did: Name | None = None) -> None:
        """Shows a keyword in its conversation, then queues the answer, so that it appears after it."""
        talking = await self._threads.note(number, text, text_id, ConversationEvent(name=did) if did else None)
        if answer:
            contact = await (self._store.contacts.get(talking) if talking else self._whose(number))
            await self._deliveries.reply(number, answer, contact, text_id)

    async def _whose(self, number: str) -> Contact | None:
        """A contact with this number, for the language and the preference link."""
        found = await self._store.contacts.with_number(number, after="", limit=1)
        return found[0] if found else None


def _did(name: Name, event: ConsentEvent) -> ConversationEvent:
    return ConversationEvent(name=name, subscription=event.subscription or "")
