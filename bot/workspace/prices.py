"""The prices of texts, by country."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Annotated

from babel.numbers import list_currencies
from pydantic import AfterValidator, BaseModel, ConfigDict, field_validator

from bot.consent.numbers import all_regions
from bot.errors import NotFound
from bot.errors import marked as _
from bot.model.audit import AuditAction
from bot.model.segment_price import MICROS, SegmentPrice
from bot.model.teammate import By
from bot.store import Store
from bot.workspace.audit import AuditLog

MOST = 100


def _amount(text: str) -> str:
    try:
        amount = Decimal(text.strip().replace(",", "."))
        if not Decimal(1) / MICROS <= amount <= MOST:
            raise ValueError
    except (InvalidOperation, ValueError):
        raise ValueError(_("Enter a price like 0.0083.")) from None
    return str(amount)


class PriceForm(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    price_country: str
    price: Annotated[str, AfterValidator(_amount)]
    currency: str

    @field_validator("price_country")
    @classmethod
    def _known_country(cls, code: str) -> str:
        if code not in all_regions():
            raise ValueError(_("Choose an option."))
        return code

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, code: str) -> str:
        if code.upper() not in list_currencies():
            raise ValueError(_("Enter a currency code like USD."))
        return code.upper()


class Prices:
    """`changed` is called after the workspace has changed."""

    def __init__(self, store: Store, *, changed: Callable[[], None]) -> None:
        self._store, self._changed = store, changed
        self._audit = AuditLog(store)

    async def save(self, wanted: PriceForm, by: By) -> SegmentPrice:
        """Replaces the country's price, and sets the currency of all."""
        price = SegmentPrice(country=wanted.price_country, micros=round(Decimal(wanted.price) * MICROS))
        await self._store.workspaces.set_price(price, wanted.currency)
        self._changed()
        detail = f"{wanted.price} {wanted.currency}"
        await self._audit.record(by, AuditAction.PRICE_SAVED, wanted.price_country, detail=detail)
        return price

    async def remove(self, country: str, by: By) -> None:
        """Raises NotFound."""
        if not await self._store.workspaces.remove_price(country):
            raise NotFound
        self._changed()
        await self._audit.record(by, AuditAction.PRICE_REMOVED, country)
