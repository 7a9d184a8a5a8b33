"""The visitor's side of chats: opening the messenger, finding a chat, storing it with the first act."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.chat.card_submission import Answer, Submitted
from bot.chat.cards import Cards
from bot.chat.conversations import ConversationService
from bot.chat.visitors import Arrival, Claim, Visitors
from bot.errors import NotFound, Unauthorized
from bot.errors import marked as _
from bot.flows.opening import FRESH, ChatMessageSource, Openings
from bot.flows.runs import Runs
from bot.flows.scripts import Occasion
from bot.flows.segment_starts import SegmentStarts
from bot.flows.triggers.base import MessengerOpens, StaysOnPage
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.conversation import Author, AuthorKind, Conversation, ConversationState, Part
from bot.model.event import ChatOpening
from bot.model.signal import SignalKind
from bot.model.workspace import Workspace


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
    opening: ChatOpening | None = None
    """Of a chat that isn't stored: everybody who opens one like it sees the same."""


class Messenger:
    def __init__(
        self,
        visitors: Visitors,
        conversations: ConversationService,
        openings: Openings,
        runs: Runs,
        cards: Cards,
        messages: ChatMessageSource,
        segment_starts: SegmentStarts,
        workspace: Callable[[], Awaitable[Workspace]],
    ) -> None:
        self._visitors = visitors
        self._conversations = conversations
        self._openings = openings
        self._runs = runs
        self._cards = cards
        self._messages = messages
        self._segment_starts = segment_starts
        self._workspace = workspace

    async def open(self, token: str | None, claim: Claim, wanted: str | None) -> Opened:
        """`wanted`: a conversation's id, `new`, or None for the newest one.

        A person without one is greeted in a new one, which is stored when they do something in it. Raises NotFound.
        """
        contact = await self._visitors.enter(token, claim, await self._workspace())
        owner, arrival = self._visitors.arrival(token)
        held = arrival.opening if arrival else None
        if arrival and arrival.dismissed and arrival.is_anonymous and owner != contact.id:
            await self._messages.identified(owner, contact.id, arrival.dismissed)
        if contact.is_stored and wanted is None:
            await self._segment_starts.arrived(contact.id)
            await self._messages.arrived(contact.id)
        stored = await self._stored(contact, held, wanted)
        is_mine = owner == contact.id  # else they are another person now than the token says
        if stored is None:
            return await self._greet(contact, arrival if is_mine else None, claim, owner, is_new=wanted == "new")
        parts = await self._conversations.page(stored.id)
        is_other = is_mine and held and held.conversation != stored.id
        seen = arrival.model_copy(update={"is_unread": None}) if arrival and is_other else None
        kept = self._visitors.token(contact.id, seen)
        return Opened(contact, kept, stored.id, parts, [], parts[-1].seq if parts else 0)

    async def stayed(self, token: str | None, claim: Claim, seconds: int) -> str | None:
        """A visitor has been on a page for so long, with the chat closed. Returns the token of a new chat in which a
        flow greets them; nothing is stored. None: no flow does, something is going on in their newest chat, or they
        have signed in since the token was made: opening the chat says who they are now."""
        contact = await self._visitors.met(token, claim, await self._workspace())
        if contact is None:
            return None
        owner, arrival = self._visitors.arrival(token)
        mine = arrival if arrival and owner == contact.id else None
        met, dismissed = (mine.flows, mine.dismissed or ()) if mine else (frozenset[str](), ())
        newest = await self._conversations.newest(contact.id) if contact.is_stored else None
        if newest and newest.run and not newest.run.is_over and now() - newest.updated_at < FRESH:
            return None
        talk = newest if newest and newest.state is ConversationState.OPEN else None
        occasion = Occasion(StaysOnPage(claim.page or "", seconds), contact, talk, met)
        opening = await self._openings.new(occasion, claim.time_zone, dismissed)
        if opening.flow is None:
            return None
        return self._visitors.token(contact.id, Arrival.of(contact, opening, met, dismissed, is_unread=True))

    async def visit(self, token: str, id: str) -> tuple[Contact, Conversation | None]:
        """Who holds the token, and their chat of this id, stored or only opened. Raises Unauthorized."""
        visitor = await self._visitors.presumed(token)
        conversation = await self._openings.find(visitor, id)
        if conversation and conversation.unstored is None and not visitor.contact.is_stored:
            visitor = await self._visitors.claimed(token)  # their first act came between
            if not visitor.contact.is_stored:
                raise Unauthorized  # they were deleted
        return visitor.contact, conversation

    async def dismiss(self, token: str, id: str, seq: int) -> str:
        """Dismisses the outbound message of this entry. Returns the visitor's token, which remembers that until they
        are stored. Raises Unauthorized and NotFound."""
        contact, chat = await self.visit(token, id)
        part = await self._entry(chat, seq) if chat else None
        message = await self._messages.dismiss(part, contact.id) if part else None
        if chat is None or message is None:
            raise NotFound(_("Message not found."))
        if chat.unstored is None:
            me = Author(kind=AuthorKind.CONTACT, id=contact.id)
            await self._conversations.signal(id, SignalKind.DISMISSED, me, seq=seq)
        _owner, arrival = self._visitors.arrival(token)
        return self._visitors.token(contact.id, arrival.without(message)) if arrival else token

    async def submit(
        self, part: Part, contact: Contact, answer: Answer, opening: ChatOpening | None = None
    ) -> Submitted:
        """Records a card's answer, durable when it returns. `opening`: of a chat that isn't stored yet."""
        if opening and opening.asked is not None:  # what it asked is not for the ledger
            await self._openings.store(contact, await self._openings.conversation(opening, contact.id))
            contact, opening = await self._visitors.fresh(contact), None
        elif contact.external_id:  # the event of a first act doesn't contain who they are
            contact = await self._visitors.store(contact)
        elif answer.address is None and not contact.is_stored:  # shown a number that they saved in another tab
            contact = await self._visitors.fresh(contact)
        return await self._cards.submit(part, contact, await self._workspace(), answer, opening)

    async def _entry(self, chat: Conversation, seq: int) -> Part | None:
        if chat.unstored is None:
            return await self._conversations.part(chat.id, seq)
        return chat.opening_parts[seq - 1] if 0 < seq <= len(chat.opening_parts) else None

    async def _stored(self, contact: Contact, held: ChatOpening | None, wanted: str | None) -> Conversation | None:
        """The chat that is wanted, if it is stored. `held`: the one in the visitor's token, which may not be."""
        if wanted == "new":
            return None
        if wanted and held and held.conversation == wanted:
            found = await self._conversations.get(wanted)
            return found if found and found.contact == contact.id else None
        if wanted:
            return await self._conversations.of_contact(wanted, contact.id)
        newest = await self._conversations.newest(contact.id) if contact.is_stored else None
        return None if newest and held and held.at > newest.updated_at else newest

    async def _greet(
        self, contact: Contact, arrival: Arrival | None, claim: Claim, owner: str, *, is_new: bool
    ) -> Opened:
        """`arrival`: of their token. `owner`: whom the token names, empty on a first visit. `is_new`: they want another
        chat than the one in the token."""
        held, met = (arrival.kept_opening, arrival.flows) if arrival else (None, frozenset())
        dismissed = (arrival.dismissed if arrival else None) or ()
        moment = MessengerOpens(page=claim.page or "", is_returning=bool(owner))
        occasion = Occasion(moment, contact, shown=met)
        if held and (is_new or not await self._openings.is_current(held, occasion, dismissed)):
            held = None
        opening = held or await self._openings.new(occasion, claim.time_zone, dismissed)
        if not held or (arrival and arrival.is_unread):
            await self._openings.count(opening, contact.id)
        if opening.locale != contact.locale:
            opening = opening.model_copy(update={"locale": contact.locale})
        conversation = await self._openings.conversation(opening, contact.id)
        kept: Arrival | None = Arrival.of(contact, opening, met, dismissed)
        if await self._openings.must_be_stored(opening):
            await self._openings.store(contact, conversation)
            await self._runs.settle(conversation.id)
            conversation, kept = await self._conversations.get(conversation.id) or conversation, None
        parts = await self._conversations.page(conversation.id) if kept is None else conversation.opening_parts
        return Opened(
            contact,
            self._visitors.token(contact.id, kept),
            conversation.id,
            parts,
            [] if held else [part.seq for part in parts],
            parts[-1].seq if parts else 0,
            opening if kept else None,
        )
