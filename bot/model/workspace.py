"""The business: name, look, contact details, countries, wording."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from urllib.parse import quote

from pydantic import Field, field_validator

from bot.errors import marked as _
from bot.model.base import Document, Value
from bot.model.canvas_card import CanvasSecret
from bot.model.country_sender import CountrySender
from bot.model.form_limits import AbuseLimits
from bot.model.segment_price import SegmentPrice

FREQUENCY = _("Msg frequency varies")
OPT_OUT = _("Reply STOP to opt out. Manage your preferences: {link}")
"""Default wording of a workspace: gettext ids, translated for the reader."""
FORMER_OPT_OUT = "Reply STOP to opt out. Your choices: {link}"
"""Stored where the default of version 0.1 was kept."""


class IdentitySecret(Value):
    """A key with which the site proves who is signed in. Verifying takes the key itself, so it is stored as it is."""

    id: str
    secret: str
    created_at: datetime | None = None
    """None: it comes from the settings."""
    created_by: str = ""
    """The teammate's name."""
    last_used_at: datetime | None = None
    """At most a minute old."""


class IncompleteWording(StrEnum):
    """What happens when a teammate inserts or saves a form whose legal text the checker finds incomplete."""

    OFF = "off"
    WARN = "warn"
    """They see what is missing and have to confirm."""
    BLOCK = "block"
    """Agents can't; admins are warned."""


class ReplyTime(StrEnum):
    """How soon visitors can expect an answer in the chat."""

    UNSAID = ""
    MINUTES = "minutes"
    HOUR = "hour"
    HOURS = "hours"
    DAY = "day"


class Workspace(Document):
    """One per database, with the id `workspace`."""

    id: str = Field(default="workspace", alias="_id")
    name: str
    legal_name: str = ""
    brand: str = Field(default="#2f5bea", pattern=r"^#[0-9a-f]{6}$")
    support: str = ""
    """An email address, a phone number or a URL."""
    texts_from: str = Field(default="", max_length=40)
    """The number that texts come from, as people read it: where to text START."""
    terms_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    privacy_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    default_region: str = Field(default="US", pattern=r"^[A-Z]{2}$")
    """Country of numbers typed without a country code (ISO 3166-1 alpha-2)."""
    countries: tuple[str, ...] = ()
    """Countries that may be texted; empty: only the default one."""
    frequency: str = FREQUENCY
    opt_out_text: str = OPT_OUT
    """Appended to texts to many people; `{link}` leads to the person's preference center."""
    legal_text: str = ""
    """The default legal text of new forms: plain text, links as `[Terms](https://…)`."""
    legal_language: str = "en"
    """Its locale."""
    incomplete_wording: IncompleteWording = IncompleteWording.WARN
    logo: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """SHA-256 of the stored picture; empty: the initial is shown instead."""
    require_second_factor: bool = False
    """Admins need a passkey to use anything but their own account page."""
    identity_secrets: tuple[IdentitySecret, ...] = ()
    """All are valid. At most two, so that a site can rotate its secret without signing anyone out."""
    identity_secret: str | None = None
    """The only one that version 0.1 had."""
    canvas_secrets: tuple[CanvasSecret, ...] = ()
    """Client secrets of the app in Intercom: two at most, the oldest first."""
    messenger_security: bool = False
    """Intercom proves the user ids that it sends: it refuses visitors who only claim one."""
    sites: tuple[str, ...] = ()
    """Origins that may embed the chat (`https://shop.example.com`); empty: any site."""
    image_hosts: tuple[str, ...] = ()
    """Hosts whose images bots may show (`cdn.example.com`)."""
    reply_time: ReplyTime = ReplyTime.UNSAID
    abuse: AbuseLimits = AbuseLimits()
    senders: tuple[CountrySender, ...] = ()
    """Of the countries whose texts don't come from the default sender."""

    prices: tuple[SegmentPrice, ...] = ()
    """Of texts, by country; where there is none, only segments are counted."""
    currency: str = Field(default="USD", pattern=r"^[A-Z]{3}$")
    """Of the prices (ISO 4217)."""

    @field_validator("opt_out_text")
    @classmethod
    def _current(cls, text: str) -> str:
        return OPT_OUT if text == FORMER_OPT_OUT else text

    @property
    def texted(self) -> tuple[str, ...]:
        """Countries that may be texted, the default one first."""
        return _texted(self.default_region, self.countries)

    def __hash__(self) -> int:
        """Cheap, since caches are keyed by the workspace; another version with this name differs by comparison."""
        return hash(self.name)

    @property
    def support_href(self) -> str:
        """The target of the support link; only these three schemes are possible."""
        if re.match(r"https?://", self.support, re.IGNORECASE):
            return self.support
        if "@" in self.support:
            return f"mailto:{quote(self.support, safe='@+.-_')}"
        return f"tel:{re.sub(r'[^0-9+]', '', self.support)}"

    @property
    def initial(self) -> str:
        return self.name[:1].upper()


@lru_cache(maxsize=64)
def _texted(first: str, countries: tuple[str, ...]) -> tuple[str, ...]:
    return (first, *(country for country in countries if country != first))


class Logo(Document):
    """A picture, identified by the SHA-256 of its bytes."""

    type: str
    """`image/png`, `image/jpeg` or `image/webp`, detected from its bytes."""
    data: bytes
    created_at: datetime
    expires_at: datetime | None = None
    """Set when it was replaced: pages that were open may load it until then."""


class Key(Document):
    """A secret of the workspace, by purpose."""

    value: str
