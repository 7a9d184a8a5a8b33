"""Opt-in forms on a page of the brand, without a chat.

A look stores nothing. The first sign-up stores the contact, and a conversation with the card as its only entry.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from bot.chat.card_submission import Answer, Submitted
from bot.chat.card_view import CardView
from bot.chat.cards import Cards
from bot.chat.conversations import ConversationService
from bot.consent.ledger import Ledger
from bot.contacts.service import ContactService
from bot.errors import NotFound
from bot.errors import marked as _
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.conversation import Author, AuthorKind, Card, OpeningEntry, Part
from bot.model.form_template import FormTemplate
from bot.model.form_words import FORM_WORDS
from bot.model.subscription import Subscription
from bot.model.workspace import Workspace
from bot.store import Duplicate, Store

AUTHOR = Author(kind=AuthorKind.BOT, id="public_form")
MISSING = _("Form not found.")


@dataclass(frozen=True, slots=True)
class PublicForm:
    template: FormTemplate
    subscription: Subscription

    @property
    def id(self) -> str:
        return self.template.id

    @property
    def card(self) -> Card:
        """As its page shows it."""
        return card_of(self.template)

    @property
    def is_live(self) -> bool:
        return self.template.is_public and self.template.expires_at is None and self.subscription.is_live


class PublicForms:
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

    async def get(self, id: str) -> PublicForm:
        """The form at `/f/{id}`. Raises NotFound: it isn't public, or its subscription isn't live."""
        form = await self.find(id)
        if not form.is_live:
            raise NotFound(MISSING)
        return form

    async def find(self, id: str) -> PublicForm:
        """Includes forms that aren't public or live. Raises NotFound if it doesn't exist or was removed."""
        template = await self._store.form_templates.get(id)
        subscription = await self._store.subscriptions.get(template.subscription) if template else None
        if template is None or template.expires_at is not None or subscription is None:
            raise NotFound(MISSING)
        return PublicForm(template, subscription)

    async def contact(self, id: str, locale: str) -> Contact:
        """The visitor as the ledger has them, in their language; not stored if they have done nothing yet.

        A contact who was erased or merged counts as a new visitor: an ID alone doesn't prove who they are (law 11).
        """
        contact = await self._ledger.contact(id) if id else None
        if contact is None or contact.is_gone:
            contact = _new(id if id and contact is None else new_id())
        return contact.model_copy(update={"locale": locale})

    async def part(self, form: PublicForm, contact: Contact) -> Part:
        """Their card: as stored, or as their first act will store it."""
        id = hmac.digest(self._secret, f"public-form:{form.id}:{contact.id}".encode(), "sha256").hex()[:24]
        if conversation := await self._conversations.get(id):
            return await self._cards.card(conversation, 1)
        return OpeningEntry(author=AUTHOR, content=form.card, at=now(), key="card").part(id, 1)

    async def view(self, form: PublicForm, contact: Contact, region: str) -> CardView:
        return await self._cards.view(await self.part(form, contact), contact, await self._workspace(), region)

    async def submit(self, form: PublicForm, contact: Contact, answer: Answer) -> Submitted:
        """Records the yes. A submission with an error stores nothing, except a contact if proof of work is required.
        Raises what `Cards.submit` raises."""
        workspace, known = await self._workspace(), await self._ledger.contact(contact.id)
        part = await self.part(form, contact)
        await self._cards.check(part, contact, workspace, answer)
        if known is None:
            known = await self._contacts.create(contact.model_copy(update={"is_stored": True}))
        contact = await self._contacts.set_locale(known, contact.locale)
        with suppress(Duplicate):
            await self._conversations.begin(part.conversation, contact.id, AUTHOR, [("card", form.card)])
        return await self._cards.submit(await self.part(form, contact), contact, workspace, answer)


def card_of(template: FormTemplate) -> Card:
    words = template.model_dump(include={"subscription", "locale", *FORM_WORDS})
    return Card(**words, translations=template.translations)


def _new(id: str) -> Contact:
    time = now()
    return Contact(id=id, created_at=time, updated_at=time, last_seen_at=time, is_stored=False)
