"""The opt-in form inside Intercom's Messenger: who sees it, and the card that is theirs."""

from __future__ import annotations

from dataclasses import dataclass

from bot.chat.card_submission import Answer, Submitted
from bot.chat.card_view import CardView
from bot.chat.lone_cards import LoneCards
from bot.consent.numbers import is_email
from bot.contacts.identity import Identity
from bot.errors import CardClosed, NotFound
from bot.errors import marked as _
from bot.model.base import new_id, now
from bot.model.canvas_card import CanvasCard
from bot.model.contact import Contact, Role
from bot.model.conversation import Author, AuthorKind, Card, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasPerson:
    """Who Intercom says sees the card. `id`: Intercom's own; `external_id`: only a proven one; `locale`: one that we
    speak."""

    id: str
    external_id: str | None = None
    name: str | None = None
    email: str | None = None
    locale: str = "en"


class CanvasCards(LoneCards):
    author = Author(kind=AuthorKind.BOT, id="canvas")

    async def make(self, card: Card, workspace: str) -> CanvasCard:
        """Raises CardClosed: its subscription is not live."""
        await self._cards.live(card)
        made = CanvasCard(id=new_id(), card=card, workspace=workspace, created_at=now())
        await self._store.canvas_cards.insert(made)
        return made

    async def get(self, id: str) -> CanvasCard:
        """Raises NotFound."""
        found = await self._store.canvas_cards.get(id)
        if found is None:
            raise NotFound(_("Form not found."))
        return found

    async def contact(self, card: CanvasCard, person: CanvasPerson) -> Contact:
        """The contact as the ledger has them, in the person's language; not stored if they have done nothing yet.
        Raises CardClosed if they were erased."""
        id, contact = await self._known(card, person)
        if contact is None:
            time, names = now(), {"name": person.name, "email": person.email if is_email(person.email or "") else None}
            unverified = {name: value for name, value in names.items() if value}
            contact = Contact(
                id=id,
                role=Role.USER if person.external_id else Role.LEAD,
                external_id=person.external_id,
                unverified=unverified or None,
                created_at=time,
                updated_at=time,
                last_seen_at=time,
                is_stored=False,
                **names,
            )
        if contact.erased_at:
            raise CardClosed
        return contact.model_copy(update={"locale": person.locale})

    async def _known(self, card: CanvasCard, person: CanvasPerson) -> tuple[str, Contact | None]:
        """The id of their own contact, and the contact they are now. Only a proven user is a user."""
        if person.external_id and (user := await self._store.contacts.by_external_id(person.external_id)):
            return user.id, await self._ledger.contact(user.id)
        id = self._id("canvas", "contact", card.workspace, person.id)
        contact = await self._now(id)
        if contact and contact.role is Role.USER and not person.external_id:
            id = self._id("canvas", "unproven", card.workspace, person.id)
            contact = await self._now(id)
        return id, contact

    async def _now(self, id: str) -> Contact | None:
        """The contact, or the one that it was merged into."""
        contact = await self._ledger.contact(id)
        while contact and contact.merged_into:
            contact = await self._ledger.contact(contact.merged_into)
        return contact

    async def part(self, card: CanvasCard, contact: Contact) -> Part:
        """Their card: as stored, or as their first act will store it."""
        return await self._part(self._conversation(card, contact), card.card)

    async def view(self, card: CanvasCard, contact: Contact) -> CardView:
        return await self._view(await self.part(card, contact), contact)

    async def submit(self, card: CanvasCard, person: CanvasPerson, answer: Answer) -> Submitted:
        """Raises what `Cards.submit` raises."""
        contact, part = await self._stored(card, person)
        return await self._cards.submit(part, contact, await self._workspace(), answer)

    async def _stored(self, card: CanvasCard, person: CanvasPerson) -> tuple[Contact, Part]:
        contact = await self.contact(card, person)
        if not contact.is_stored:
            contact = await self._contacts.create(contact.model_copy(update={"is_stored": True}))
        elif person.external_id and contact.role is Role.LEAD:
            identity = Identity(user_id=person.external_id, secret="", name=person.name, email=person.email)
            contact = await self._contacts.identify(contact, identity) or contact
        stored = await self._ledger.contact(contact.id) or contact
        contact = await self._contacts.set_locale(stored, person.locale)
        return contact, await self._begun(self._conversation(card, contact), contact, card.card)

    def _conversation(self, card: CanvasCard, contact: Contact) -> str:
        return self._id("canvas", "conversation", card.id, contact.id)
