"""The only writer of contacts besides the ledger's own projection.

Phone and email change through the ledger alone (law 14), so this service records an event where a caller brings one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, TypedDict

from bot.consent.changes import ConsentChange, address_change
from bot.consent.ledger import Ledger
from bot.contacts.identity import Identity
from bot.model.attribute import AttributeValue
from bot.model.base import now
from bot.model.contact import Contact, Role
from bot.model.event import Action, Actor, Context, Source
from bot.store import Duplicate, Store


class ContactValues(TypedDict, total=False):
    """What a profile, an import or the API may set. None removes."""

    role: Role
    name: str | None
    external_id: str | None
    locale: str
    time_zone: str | None
    undone_at: datetime | None
    archived_at: datetime | None
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class ContactUpdate:
    contact: Contact
    values: ContactValues
    attributes: Mapping[str, AttributeValue | None] = field(default_factory=dict)


SITE = Actor(kind="api", id="site")
"""The site that signs for its own users."""


class ContactService:
    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._contacts = store.contacts
        self._keyed = store.keyed_numbers
        self._ledger = ledger

    async def create(self, contact: Contact) -> Contact:
        """Stores a contact once, by their id, and their email address as an event. Returns them as stored.

        Raises Duplicate: another contact has the same `external_id`.
        """
        try:
            await self._contacts.insert(contact.model_copy(update={"email": None, "phone": None}))
        except Duplicate:
            if await self._contacts.get(contact.id) is None:
                raise
        await self._keep_email(contact.id, contact.email, is_signed=not contact.is_unverified("email"))
        return await self._ledger.contact(contact.id) or contact

    async def create_many(self, contacts: Sequence[Contact]) -> list[bool]:
        """Stores them in one round trip, without phone and email, which are the ledger's. False for contacts that
        already exist, or whose `external_id` belongs to another contact."""
        return await self._contacts.insert_many(contacts)

    async def create_lead(self, id: str, number: str, conversation: str) -> Contact | None:
        """The lead who texted from this number, created if there is none; the number becomes an event."""
        time = now()
        await self._contacts.keep(Contact(id=id, created_at=time, updated_at=time, last_seen_at=time))
        await self._ledger.record(_texted(id, number, conversation))
        return await self._ledger.contact(id)

    async def seen(self, contact: Contact, *, page: str | None, time_zone: str | None) -> None:
        """Stores the page and time of their last visit. A contact who returns is no longer archived."""
        where = {"page": page, "time_zone": time_zone}
        values: dict[str, object] = {name: value for name, value in where.items() if value}
        if contact.archived_at:
            values["archived_at"] = None
        await self._contacts.change(contact, {**values, "last_seen_at": now()})

    async def returned(self, contact: Contact) -> None:
        """They wrote to us: they are no longer archived. An act that the ledger records does the same."""
        if contact.archived_at:
            await self._contacts.change(contact, {"archived_at": None, "updated_at": now()})

    async def set_locale(self, contact: Contact, locale: str) -> Contact:
        """Keeps the language that they read; nothing is written where it is the same."""
        if contact.locale == locale:
            return contact
        return await self._contacts.change(contact, {"locale": locale, "updated_at": now()})

    async def set_values(
        self, contact: Contact, values: ContactValues, attributes: Mapping[str, AttributeValue | None] | None = None
    ) -> Contact:
        """Sets these fields and custom attributes; None removes. Raises Duplicate: another contact has this
        `external_id`. Phone and email change through the ledger."""
        await self._keyed.prepare()
        changed = {**values, **self._former_id(contact, values), "updated_at": now()}
        return await self._contacts.change(contact, changed, attributes=attributes or {})

    async def set_many(self, changes: Sequence[ContactUpdate]) -> list[bool]:
        """The same for many, in one round trip. False for those whose `external_id` another contact has."""
        await self._keyed.prepare()
        time = now()
        wanted = [
            (u.contact, {**u.values, **self._former_id(u.contact, u.values), "updated_at": time}, u.attributes)
            for u in changes
        ]
        return await self._contacts.change_many(wanted)

    def _former_id(self, contact: Contact, values: ContactValues) -> dict[str, tuple[int, ...]]:
        """Keeps the user ID that they lose as a keyed hash, so that erasing can find it."""
        old = contact.external_id
        if old is None or values.get("external_id", old) == old:
            return {}
        return {"user_keys": (*contact.user_keys, self._keyed.short(old.casefold()))}

    async def add_tags(self, ids: Iterable[str], tags: Iterable[str]) -> int:
        """In one update. Returns how many contacts did not have all of them."""
        return await self._contacts.tag(ids, tags, time=now())

    async def remove_tags(self, ids: Iterable[str], tags: Iterable[str]) -> int:
        """In one update. Returns how many contacts had one of them."""
        return await self._contacts.untag(ids, tags, time=now())

    async def identify(self, lead: Contact, identity: Identity) -> Contact | None:
        """Turns a lead into the user named by the site's signature, or returns the contact that already is this user.

        None: another request identified this lead first.
        """
        values = {
            "role": Role.USER,
            "external_id": identity.user_id,
            "updated_at": now(),
            **({"name": identity.name} if identity.name else {}),
            **({"unverified": identity.unverified} if identity.unverified else {}),
        }
        with suppress(Duplicate):  # another tab made this user of another lead
            await self._contacts.change(lead, values, only={"role": Role.LEAD})
        user = await self._contacts.by_external_id(identity.user_id)
        if user and user.email is None:
            await self._keep_email(user.id, identity.email, is_signed="email" in identity.signed)
        return user

    async def update_signed(self, user: Contact, identity: Identity) -> Contact:
        """Keeps the name and email that the site signed, where they are missing or only claimed so far. Nothing is
        written where nothing is new."""
        given = {"name": identity.name, "email": identity.email}
        new = {
            field: given[field]
            for field in sorted(identity.signed)
            if getattr(user, field) is None or user.is_unverified(field)
        }
        if not new:
            return user
        if "email" in new and new["email"] != user.email:
            await self._keep_email(user.id, new["email"], is_signed=True)
        unverified = {field: value for field, value in (user.unverified or {}).items() if field not in new}
        name = {"name": new["name"]} if "name" in new else {}
        return await self._contacts.change(user, {**name, "unverified": unverified, "updated_at": now()})

    async def keep_answer(
        self, contact: Contact, field: Literal["name", "email", "phone"], value: str, *, conversation: str, key: str
    ) -> None:
        """Keeps what a bot's question was answered with, unless a value is saved already (law 5). `key`: once."""
        if getattr(contact, field):
            return
        if field == "name":
            await self.set_values(contact, {"name": value})
            return
        is_phone = field == "phone"
        change = address_change(
            contact.id,
            Action.CAPTURE_PHONE if is_phone else Action.CHANGE_ADDRESS,
            source=Source.BOT,
            actor=Actor(kind="contact", id=contact.id),
            key=key,
            phone=value if is_phone else None,
            email=None if is_phone else value,
            context=Context(conversation=conversation),
        )

        async def decide(judged: Contact) -> ConsentChange | None:
            return None if getattr(judged, field) else replace(change, judged=judged)

        await self._ledger.decide(contact, decide)

    async def _keep_email(self, contact: str, email: str | None, *, is_signed: bool) -> None:
        """Records the address that the site vouches for, or that its page only says, once each."""
        if not email:
            return
        # With a plain hash, anyone could test a guessed address, even after the person was erased.
        hash = (await self._keyed.of([email]))[email]
        key = f"signed-email:{hash}" if is_signed else "claimed-email"
        actor = SITE if is_signed else Actor(kind="contact", id=contact)
        await self._ledger.record(address_change(contact, source=Source.API, actor=actor, key=key, email=email))


def _texted(contact: str, number: str, conversation: str) -> ConsentChange:
    return address_change(
        contact,
        Action.CAPTURE_PHONE,
        source=Source.KEYWORD,
        actor=Actor(kind="contact", id=contact),
        phone=number,
        context=Context(conversation=conversation),
        key="texted",
    )
