"""The business's brand: name, look, contact details, countries, and the wording it uses everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from bot.consent.numbers import all_regions, international, is_email
from bot.consent.placeholders import unknown_variables
from bot.errors import marked as _
from bot.i18n import DEFAULT
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.teammate import By
from bot.model.workspace import FREQUENCY, OPT_OUT, IncompleteWording, Logo, ReplyTime, Workspace
from bot.store import Store
from bot.workspace.audit import AuditLog
from bot.workspace.pictures import picture_type
from bot.workspace.wording import Language

LINGERS = timedelta(days=1)
"""How long pages that were open can still load a replaced logo."""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _is_web(text: str) -> bool:
    """An http or https URL with a host; excludes `javascript:` and the like."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    is_plain = text.isprintable() and not any(c.isspace() for c in text)
    return is_plain and parts.scheme in {"http", "https"} and bool(parts.hostname)


def _web(text: str) -> str:
    if text and not _is_web(text):
        raise ValueError(_("Enter a web address like https://example.com/terms."))
    return text


Line = Annotated[str, AfterValidator(_one_line)]
Address = Annotated[str, Field(max_length=500), AfterValidator(_web)]


class Brand(BaseModel):
    """All fields of the brand form."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    name: Annotated[Line, Field(min_length=1, max_length=80)]
    legal_name: Annotated[Line, Field(max_length=120)] = ""
    brand: str
    default_region: str
    support: Annotated[Line, Field(max_length=254)] = ""
    texts_from: Annotated[Line, Field(max_length=40)] = ""
    reply_time: ReplyTime = ReplyTime.UNSAID
    terms_url: Address = ""
    privacy_url: Address = ""
    countries: tuple[str, ...] = ()
    """Always includes the default country."""
    frequency: Annotated[Line, Field(max_length=80)] = ""
    """Empty, like the next field: the standard wording is used."""
    opt_out_text: Annotated[str, Field(max_length=320)] = ""
    legal_text: Annotated[str, Field(max_length=2000)] = ""
    legal_language: Language = DEFAULT
    incomplete_wording: IncompleteWording = IncompleteWording.WARN

    @field_validator("brand")
    @classmethod
    def _color(cls, text: str) -> str:
        color = f"#{text.lower().removeprefix('#')}"
        if len(color) != 7 or color[0] != "#" or not set(color[1:]) <= set("0123456789abcdef"):
            raise ValueError(_("Enter a color like #2f5bea."))
        return color

    @field_validator("default_region")
    @classmethod
    def _region(cls, code: str) -> str:
        if code not in all_regions():
            raise ValueError(_("Choose an option."))
        return code

    @field_validator("support")
    @classmethod
    def _contact(cls, text: str, info: ValidationInfo) -> str:
        if not text or is_email(text) or _is_web(text):
            return text
        if number := international(text, info.data.get("default_region", "US")):
            return number
        raise ValueError(_("Enter an email address, phone number or web address."))

    @field_validator("countries", mode="before")
    @classmethod
    def _ticked(cls, value: Any) -> Any:
        """A form sends its checkboxes by country: `countries.US=on`."""
        return tuple(sorted(value)) if isinstance(value, dict) else value

    @field_validator("countries")
    @classmethod
    def _known(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        if not set(codes) <= all_regions():
            raise ValueError(_("Choose an option."))
        return codes

    @field_validator("opt_out_text")
    @classmethod
    def _fillable(cls, text: str) -> str:
        if unknown_variables(text):
            raise ValueError(_("Use only {brand}, {program}, {frequency} and {link}. Remove any other braces."))
        return text

    def stored(self) -> dict[str, Any]:
        """The fields as the workspace stores them."""
        kept = self.model_dump()
        kept["countries"] = sorted({*self.countries, self.default_region})
        return kept | {"frequency": self.frequency or FREQUENCY, "opt_out_text": self.opt_out_text or OPT_OUT}

    def on(self, workspace: Workspace) -> Workspace:
        """The workspace with this brand, for previews."""
        return workspace.model_copy(update=self.stored() | {"countries": tuple(self.stored()["countries"])})


class BrandKeeper:
    """Stores the brand. `changed` is called after each change."""

    def __init__(self, store: Store, *, changed: Callable[[], None]) -> None:
        self._store = store
        self._audit = AuditLog(store)
        self._changed = changed

    async def save(self, brand: Brand, by: By) -> None:
        """One update of exactly these fields: the signing key and all other fields are left alone."""
        before = (await self._store.workspaces.change(brand.stored())).stored()
        self._changed()
        changed = [name for name, value in brand.stored().items() if before.get(name) != value]
        await self._audit.record(by, AuditAction.BRAND_SAVED, brand.name, detail=", ".join(changed))

    async def save_logo(self, data: bytes, by: By) -> None:
        """Raises FormWrong for an unsupported image."""
        logo = Logo(id=hashlib.sha256(data).hexdigest(), type=picture_type(data), data=data, created_at=now())
        await self._store.logos.save(logo)
        await self._show(logo.id)
        await self._audit.record(by, AuditAction.LOGO_SAVED)

    async def remove_logo(self, by: By) -> None:
        await self._show("")
        await self._audit.record(by, AuditAction.LOGO_REMOVED)

    async def logo(self, id: str) -> Logo | None:
        return await self._store.logos.get(id) if id else None

    async def _show(self, id: str) -> None:
        before = await self._store.workspaces.change({"logo": id})
        self._changed()
        if before.logo and before.logo != id:
            await self._store.logos.expire(before.logo, now() + LINGERS)
