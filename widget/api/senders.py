"""The senders of countries, and what a text costs there."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.consent.numbers import all_regions
from bot.model.country_sender import FASTEST, SLOWEST, CountrySender, Registration
from bot.model.segment_price import SegmentPrice
from bot.outbound.senders import rate_of, sender_refusal
from bot.shapes.base import ApiAnswer
from bot.workspace.access import Scope
from bot.workspace.prices import PriceForm
from bot.workspace.senders import SenderForm
from widget.api.contact_lookup import found_or_404
from widget.api.faults import NO_RESOURCE, ApiRefusal
from widget.api.models import ApiBody
from widget.api.route import Call, Resource

SENDER, PRICE = "/senders/{country}", "/prices/{country}"

senders = Resource(
    "Senders and prices",
    "The number, short code or name that texts to a country come from, and what a segment costs there. Other "
    "countries have the provider's default sender. Countries are codes of two letters.",
    is_compatible=False,
)


class SenderBody(ApiBody):
    sender: str = Field(
        max_length=40,
        examples=["+12015550100"],
        description="A number with its country code, a short code, or a name of 3 to 11 letters, which can't receive "
        "STOP.",
    )
    registration: Registration = Field(Registration.NOT_NEEDED, strict=False, examples=["registered"])
    reference: str = Field("", max_length=80, examples=["BN1234"], description="The registration at the provider.")
    per_second: float | None = Field(
        None,
        ge=SLOWEST,
        le=FASTEST,
        examples=[10],
        description="Marketing texts a second. `null`: the usual rate of its kind.",
    )


class SenderAnswer(ApiAnswer):
    type: Literal["sender"] = "sender"
    country: str = Field(examples=["US"])
    sender: str = Field(examples=["+12015550100"])
    registration: Registration = Field(examples=["registered"])
    reference: str = Field(examples=["BN1234"])
    per_second: float | None = Field(
        examples=[None], description="Marketing texts a second, as set. `null`: the usual rate of its kind."
    )
    effective_per_second: float = Field(
        examples=[10],
        description="`per_second`, or the usual rate. If several countries have the same sender, the lowest applies.",
    )
    warning: str | None = Field(
        examples=[None],
        description="`sender_not_registered`: no texts are sent. `sender_cannot_receive`: only texts with a "
        "preference center link are sent.",
    )


class SenderList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[SenderAnswer]


class SenderDeleted(ApiAnswer):
    type: Literal["sender"] = "sender"
    country: str = Field(examples=["US"])
    deleted: Literal[True] = True


class PriceBody(ApiBody):
    price: str = Field(max_length=20, examples=["0.0083"], description="Of one segment.")
    currency: str = Field(max_length=10, examples=["USD"], description="Becomes the currency of all prices.")


class PriceAnswer(ApiAnswer):
    type: Literal["price"] = "price"
    country: str = Field(examples=["US"])
    price: str = Field(examples=["0.0083"])
    currency: str = Field(examples=["USD"])


class PriceList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[PriceAnswer]


class PriceDeleted(ApiAnswer):
    type: Literal["price"] = "price"
    country: str = Field(examples=["US"])
    deleted: Literal[True] = True


@senders.get("/senders", scope=Scope.MANAGE_WORKSPACE)
async def list_senders(call: Call) -> SenderList:
    """List senders."""
    return SenderList(data=[_sender(one) for one in (await call.bot.workspace()).senders])


@senders.put(SENDER, scope=Scope.MANAGE_WORKSPACE, errors=(NO_RESOURCE,))
async def set_sender(call: Call, body: SenderBody) -> SenderAnswer:
    """Set a country's sender.

    Replaces the one that it had.
    """
    wanted = SenderForm(country=_country(call), **body.model_dump())
    await call.bot.senders.save(wanted, call.by)
    return _sender(CountrySender(**wanted.model_dump()))


@senders.delete(SENDER, scope=Scope.MANAGE_WORKSPACE, errors=(NO_RESOURCE,))
async def delete_sender(call: Call) -> SenderDeleted:
    """Remove a country's sender.

    Texts to it come from the provider's default sender again.
    """
    country = _country(call)
    await found_or_404(call.bot.senders.remove(country, call.by))
    return SenderDeleted(country=country)


@senders.get("/prices", scope=Scope.MANAGE_WORKSPACE)
async def list_prices(call: Call) -> PriceList:
    """List prices.

    They are only for estimates, in the composer and the reports.
    """
    workspace = await call.bot.workspace()
    return PriceList(data=[_price(one, workspace.currency) for one in workspace.prices])


@senders.put(PRICE, scope=Scope.MANAGE_WORKSPACE, errors=(NO_RESOURCE,))
async def set_price(call: Call, body: PriceBody) -> PriceAnswer:
    """Set a country's price."""
    wanted = PriceForm(price_country=_country(call), price=body.price, currency=body.currency)
    return _price(await call.bot.prices.save(wanted, call.by), wanted.currency)


@senders.delete(PRICE, scope=Scope.MANAGE_WORKSPACE, errors=(NO_RESOURCE,))
async def delete_price(call: Call) -> PriceDeleted:
    """Remove a country's price."""
    country = _country(call)
    await found_or_404(call.bot.prices.remove(country, call.by))
    return PriceDeleted(country=country)


def _country(call: Call) -> str:
    """The country in the path. Raises ApiRefusal (404)."""
    code = call.variable("country").upper()
    if code not in all_regions():
        raise ApiRefusal(NO_RESOURCE)
    return code


def _sender(sender: CountrySender) -> SenderAnswer:
    warning = sender_refusal(sender, has_link=False)
    return SenderAnswer(**sender.model_dump(), effective_per_second=rate_of(sender), warning=warning)


def _price(price: SegmentPrice, currency: str) -> PriceAnswer:
    return PriceAnswer(country=price.country, price=f"{price.amount:f}", currency=currency)
