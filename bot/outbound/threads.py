"""Conversations by text: what phones text us, and the automatic texts (confirmations, opt-in questions, keyword
answers) in between.

Each is between a contact and the number they wrote from, and starts with a text of theirs. Web visitors never see them:
a number typed into a form does not prove whose phone it is (law 11).
"""

from __future__ import annotations

import hmac
import itertools
from collections.abc import Awaitable, Callable, Iterable, Sequence

from bot.chat.conversations import ConversationService, texting_id
from bot.contacts.service import ContactService
from bot.model.contact import Contact
from bot.model.conversation import Author, AuthorKind, Content, Part, Text
from bot.model.conversation_event import ConversationEvent
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.model.signal import SignalKind
from bot.outbound.delivery_links import unlinked
from bot.outbound.kinds import KINDS
from bot.store import Store

BOT = Author(kind=AuthorKind.BOT, id="bot")
WRITTEN = {DeliveryKind.MESSAGE, DeliveryKind.FLOW_REPLY}
"""Kinds of texts that are entries of a conversation first."""
AUTOMATIC = "auto:"
"""The prefix of the key of such an entry; the id of its delivery follows."""
EARLIER = 10
"""How many earlier texts a new conversation starts with."""
SHARING = 200
"""Limit of contacts per number that are considered."""
KEPT = 4000
"""Characters of a text that are stored: more than any provider delivers."""


async def never(conversation: str, text: str) -> bool:
    return False


class TextThreads:
    def __init__(
        self, store: Store, conversations: ConversationService, contacts: ContactService, *, secret: str
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._contacts = contacts
        self._secret = secret.encode()

    async def hear(
        self,
        number: str,
        text: str,
        text_id: str,
        did: ConversationEvent | None = None,
        *,
        is_due: Callable[[str, str], Awaitable[bool]] = never,
    ) -> tuple[Part, str] | None:
        """Adds a text from this number to its conversation, which is created if there is none, and what teammates have
        to know about it; once for each `text_id`. Returns its entry and whose it is; None: it was empty. `is_due`: of
        conversation and text, whether it has to be followed up (`Part.follow_up`)."""
        if not text.strip():
            return None
        people = await self._people(number)
        known = await self._talking(people, number)
        contact = known or _newest(people) or await self._lead(number)
        await self._return(people, contact)
        await self._conversations.begin_texting(contact, number)
        if known is None:
            await self.show_earlier(contact, number)
        awaited = await is_due(texting_id(contact), text)
        part = await self._write(contact, Text(text=text[:KEPT]), f"text:{text_id}", is_due=awaited)
        if did:
            await self._write(contact, did, f"did:{text_id}")
        return part, contact

    async def note(self, number: str, text: str, text_id: str, did: ConversationEvent | None) -> str | None:
        """The same for a keyword that was already handled, and what it `did`; in an existing conversation only.
        Returns the contact who has it."""
        people = await self._people(number)
        if contact := await self._talking(people, number):
            await self._return(people, contact)
            await self._conversations.begin_texting(contact, number)
            await self._write(contact, Text(text=text[:KEPT]), f"text:{text_id}")
            if did:
                await self._write(contact, did, f"did:{text_id}")
        return contact

    async def person(self, number: str) -> str:
        """Who has this number: the contact that changed last, or a lead, who is created."""
        return _newest(await self._people(number)) or await self._lead(number)

    async def _people(self, number: str) -> list[Contact]:
        return await self._store.contacts.with_number(number, after="", limit=SHARING)

    async def _return(self, people: Sequence[Contact], contact: str) -> None:
        for person in people:
            if person.id == contact:
                await self._contacts.returned(person)

    async def _talking(self, people: Sequence[Contact], number: str) -> str | None:
        """Which contact has a conversation by text; the newest one with this number if several have."""
        found = await self._store.conversations.get_many(texting_id(contact.id) for contact in people)
        newest = max(found.values(), key=lambda c: (c.number == number, c.updated_at, c.id), default=None)
        return newest.contact if newest else None

    async def _lead(self, number: str) -> str:
        """The lead with this number: concurrent processes create the same one.

        A lead who has another number by now is somebody else.
        """
        for n in itertools.count():
            id = self._lead_id(number, n)
            lead = await self._contacts.create_lead(id, number, texting_id(id))
            if lead and lead.phone == number:
                return lead.id
        raise AssertionError

    def _lead_id(self, number: str, n: int) -> str:
        """Keyed, so that the id can't be derived from the number."""
        return hmac.digest(self._secret, f"lead:{number}:{n}".encode(), "sha256").hex()[:24]

    async def _write(self, contact: str, content: Content, key: str, *, is_due: bool = False) -> Part:
        author = Author(kind=AuthorKind.CONTACT, id=contact)
        return await self._conversations.append(texting_id(contact), author, content, key, is_due=is_due)

    async def of(self, deliveries: Iterable[Delivery]) -> set[str]:
        """The ids of the deliveries that a conversation has to show, in one query."""
        automatic = {d.id: d for d in deliveries if d.contact and d.kind not in WRITTEN}
        found = await self._store.conversations.get_many({texting_id(d.contact) for d in automatic.values()})
        numbers = {conversation.contact: conversation.number for conversation in found.values()}
        return {id for id, delivery in automatic.items() if numbers.get(delivery.contact) == delivery.number}

    async def show(self, delivery: Delivery, body: str) -> Delivery:
        """Writes its entry; idempotent. `body`: as stored. Returns the delivery with the entry's id."""
        conversation, key = texting_id(delivery.contact), f"{AUTOMATIC}{delivery.id}"
        at = delivery.updated_at if delivery.state is DeliveryState.SENT else None
        part = await self._conversations.append(conversation, BOT, Text(text=unlinked(body)), key, at=at)
        return delivery.model_copy(update={"part": part.id})

    async def show_earlier(self, contact: str, number: str) -> None:
        """Starts a conversation with the automatic texts that were sent to the contact before."""
        sent = await self._store.deliveries.sent_to(number, limit=EARLIER)
        for delivery in reversed([d for d in sent if d.kind not in WRITTEN and d.contact == contact]):
            await self.show(delivery, delivery.body or "")

    async def tell(self, delivery: Delivery) -> None:
        """Tells viewers of the conversation what happened to the text."""
        if entry := delivery.entry:
            conversation, _, seq = entry.partition(":")
            await self._conversations.signal(conversation, SignalKind.TEXT, BOT, seq=int(seq))

    async def deliveries_of(self, parts: Sequence[Part]) -> dict[str, Delivery]:
        """The delivery of each entry, in one query. Entries whose text is not queued yet have none."""
        ids = {part.id: id for part in parts if (id := _delivery_id(part))}
        found = await self._store.deliveries.get_many(ids.values())
        return {part: found[id] for part, id in ids.items() if id in found}


def _delivery_id(part: Part) -> str | None:
    if part.is_message_of is AuthorKind.TEAMMATE:
        return KINDS[DeliveryKind.MESSAGE].id_of(part.id)
    key = part.key.removeprefix(f"{part.conversation}:")
    if key.startswith("run:"):
        return KINDS[DeliveryKind.FLOW_REPLY].id_of(part.id)
    return key.removeprefix(AUTOMATIC) if key.startswith(AUTOMATIC) else None


def _newest(people: Sequence[Contact]) -> str | None:
    """The most recently changed contact."""
    return max(people, key=lambda c: (c.updated_at, c.id)).id if people else None
