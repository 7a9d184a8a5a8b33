"""Identifies visitors of the messenger: leads by a token that we signed, users by the site's signature."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from itsdangerous import BadData, TimestampSigner
from itsdangerous.encoding import base64_decode, base64_encode
from pydantic import ValidationError

from bot.consent.ledger import Ledger
from bot.consent.numbers import is_email
from bot.consent.projection import opened_lead
from bot.contacts.identity import Identity, proven_by_hash, proven_by_token
from bot.contacts.merge import ContactMerge
from bot.contacts.service import SITE, ContactService
from bot.errors import Invalid, NotFound, Unauthorized
from bot.errors import marked as _
from bot.model.base import Value, new_id, now
from bot.model.contact import Contact, Role
from bot.model.event import ChatOpening, Source
from bot.model.workspace import Workspace
from bot.store import Duplicate, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the site says about the person. Only what it signed is trusted (law 11)."""

    user_id: str | None = None
    user_hash: str | None = None
    user_jwt: str | None = None
    name: str | None = None
    email: str | None = None
    locale: str = "en"
    page: str | None = None
    time_zone: str | None = None

    def identity(self, workspace: Workspace) -> Identity | None:
        """The user that the site proves. None: it says nothing, or without proof. Raises Invalid for a wrong one."""
        secrets = workspace.identity_secrets
        said = {"name": self.name, "email": self.email if self.email and is_email(self.email) else None}
        if self.user_jwt:
            return proven_by_token(self.user_jwt, secrets, **said)
        if self.user_id is None or self.user_hash is None:
            return None
        return proven_by_hash(self.user_id, self.user_hash, secrets, **said)


class Arrival(Value):
    """The part of a token that stores a chat, and perhaps its contact, with the first act."""

    opening: ChatOpening
    is_new: bool | None = None
    """The visitor wasn't stored when the token was signed. If they are stored now, they acted in another tab."""
    page: str | None = None
    external_id: str | None = None
    name: str | None = None
    email: str | None = None
    unverified: dict[str, str] | None = None
    met: tuple[str, ...] | None = None
    """Flows of earlier chats that were never stored."""
    dismissed: tuple[str, ...] | None = None
    """Outbound messages that they don't want to see."""
    is_unread: bool | None = None
    """The chat hasn't been opened: a flow began it while they were on a page."""

    @classmethod
    def of(
        cls,
        contact: Contact,
        opening: ChatOpening,
        met: Collection[str] = (),
        dismissed: Sequence[str] | None = None,
        *,
        is_unread: bool = False,
    ) -> Self:
        """`met`: the flows that greeted them before."""
        earlier = tuple(sorted({*met} - {opening.flow}))[:MOST_MET] or None
        page = contact.page if contact.page and len(contact.page) <= LONGEST_PAGE else None
        person = contact.model_dump(include={"external_id", "name", "email", "unverified"})
        refused = tuple(dismissed or ())[-MOST_DISMISSED:] or None
        marks = {"is_new": None if contact.is_stored else True, "is_unread": is_unread or None}
        return cls(opening=opening, page=page, met=earlier, dismissed=refused, **marks, **person)

    @property
    def flows(self) -> frozenset[str]:
        """The flows that greeted them."""
        return frozenset(filter(None, (self.opening.flow, *(self.met or ()))))

    @property
    def is_anonymous(self) -> bool:
        """Nothing was stored of the visitor when the token was signed, and the site hadn't said who they are."""
        return bool(self.is_new) and self.external_id is None

    def without(self, message: str) -> Self:
        """After they dismissed it."""
        earlier = [one for one in self.dismissed or () if one != message]
        return self.model_copy(update={"dismissed": (*earlier, message)[-MOST_DISMISSED:]})

    @property
    def kept_opening(self) -> ChatOpening:
        """Without a message that was dismissed: a page that still shows the old chat goes on with that."""
        if self.opening.message not in (self.dismissed or ()):
            return self.opening
        return self.opening.model_copy(update={"conversation": new_id(), "message": None})

    def contact(self, id: str) -> Contact:
        """The contact that the first act stores."""
        lead = opened_lead(id, self.opening, self.page)
        who = {"external_id": self.external_id, "name": self.name, "email": self.email, "unverified": self.unverified}
        role = Role.USER if self.external_id else Role.LEAD
        return lead.model_copy(update={**who, "role": role, "is_stored": False})


@dataclass(frozen=True, slots=True)
class Visitor:
    """The person a token belongs to."""

    contact: Contact
    opening: ChatOpening | None = None
    """The chat in the token. It may be stored by now."""


MOST_MET = 10
MOST_DISMISSED = 4
"""The newest ones: a token has a limit, and an older message of these has probably ended."""
LONGEST_PAGE = 500
"""Limit of a page address in a token, in characters."""
SKEW = 300
"""Seconds by which the clocks of our machines may differ."""


class _Reader(TimestampSigner):
    """Accepts tokens that a machine with a faster clock signed."""

    def get_timestamp(self) -> int:
        return super().get_timestamp() + SKEW


class Visitors:
    """Tokens travel in a header and are kept in the site's own storage: browsers block third-party cookies."""

    def __init__(
        self, store: Store, ledger: Ledger, writer: ContactService, merge: ContactMerge, *, secret: str, days: int
    ) -> None:
        self._contacts = store.contacts
        self._writer = writer
        self._merge = merge
        self._ledger = ledger
        self._signer = TimestampSigner(secret, salt="visitor", digest_method=hashlib.sha256)
        self._reader = _Reader(secret, salt="visitor", digest_method=hashlib.sha256)
        self._seconds = days * 86400
        self._secret = secret.encode()
        self.on_proof: Callable[[str], None] = lambda secret: None
        """Called with the id of the secret that proved a user."""

    def token(self, contact: str, arrival: Arrival | None = None) -> str:
        """Signs the contact's id and, while their chat isn't stored, the data to store it."""
        more = base64_encode(arrival.model_dump_json(exclude_none=True)).decode() if arrival else ""
        return self._signer.sign(f"{contact}~{more}" if more else contact).decode()

    def read(self, token: str) -> str:
        """The id of the contact. Raises Unauthorized."""
        return self._read(token)[0]

    def arrival(self, token: str | None) -> tuple[str, Arrival | None]:
        """The contact's id, and the data of a chat that wasn't stored when the token was signed. Empty for no valid
        token."""
        with suppress(Unauthorized):
            return self._read(token) if token else ("", None)
        return "", None

    async def presumed(self, token: str) -> Visitor:
        """Like `claimed`, but without a query for a visitor who was new when the token was signed. Use it only while
        their chat isn't stored: each act is checked again when it is written. Raises Unauthorized.
        """
        id, arrival = self._read(token)
        return _visitor(id, None if arrival and arrival.is_new else await self._contacts.get(id), arrival)

    async def fresh(self, contact: Contact) -> Contact:
        """The contact with their consents as the ledger has them, if they are stored by now. Raises Unauthorized:
        they were erased, or merged into another contact."""
        fresh = await self._ledger.contact(contact.id) or contact
        if fresh.is_gone:
            raise Unauthorized
        return fresh

    async def claimed(self, token: str) -> Visitor:
        """The contact as last projected: enough where consents don't matter or the ledger is asked anyway.

        Raises Unauthorized.
        """
        id, arrival = self._read(token)
        return _visitor(id, await self._contacts.get(id), arrival)

    async def known(self, token: str) -> Visitor:
        """The contact, with consents as of the ledger. Raises Unauthorized."""
        id, arrival = self._read(token)
        return _visitor(id, await self._ledger.contact(id), arrival)

    def _read(self, token: str) -> tuple[str, Arrival | None]:
        try:
            contact, _, more = self._reader.unsign(token, max_age=self._seconds + SKEW).decode().partition("~")
            return contact, Arrival.model_validate_json(base64_decode(more)) if more else None
        except (BadData, ValidationError):
            raise Unauthorized from None

    async def enter(self, token: str | None, claim: Claim, workspace: Workspace) -> Contact:
        """The person who opens the messenger; one who is new isn't stored yet.

        A signed user gets their own contact, and the lead of the token is merged into it; if they have none, the lead
        becomes that user. Either way they keep their conversations. Anyone else is the lead of the token, or a new one.
        A user's token no longer counts after they signed out or another user signed in. Raises Invalid for a wrong
        signature.
        """
        identity, (known, lead) = claim.identity(workspace), await self._of_token(token)
        claimed = identity.user_id if identity else claim.user_id
        if known and known.role is Role.USER and known.external_id != claimed:
            known = None
        if identity is None:
            if known:
                return await self._writer.set_locale(known, claim.locale)
            return _new(lead or new_id(), claim)
        self.on_proof(identity.secret)
        if identity.is_expired:
            return await self._still_signed_in(token, identity, known, claim)
        return await self._enter_user(identity, known, claim)

    async def met(self, token: str | None, claim: Claim, workspace: Workspace) -> Contact | None:
        """The person who would enter. Nothing is written; None: entering would make the token's owner another person,
        or the site's proof has expired. Raises Invalid for a wrong signature."""
        identity, (known, lead) = claim.identity(workspace), await self._of_token(token)
        if identity:
            user = await self._contacts.by_external_id(identity.user_id) or await self._new_user(identity, claim)
            owner, _arrival = self.arrival(token)
            if owner != user.id and (owner or identity.is_expired):
                return None
            known = await self._ledger.contact(user.id) or user
        elif known and known.role is Role.USER and known.external_id != claim.user_id:
            known = None
        return known.model_copy(update={"locale": claim.locale}) if known else _new(lead or new_id(), claim)

    async def _still_signed_in(
        self, token: str | None, identity: Identity, known: Contact | None, claim: Claim
    ) -> Contact:
        """A page can stay open longer than the site's token is valid. A user identified before stays signed in while
        our own token is valid. Raises Invalid."""
        id, arrival = self.arrival(token)
        if known and known.role is Role.USER:
            return await self._writer.set_locale(known, claim.locale)
        if arrival and arrival.external_id == identity.user_id:
            return arrival.contact(id)
        raise Invalid(_("The user token (user_jwt) has expired."))

    async def _enter_user(self, identity: Identity, known: Contact | None, claim: Claim) -> Contact:
        user = await self._contacts.by_external_id(identity.user_id)
        if user is None and known and known.role is Role.LEAD:
            user = await self._writer.identify(known, identity)
        elif user:
            user = await self._joined(await self._writer.update_signed(user, identity), known)
        if user is None:
            return await self._new_user(identity, claim)
        return await self._writer.set_locale((await self._ledger.contact(user.id)) or user, claim.locale)

    async def _new_user(self, identity: Identity, claim: Claim) -> Contact:
        person = {"external_id": identity.user_id, "name": identity.name, "email": identity.email}
        unverified = identity.unverified or None
        return _new(await self._user_id(identity.user_id), claim, role=Role.USER, unverified=unverified, **person)

    async def _joined(self, user: Contact, lead: Contact | None) -> Contact:
        """The user, with what they said and wrote in this browser before they signed in. The lead is read again:
        another tab may have made another user of it."""
        if lead is None or lead.id == user.id:
            return user
        lead = await self._ledger.contact(lead.id)
        if lead is None or lead.role is not Role.LEAD:
            return user
        with suppress(NotFound):  # merged into another contact, or erased, at the same moment
            return await self._merge.merge(user.id, lead.id, SITE, Source.API)
        return user

    async def _of_token(self, token: str | None) -> tuple[Contact | None, str]:
        """The stored contact, and the id of a lead who isn't stored yet. None after an erasure or a merge: a lead's
        token doesn't prove that its holder is the person it was merged into (law 11)."""
        id, arrival = self.arrival(token)
        if contact := await self._ledger.contact(id) if id else None:
            return (None if contact.is_gone else contact), ""
        return None, id if arrival and arrival.external_id is None else ""

    async def _user_id(self, external_id: str) -> str:
        """A new user's contact id, the same in all tabs. Keyed, so that it can't be derived from the user's id. A user
        who returns after an erasure gets a new id."""
        for n in itertools.count():
            again = f":{n}" if n else ""
            id = hmac.digest(self._secret, f"user:{external_id}{again}".encode(), "sha256").hex()[:24]
            contact = await self._contacts.get(id)
            if contact is None or not contact.is_gone:
                return id
        raise AssertionError

    async def store(self, contact: Contact) -> Contact:
        """Stores a visitor, unless they are stored. Returns them as stored.

        Raises Unauthorized if another tab made this user another contact, or they were erased: opening again finds
        them, or makes another one.
        """
        if contact.is_stored:
            return contact
        try:
            stored = await self._writer.create(contact)
        except (Duplicate, NotFound):
            raise Unauthorized from None
        if stored.is_gone:
            raise Unauthorized
        return stored


def _visitor(id: str, contact: Contact | None, arrival: Arrival | None) -> Visitor:
    opening = arrival.opening if arrival else None
    if contact and contact.is_gone:
        raise Unauthorized
    if contact:
        return Visitor(contact, opening)
    if arrival is None:
        raise Unauthorized
    return Visitor(arrival.contact(id), opening)


def _new(id: str, claim: Claim, **values: object) -> Contact:
    time = now()
    known = {key: value for key, value in values.items() if value is not None}
    return Contact(
        id=id,
        locale=claim.locale,
        page=claim.page,
        time_zone=claim.time_zone,
        created_at=time,
        updated_at=time,
        last_seen_at=time,
        is_stored=False,
        **known,
    )
