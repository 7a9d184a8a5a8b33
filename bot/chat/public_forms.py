"""Opt-in forms on a page of the brand, without a chat."""

from __future__ import annotations

from dataclasses import dataclass

from bot.chat.card_submission import Answer, Submitted
from bot.chat.card_view import CardView
from bot.chat.lone_cards import LoneCards
from bot.errors import NotFound
from bot.errors import marked as _
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.conversation import Author, AuthorKind, Card, Part
from bot.model.form_template import FormTemplate
from bot.model.form_words import FORM_WORDS
from bot.model.subscription import Subscription

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


class PublicForms(LoneCards):
    author = Author(kind=AuthorKind.BOT, id="public_form")

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
        return await self._part(self._conversation(form, contact), form.card)

    async def view(self, form: PublicForm, contact: Contact, region: str) -> CardView:
        return await self._view(await self.part(form, contact), contact, region)

    async def submit(self, form: PublicForm, contact: Contact, answer: Answer) -> Submitted:
        """Records the yes. A submission with an error stores nothing, except a contact if proof of work is required.
        Raises what `Cards.submit` raises."""
        workspace, known = await self._workspace(), await self._ledger.contact(contact.id)
        part = await self.part(form, contact)
        await self._cards.check(part, contact, workspace, answer)
        if known is None:
            known = await self._contacts.create(contact.model_copy(update={"is_stored": True}))
        contact = await self._contacts.set_locale(known, contact.locale)
        part = await self._begun(part.conversation, contact, form.card)
        return await self._cards.submit(part, contact, workspace, answer)

    def _conversation(self, form: PublicForm, contact: Contact) -> str:
        return self._id("public-form", form.id, contact.id)


def card_of(template: FormTemplate) -> Card:
    words = template.model_dump(include={"subscription", "locale", *FORM_WORDS})
    return Card(**words, translations=template.translations)


def _new(id: str) -> Contact:
    time = now()
    return Contact(id=id, created_at=time, updated_at=time, last_seen_at=time, is_stored=False)
