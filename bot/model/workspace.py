"""The business: its name, its look, where its people are."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import quote

from pydantic import Field

from bot.errors import marked as _
from bot.model.base import Document

FREQUENCY = _("Msg frequency varies")
OPT_OUT = _("Reply STOP to opt out. Your choices: {link}")
"""What a workspace says that wrote nothing of its own: gettext ids, said in the language of who reads them."""


class Workspace(Document):
    """One a database, kept under the id `workspace`."""

    id: str = Field(default="workspace", alias="_id")
    name: str
    legal_name: str = ""
    brand: str = Field(default="#2f5bea", pattern=r"^#[0-9a-f]{6}$")
    support: str = ""
    """An email address, a phone number or an address of the web."""
    terms_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    privacy_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    default_region: str = Field(default="US", pattern=r"^[A-Z]{2}$")
    """Country of a number that is typed without a country code (ISO 3166-1 alpha-2)."""
    countries: tuple[str, ...] = ()
    """Countries that may be texted; none named means the default one alone."""
    frequency: str = FREQUENCY
    opt_out_text: str = OPT_OUT
    """What texts to many end with; `{link}` leads to the person's preference center."""
    legal_text: str = ""
    """What new forms begin with: plain text, links as `[Terms](https://…)`."""
    logo: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    """SHA-256 of the stored picture; empty: there is none, the initial is shown."""
    identity_secret: str
    """Key of the HMAC by which a site proves who is signed in (`user_hash`)."""

    @property
    def texted(self) -> tuple[str, ...]:
        """Countries that may be texted, the default one first."""
        rest = tuple(c for c in self.countries if c != self.default_region)
        return (self.default_region, *rest)

    @property
    def support_href(self) -> str:
        """Where a link to the support contact leads, whatever it is: nothing but these three can come out."""
        if re.match(r"https?://", self.support, re.IGNORECASE):
            return self.support
        if "@" in self.support:
            return f"mailto:{quote(self.support, safe='@+.-_')}"
        return f"tel:{re.sub(r'[^0-9+]', '', self.support)}"

    @property
    def initial(self) -> str:
        return self.name[:1].upper()


class Logo(Document):
    """A picture, under the SHA-256 of its bytes."""

    type: str
    """`image/png`, `image/jpeg` or `image/webp`, by what is in it."""
    data: bytes
    created_at: datetime
    expires_at: datetime | None = None
    """It was replaced: pages that were open may still ask for it until then."""


class Key(Document):
    """A secret of the workspace, by what it is for."""

    value: str
