"""The senders of countries: a number, a short code or a name each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from bot.consent.numbers import all_regions
from bot.errors import NotFound
from bot.errors import marked as _
from bot.model.audit import AuditAction
from bot.model.country_sender import FASTEST, SLOWEST, CountrySender, Registration
from bot.model.teammate import By
from bot.store import Store
from bot.workspace.audit import AuditLog


def _sender(text: str) -> str:
    sender = text.strip()
    if sender.startswith("+"):
        sender = "+" + "".join(c for c in sender if c.isdigit())
    try:
        return CountrySender(country="US", sender=sender).sender
    except ValueError:
        raise ValueError(
            _("Enter a number with its country code, a short code, or a name of 3 to 11 letters.")
        ) from None


def _rate(text: object) -> float | None:
    """Blank: the usual one."""
    if text is None or text == "":
        return None
    try:
        rate = float(str(text))
    except ValueError:
        rate = 0.0
    if not SLOWEST <= rate <= FASTEST:
        raise ValueError(_("Enter a number from 0.1 to 1,000."))
    return rate


class SenderForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    country: str
    sender: Annotated[str, AfterValidator(_sender)]
    registration: Registration = Registration.NOT_NEEDED
    reference: Annotated[str, Field(max_length=80)] = ""
    per_second: Annotated[float | None, BeforeValidator(_rate)] = None

    @field_validator("country")
    @classmethod
    def _known(cls, code: str) -> str:
        if code not in all_regions():
            raise ValueError(_("Choose an option."))
        return code


class Senders:
    """`changed` is called after the workspace has changed."""

    def __init__(self, store: Store, *, changed: Callable[[], None]) -> None:
        self._store, self._changed = store, changed
        self._audit = AuditLog(store)

    async def save(self, wanted: SenderForm, by: By) -> None:
        """Replaces the country's sender."""
        await self._store.workspaces.set_sender(CountrySender(**wanted.model_dump()))
        self._changed()
        detail = f"registration: {wanted.registration}"
        await self._audit.record(by, AuditAction.SENDER_SAVED, wanted.country, detail=detail)

    async def remove(self, country: str, by: By) -> None:
        if not await self._store.workspaces.remove_sender(country):
            raise NotFound
        self._changed()
        await self._audit.record(by, AuditAction.SENDER_REMOVED, country)
