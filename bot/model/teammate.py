"""Someone of the business who signs in, and what they sign in with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from bot.model.base import Document


@dataclass(frozen=True, slots=True)
class By:
    """Who does it. Without an id: it was there before its history began."""

    id: str
    name: str


class TeammateRole(StrEnum):
    ADMIN = "admin"
    AGENT = "agent"


class Teammate(Document):
    """Who was removed stays here, so that what they did keeps its name, and comes back as the same teammate."""

    email: str = Field(min_length=3, max_length=254)
    """In lower case; one teammate an address."""
    name: str = Field(min_length=1, max_length=120)
    role: TeammateRole
    password_hash: str
    password_version: int = 1
    """Counts changes of the password, removal too: a session that began under another one is over."""
    is_demo: bool = False
    """Its password is known to everybody, so it opens nothing but a Sayso on the same machine."""
    removed_at: datetime | None = None
    created_at: datetime
    updated_at: datetime

    @property
    def is_admin(self) -> bool:
        return self.role is TeammateRole.ADMIN

    @property
    def initial(self) -> str:
        return self.name[:1].upper()


class Session(Document):
    """`_id` is the SHA-256 of what the cookie holds: the cookie's own secret is kept nowhere."""

    teammate: str
    password_version: int
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None


class ApiToken(Document):
    """`_id` is the SHA-256 of the token, which is shown once and kept nowhere."""

    name: str = Field(min_length=1, max_length=120)
    teammate: str
    """Who made it: it may do what they may, as long as they are a teammate."""
    scopes: tuple[str, ...] | None = None
    """What it may do, by the values of `Scope`; None: all that its teammate may."""
    is_demo: bool = False
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
