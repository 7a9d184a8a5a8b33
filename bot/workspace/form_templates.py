"""Saved forms, which every teammate can insert."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping

from bot.consent.form_wording import WordingCheck
from bot.consent.offers import standard_form
from bot.errors import CardClosed, FormWrong, NotFound
from bot.errors import marked as _
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.conversation import Card
from bot.model.form_template import FormTemplate
from bot.model.form_words import FORM_WORDS, FormWords, form_words, is_whole
from bot.model.subscription import Subscription
from bot.model.teammate import By
from bot.model.workspace import Workspace
from bot.store import Duplicate, Store
from bot.workspace.audit import AuditLog

MOST = 100
"""Limit of saved forms, so that the list stays readable."""

TOO_MANY = _("You've reached the limit of %(most)s templates. Remove one to save another.")
TAKEN = _("A template with this name already exists. Choose another name.")


class FormTemplateService:
    def __init__(self, store: Store, published: Callable[[], Awaitable[None]]) -> None:
        """`published` keeps the words of the public forms."""
        self._published = published
        self._table = store.form_templates
        self._subscriptions = store.subscriptions
        self._audit = AuditLog(store)

    async def all(self) -> list[FormTemplate]:
        """Sorted by name."""
        return await self._table.by_name(limit=MOST)

    async def get(self, id: str) -> FormTemplate | None:
        """None: it does not exist, or was removed."""
        found = await self._table.get(id)
        return found if found and found.expires_at is None else None

    async def translated(self, card: Card, subscription: Subscription, workspace: Workspace) -> Card:
        """The card with translations, if its words are still those of its subscription or of a template."""
        wordings: list[tuple[FormWords, str, Mapping[str, FormWords]]] = [
            (standard_form(subscription, workspace), subscription.language, subscription.translations),
            *((form_words(t), t.locale, t.translations) for t in await self.all()),
        ]
        mine = form_words(card), card.locale
        for words, locale, translations in wordings:
            if (words, locale) == mine and translations:
                usable = {code: form_words(t) for code, t in translations.items() if is_whole(t, words)}
                return card.model_copy(update={"translations": usable})
        return card

    async def save(self, name: str, card: Card, by: By, key: str, wording: WordingCheck) -> FormTemplate:
        """Saves it under this name. `key` is the form's idempotency key: submitting the same form again returns what it
        saved first.

        Raises FormWrong if the name is taken or there are too many, WordingIncomplete, and CardClosed if its
        subscription doesn't exist.
        """
        id = hashlib.sha256(f"form:{by.id}:{key}".encode()).hexdigest()[:24]
        if kept := await self._table.get(id):
            return kept
        subscription = await self._subscriptions.get(card.subscription)
        if subscription is None:
            raise CardClosed
        wording.check(card.legal_text, subscription)
        if len(await self.all()) >= MOST:
            raise FormWrong({"template_name": TOO_MANY}, most=str(MOST))
        words = card.model_dump(include={"subscription", "locale", "translations", *FORM_WORDS})
        template = FormTemplate(id=id, name=name, by=by.id, created_at=now(), **words)
        try:
            await self._table.insert(template)
        except Duplicate:
            if kept := await self._table.get(id):
                return kept
            raise FormWrong({"template_name": TAKEN}) from None
        await self._audit.record(by, AuditAction.FORM_TEMPLATE_SAVED, name)
        return template

    async def set_public(self, id: str, is_public: bool, by: By) -> FormTemplate:
        """Gives the form a page of its own, or takes it offline. Asking for it again does nothing. Raises NotFound."""
        template = await self.get(id)
        if template is None:
            raise NotFound(_("Form not found."))
        if template.is_public != is_public:
            await self._table.set_public(id, is_public=is_public)
            action = AuditAction.FORM_PUBLISHED if is_public else AuditAction.FORM_UNPUBLISHED
            await self._audit.record(by, action, template.name)
        await self._published()
        return template.model_copy(update={"is_public": is_public})

    async def remove(self, id: str, by: By) -> None:
        """Removing it again does nothing."""
        if template := await self.get(id):
            await self._table.expire(id, now())
            await self._audit.record(by, AuditAction.FORM_TEMPLATE_REMOVED, template.name)
