"""Cards outside of a chat: each person has one of their own, in a conversation with the card as its only entry.

A look stores nothing. The person's first act stores the contact and the conversation.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import ClassVar

from bot.chat.card_view import CardView
from bot.chat.cards import Cards
from bot.chat.conversations import ConversationService
from bot.consent.ledger import Ledger
from bot.contacts.service import ContactService
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.conversation import Author, Card, OpeningEntry, Part
from bot.model.workspace import Workspace
from bot.store import Duplicate, Store


class LoneCards:
    author: ClassVar[Author]

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        contacts: ContactService,
        conversations: ConversationService,
        cards: Cards,
        workspace: Callable[[], Awaitable[Workspace]],
        *,
        secret: str,
    ) -> None:
        self._store, self._ledger, self._contacts = store, ledger, contacts
        self._conversations, self._cards, self._workspace = conversations, cards, workspace
        self._secret = secret.encode()

    async def _part(self, conversation: str, card: Card) -> Part:
        """Their card: as stored, or as their first act will store it."""
        if stored := await self._conversations.get(conversation):
            return await self._cards.card(stored, 1)
        return OpeningEntry(author=self.author, content=card, at=now(), key="card").part(conversation, 1)

    async def _begun(self, conversation: str, contact: Contact, card: Card) -> Part:
        """The same, stored."""
        with suppress(Duplicate):
            await self._conversations.begin(conversation, contact.id, self.author, [("card", card)])
        return await self._part(conversation, card)

    async def _view(self, part: Part, contact: Contact, region: str = "") -> CardView:
        return await self._cards.view(part, contact, await self._workspace(), region)

    def _id(self, *names: str) -> str:
        """The same for the same names, and not to be guessed from them."""
        return hmac.digest(self._secret, ":".join(names).encode(), "sha256").hex()[:24]
