"""The only writer of contacts besides the ledger's own projection.

Phone and email change through the ledger alone (law 14), so this service records an event where a caller brings one.
"""

from __future__ import annotations

from contextlib import suppress

from bot.consent.addresses import address_change
from bot.consent.ledger import ConsentChange, Ledger
from bot.model.base import now
from bot.model.contact import Contact, Role
from bot.model.event import Action, Actor, Context, Source
from bot.store import Duplicate, Store

SITE = Actor(kind="api", id="site")
"""The site that signs for its own users."""


class ContactService:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._contacts = store.contacts
        self._ledger = ledger

    async def create(self, contact: Contact) -> Contact:
        """Stores a contact once, by their id; their email address becomes an event. Answers them as stored.

        Raises Duplicate: another contact has the same `external_id`.
        """
        try:
            await self._contacts.insert(contact.model_copy(update={"email": None, "phone": None}))
        except Duplicate:
            if await self._contacts.get(contact.id) is None:
                raise
        await self._keep_email(contact.id, contact.email)
        return await self._ledger.contact(contact.id) or contact

    async def create_lead(self, id: str, number: str, conversation: str) -> Contact | None:
        """The lead who texted from this number, created if there is none; the number becomes an event."""
        time = now()
        await self._contacts.keep(Contact(id=id, created_at=time, updated_at=time, last_seen_at=time))
        await self._ledger.record(_texted(id, number, conversation))
        return await self._ledger.contact(id)

    async def seen(self, contact: Contact, *, page: str | None, time_zone: str | None) -> None:
        """Keeps where and when they were last."""
        where = {"page": page, "time_zone": time_zone}
        values = {name: value for name, value in where.items() if value}
        await self._contacts.change(contact, {**values, "last_seen_at": now()})

    async def set_locale(self, contact: Contact, locale: str) -> Contact:
        """Keeps the language that they read; nothing is written where it is the same."""
        if contact.locale == locale:
            return contact
        return await self._contacts.change(contact, {"locale": locale, "updated_at": now()})

    async def identify(self, lead: Contact, external_id: str, *, name: str | None, email: str | None) -> Contact | None:
        """Makes a lead the user that the site proved them to be, or answers the contact that is this user already.

        None: another claim on this lead was first.
        """
        values = {
            "role": Role.USER,
            "external_id": external_id,
            "updated_at": now(),
            **({"name": name} if name else {}),
        }
        with suppress(Duplicate):  # another tab made this user of another lead
            await self._contacts.change(lead, values, only={"role": Role.LEAD})
        user = await self._contacts.by_external_id(external_id)
        if user and user.email is None:
            await self._keep_email(user.id, email)
        return user

    async def _keep_email(self, contact: str, email: str | None) -> None:
        """Records the address that the site vouches for, once."""
        if email:
            await self._ledger.record(
                address_change(contact, source=Source.API, actor=SITE, key="claimed-email", email=email)
            )


def _texted(contact: str, number: str, conversation: str) -> ConsentChange:
    return ConsentChange(
        contact=contact,
        action=Action.CAPTURE_PHONE,
        source=Source.KEYWORD,
        actor=Actor(kind="contact", id=contact),
        number=number,
        context=Context(conversation=conversation),
        key="texted",
    )
