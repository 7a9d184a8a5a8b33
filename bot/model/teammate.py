"""Teammates, their sessions and API tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from bot.model.base import Document


@dataclass(frozen=True, slots=True)
class By:
    """Who made a change. Without an id: it predates the history, or the command line made it."""

    id: str
    name: str
    address: str = ""
    """The IP address of the request."""
    token: str = ""
    """The name of the API token that was used."""


class TeammateRole(StrEnum):
    ADMIN = "admin"
    AGENT = "agent"


class Teammate(Document):
    """A removed teammate is kept, so that their actions keep their name, and gets the same account back when added
    again."""

    email: str = Field(min_length=3, max_length=254)
    """Lowercase and unique."""
    name: str = Field(min_length=1, max_length=120)
    role: TeammateRole
    extra_scopes: tuple[str, ...] = ()
    """What an admin granted them beyond their role, by the values of `Scope`."""
    password_hash: str
    password_version: int = 1
    """Incremented by each change of the password and by removal: sessions with an older version are invalid."""
    locale: str = ""
    """The language of their pages; empty: their browser's."""
    time_zone: str = ""
    """IANA name; empty: their browser's."""
    notify_sound: bool = False
    notify_desktop: bool = False
    """How an open inbox tells them of new messages."""
    contact_columns: tuple[str, ...] = ()
    """Columns of their list of contacts, in order; empty: the usual ones."""
    has_passkey: bool = False
    """Whether sign-in asks for a passkey after the password."""
    recovery_codes: tuple[str, ...] = ()
    """SHA-256 of those that were not used."""
    last_seen_at: datetime | None = None
    """Written at most once a minute."""
    is_demo: bool = False
    """Its password is public, so it works only with a Sayso on the same machine."""
    removed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def is_admin(self) -> bool:
        return self.role is TeammateRole.ADMIN

    @property
    def first_name(self) -> str:
        """What customers see."""
        return (self.name.split() or [self.name])[0]


class Session(Document):
    """`_id` is the SHA-256 of the cookie's secret, which is not stored."""

    teammate: str
    password_version: int
    address: str = ""
    user_agent: str = ""
    last_seen_at: datetime | None = None
    """Written at most once a minute."""
    proved_at: datetime | None = None
    """When the password was asked for again; None: only at sign-in."""
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


class ApiToken(Document):
    """`_id` is the SHA-256 of the token, which is shown once and not stored."""

    name: str = Field(min_length=1, max_length=120)
    teammate: str
    """The creator: the token may do what they may, as long as they are a teammate."""
    scopes: tuple[str, ...] | None = None
    """What it may do, by the values of `Scope`; None: all that its teammate may."""
    is_demo: bool = False
    ending: str = ""
    """The last four characters, to tell tokens apart."""
    created_at: datetime
    last_used_at: datetime | None = None
    """Written at most once a minute."""
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class LinkPurpose(StrEnum):
    JOIN = "join"
    PASSWORD = "password"  # noqa: S105 (a purpose)


class AccountLink(Document):
    """A link that an admin hands to someone: to join, or to set a new password. It works once, until it expires."""

    purpose: LinkPurpose
    email: str
    """Lowercase."""
    role: TeammateRole | None = None
    """Of the new teammate."""
    teammate: str = ""
    """Whose password it sets."""
    password_version: int = 0
    """A password link expires when the password changes."""
    by: str
    by_name: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    """When it was used or revoked."""


class Passkey(Document):
    """`_id` is the credential's id, base64url."""

    teammate: str
    name: str = Field(min_length=1, max_length=80)
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...] = ()
    created_at: datetime
    last_used_at: datetime | None = None
    removed_at: datetime | None = None


class PasskeyChallenge(Document):
    """What an authenticator has to sign, once, within minutes."""

    teammate: str
    value: bytes
    is_sign_in: bool
    """The password was correct; else a passkey is being added."""
    password_version: int = 1
    """Of that password: a changed one ends a sign-in that is half done."""
    expires_at: datetime
    used_at: datetime | None = None
