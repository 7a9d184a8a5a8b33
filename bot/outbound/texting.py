"""Conversations by text: incoming messages and teammates' replies.

Each is between a contact and the number they wrote from. Web visitors never see them: a number typed into a form does
not prove whose phone it is (law 11).
"""

from __future__ import annotations

import asyncio
import hmac
import itertools
from collections.abc import Collection, Sequence

from bot.chat.conversations import ConversationService, texting_id
from bot.chat.inbox import Inbox
from bot.consent.ledger import Ledger
from bot.consent.numbers import address_of, read_number
from bot.consent.stop_list import StopList
from bot.contacts.service import ContactService
from bot.errors import Invalid, NotFound, NumberStopped
from bot.errors import marked as _
from bot.model.contact import Contact
from bot.model.conversation import Author, AuthorKind, Conversation, ConversationEvent, Part, Text
from bot.model.subscription import MessageType
from bot.outbound.gateways import LONGEST
from bot.outbound.queue import DeliveryQueue
from bot.outbound.threads import TextThreads
from bot.store import Store

SHARING = 200
"""Limit of contacts per number that are considered."""
KEPT = 4000
"""Characters of a text that are stored: more than any provider delivers."""


class Texting:
    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        contacts: ContactService,
        stops: StopList,
        conversations: ConversationService,
        inbox: Inbox,
        deliveries: DeliveryQueue,
        threads: TextThreads,
        *,
        secret: str,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._contacts = contacts
        self._stops = stops
        self._conversations = conversations
        self._inbox = inbox
        self._deliveries = deliveries
        self._threads = threads
        self._secret = secret.encode()

    # --- in

    async def hear(self, number: str, text: str, text_id: str) -> None:
        """Adds a text from this number to its conversation, which is created if there is none; once for each
        `text_id`."""
        if not text.strip():
            return
        people = await self._people(number)
        known = await self._talking(people, number)
        contact = known or _newest(people) or await self._lead(number)
        await self._conversations.begin_texting(contact, number)
        if known is None:
            await self._threads.show_earlier(contact, number)
        await self._write(contact, text, text_id)

    async def note(self, number: str, text: str, text_id: str, did: ConversationEvent | None) -> str | None:
        """The same for a keyword that was already handled, and what it `did`; in an existing conversation only.
        Returns the contact who has it."""
        if contact := await self._talking(await self._people(number), number):
            await self._conversations.begin_texting(contact, number)
            await self._write(contact, text, text_id)
            if did:
                author = Author(kind=AuthorKind.CONTACT, id=contact)
                await self._conversations.append(texting_id(contact), author, did, f"did:{text_id}")
        return contact

    async def _people(self, number: str) -> list[Contact]:
        return await self._store.contacts.with_number(number, after="", limit=SHARING)

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

    async def _write(self, contact: str, text: str, text_id: str) -> None:
        author = Author(kind=AuthorKind.CONTACT, id=contact)
        await self._conversations.append(texting_id(contact), author, Text(text=text[:KEPT]), f"text:{text_id}")

    # --- out

    async def reply(self, conversation: Conversation, me: str, text: str, key: str, texted: Collection[str]) -> Part:
        """Writes a teammate's reply and queues it as a text; once for each `key`. `texted`: countries.

        Raises NumberStopped, NumberRefused, Invalid or NotFound: nothing was written.
        """
        part = await self._store.parts.by_key(conversation.id, f"{conversation.id}:reply:{key}")
        if part is None:
            await self._judge(conversation, text, texted)
            part = await self._inbox.reply(conversation.id, me, text, key, is_due=True)
        await self.queue(part)
        return part

    async def queue(self, part: Part) -> None:
        """Queues a teammate's reply as a text. Idempotent."""
        conversation = await self._store.conversations.get(part.conversation)
        if conversation and conversation.number and isinstance(part.content, Text):
            await self._deliveries.message(part, conversation.contact, conversation.number, part.content.text)
        await self._store.parts.update({"_id": part.id}, {"$unset": {"follow_up": ""}})

    async def _judge(self, conversation: Conversation, text: str, texted: Collection[str]) -> None:
        """Whether it could be sent now; checked again at the moment of sending (law 7).

        Texting us invites a reply (CTIA, exhibit II: conversational), which is not marketing (47 CFR 64.1200(f)(13)):
        only contacts who wrote get replies.
        """
        number = conversation.number or ""
        if not text.strip():
            raise Invalid(_("Write a message first."))
        if len(text) > LONGEST:
            raise Invalid(_("This message is too long to send as a text. Shorten it."))
        if not conversation.called:
            raise Invalid(_("You can only text contacts who texted you first."))
        contact, is_stopped = await asyncio.gather(
            self._ledger.contact(conversation.contact), self._stops.is_stopped(number)
        )
        if contact is None:
            raise NotFound(_("Contact not found."))
        if is_stopped:
            raise NumberStopped(_("This number opted out with STOP. You can text it again after it texts START."))
        read_number(number, "US", texted)
        if address_of(contact, MessageType.SMS) != number:
            raise Invalid(_("This contact's number has changed. You can't text the old one."))


def _newest(people: Sequence[Contact]) -> str | None:
    """The contact that changed last."""
    return max(people, key=lambda c: (c.updated_at, c.id)).id if people else None
