"""Who is at the other end of a messenger: a lead known by a token that we signed, or a user whom the site's
signature proves."""

from __future__ import annotations

import hashlib
import hmac
from contextlib import suppress
from dataclasses import dataclass

from itsdangerous import BadData, TimestampSigner

from bot.consent.addresses import SITE, address_change
from bot.consent.ledger import Ledger
from bot.consent.numbers import is_email
from bot.errors import Invalid, Unauthorized
from bot.errors import marked as _
from bot.model.base import new_id, now
from bot.model.contact import Contact, Role
from bot.model.event import Source
from bot.model.workspace import Workspace
from bot.store import Duplicate, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the site's settings say of the person. Only with the right `user_hash` is any of it believed (law 11)."""

    user_id: str | None = None
    user_hash: str | None = None
    name: str | None = None
    email: str | None = None
    locale: str = "en"
    page: str | None = None
    time_zone: str | None = None


SKEW = 300
"""Seconds by which the clocks of two of our machines may differ."""


class _Reader(TimestampSigner):
    """Takes a token for good that another machine signed a moment ahead of this one's clock."""

    def get_timestamp(self) -> int:
        return super().get_timestamp() + SKEW


class Visitors:
    """Tokens travel in a header and are kept in the site's own storage: third-party cookies do not exist for us."""

    def __init__(self, store: Store, ledger: Ledger, *, secret: str, days: int) -> None:
        self._contacts = store.contacts
        self._ledger = ledger
        self._signer = TimestampSigner(secret, salt="visitor", digest_method=hashlib.sha256)
        self._reader = _Reader(secret, salt="visitor", digest_method=hashlib.sha256)
        self._seconds = days * 86400

    def token(self, contact: str) -> str:
        return self._signer.sign(contact).decode()

    def read(self, token: str) -> str:
        """The id of the contact. Raises Unauthorized."""
        try:
            return self._reader.unsign(token, max_age=self._seconds + SKEW).decode()
        except BadData:
            raise Unauthorized from None

    async def claimed(self, token: str) -> Contact:
        """The contact as last projected: for what does not depend on their consents, or asks the ledger anyway."""
        contact = await self._contacts.get(self.read(token))
        if contact is None:
            raise Unauthorized
        return contact

    async def known(self, token: str) -> Contact:
        """The contact, with their consents as the ledger has them. Raises Unauthorized."""
        contact = await self._ledger.contact(self.read(token))
        if contact is None:
            raise Unauthorized
        return contact

    async def was_here(self, contact: Contact, claim: Claim) -> None:
        """Keeps where and when they were last, for teammates to see."""
        where = {"page": claim.page, "time_zone": claim.time_zone}
        values = {name: value for name, value in where.items() if value}
        await self._contacts.update({"_id": contact.id}, {"$set": {**values, "last_seen_at": now()}})

    async def enter(self, token: str | None, claim: Claim, workspace: Workspace) -> tuple[Contact, bool]:
        """The person who opens the messenger, and whether they are new (then not stored yet: `Contacts.insert`).

        A proven user is that user's contact. A lead who turns out to be a user not known yet becomes that user and
        keeps their conversations. Anyone else is the lead of the token, or a new one; who signed out, or claims to be
        somebody else, is not the user of the token any more. Raises Invalid for a wrong signature.
        """
        known = await self._of_token(token)
        if known and known.role is Role.USER and known.external_id != claim.user_id:
            known = None
        if claim.user_id is None or claim.user_hash is None:
            return (await self._speaking(known, claim.locale), False) if known else (_new(claim), True)
        if not is_proven(claim.user_id, claim.user_hash, workspace.identity_secret):
            raise Invalid(_("The signature of this user (user_hash) is wrong."))
        user = await self._contacts.by_external_id(claim.user_id)
        if user is None and known and known.role is Role.LEAD:
            user = await self._promote(known, claim)
        if user is None:
            email = claim.email if claim.email and is_email(claim.email) else None
            return _new(claim, role=Role.USER, external_id=claim.user_id, name=claim.name, email=email), True
        return await self._speaking((await self._ledger.contact(user.id)) or user, claim.locale), False

    async def _of_token(self, token: str | None) -> Contact | None:
        try:
            return await self.known(token) if token else None
        except Unauthorized:
            return None

    async def _speaking(self, contact: Contact, locale: str) -> Contact:
        """The contact, who is spoken to in the language that they have now."""
        if contact.locale == locale:
            return contact
        await self._contacts.update({"_id": contact.id}, {"$set": {"locale": locale, "updated_at": now()}})
        return contact.model_copy(update={"locale": locale})

    async def _promote(self, lead: Contact, claim: Claim) -> Contact | None:
        """Makes the lead the user that they proved to be. None: another claim on this lead was first."""
        values: dict[str, object] = {"role": Role.USER, "external_id": claim.user_id, "updated_at": now()}
        if claim.name:
            values["name"] = claim.name
        values["terms"] = lead.model_copy(update=values).terms
        with suppress(Duplicate):  # another tab made this user of another lead
            await self._contacts.update({"_id": lead.id, "role": Role.LEAD}, {"$set": values})
        user = await self._contacts.by_external_id(claim.user_id or "")
        if user and user.email is None and claim.email and is_email(claim.email):
            await self.keep_email(user.id, claim.email)
        return user

    async def keep_email(self, contact: str, email: str | None) -> None:
        """Records the address that the site vouches for, once."""
        if email:
            await self._ledger.record(
                address_change(contact, source=Source.API, actor=SITE, key="claimed-email", email=email)
            )


def is_proven(user_id: str, user_hash: str, secret: str) -> bool:
    """`user_hash` is the hex HMAC-SHA256 of the user id under the workspace's identity secret."""
    right = hmac.new(secret.encode(), user_id.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(right.encode(), user_hash.strip().lower().encode())


def _new(claim: Claim, **values: object) -> Contact:
    time = now()
    known = {key: value for key, value in values.items() if value is not None}
    return Contact(
        id=new_id(),
        locale=claim.locale,
        page=claim.page,
        time_zone=claim.time_zone,
        created_at=time,
        updated_at=time,
        last_seen_at=time,
        **known,
    )
