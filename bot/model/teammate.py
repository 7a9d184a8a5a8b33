"""Teammates, their sessions and API tokens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from bot.model.base import Document


@dataclass(frozen=True, slots=True)
class By:
    """Who made a change. Without an id: it predates the history."""

    id: str
    name: str


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
    is_demo: bool = False
    """Its password is public, so it works only with a Sayso on the same machine."""
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
    """`_id` is the SHA-256 of the cookie's secret, which is not stored."""

    teammate: str
    password_version: int
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
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
