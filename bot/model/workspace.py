"""The business: its name, its look, where its people are."""

from __future__ import annotations

from pydantic import Field

from bot.errors import marked as _
from bot.model.base import Document


class Workspace(Document):
    """One a database, kept under the id `workspace`."""

    id: str = Field(default="workspace", alias="_id")
    name: str
    legal_name: str = ""
    brand: str = Field(default="#2f5bea", pattern=r"^#[0-9a-f]{6}$")
    support: str = ""
    terms_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    privacy_url: str = Field(default="", pattern=r"^(https?://\S+)?$")
    default_region: str = Field(default="US", pattern=r"^[A-Z]{2}$")
    """Country of a number that is typed without a country code (ISO 3166-1 alpha-2)."""
    countries: tuple[str, ...] = ()
    """Countries that may be texted; none named means the default one alone."""
    frequency: str = _("Msg frequency varies")
    opt_out_text: str = _("Reply STOP to opt out. Your choices: {link}")
    """What texts to many end with; `{link}` leads to the person's preference center."""
    legal_text: str = ""
    """What new forms begin with: plain text, links as `[Terms](https://…)`."""
    logo: str = ""
    """SHA-256 of the stored picture; empty: there is none, the initial is shown."""
    identity_secret: str
    """Key of the HMAC by which a site proves who is signed in (`user_hash`)."""

    @property
    def texted(self) -> tuple[str, ...]:
        """Countries that may be texted, the default one first."""
        rest = tuple(c for c in self.countries if c != self.default_region)
        return (self.default_region, *rest)

    @property
    def initial(self) -> str:
        return self.name[:1].upper()


class Key(Document):
    """A secret of the workspace, by what it is for."""

    value: str
