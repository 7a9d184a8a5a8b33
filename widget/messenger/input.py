"""Input from the messenger: closed and strict."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.chat.card_submission import Answer
from bot.chat.visitors import Claim
from bot.consent.preference_links import without_token
from bot.flows.triggers.time_on_page import LONGEST_STAY
from bot.model.event import Context
from bot.model.subscription import MessageType
from widget.web.http import BOT, client_ip, split_address, user_agent, wanted_locale
from widget.web.input import JsonInput
from widget.web.times import known_zone

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
ConversationId = Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]
Short = Annotated[str, Field(max_length=320)]
Cut = Annotated[str, BeforeValidator(lambda value: value[:320] if isinstance(value, str) else value)]
"""A long name must not prevent a chat."""
Address = Annotated[str, BeforeValidator(lambda value: value[:2000] if isinstance(value, str) else value)]


LONGEST_TOKEN = 3000
"""Characters. The token of a chat that isn't stored contains the data to store it."""


class SiteSettings(BaseModel):
    """`window.saysoSettings`: sites may add their own fields, so unknown ones are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    user_id: Short | None = None
    user_hash: Short | None = None
    user_jwt: Annotated[str, Field(max_length=LONGEST_TOKEN)] | None = None
    name: Cut | None = None
    email: Cut | None = None
    locale: Cut | None = None
    page_url: Address | None = None
    time_zone: Cut | None = None


def _page(request: web.Request, address: str | None) -> str | None:
    """The page's address, of our own pages without the token of a preference center."""
    if not address or split_address(address).netloc not in {
        request.host,
        split_address(request.app[BOT].public_url).netloc,
    }:
        return address or None
    return without_token(address)


class VisitRequest(JsonInput):
    settings: SiteSettings = SiteSettings()

    def claim(self, request: web.Request) -> Claim:
        s = self.settings
        return Claim(
            user_id=s.user_id or None,
            user_hash=s.user_hash or None,
            user_jwt=s.user_jwt or None,
            name=s.name or None,
            email=s.email or None,
            locale=wanted_locale(request, s.locale),
            page=_page(request, s.page_url),
            time_zone=known_zone(s.time_zone),
        )


class OpenRequest(VisitRequest):
    conversation: ConversationId | Annotated[str, Field(pattern="^new$")] | None = None


class StayRequest(VisitRequest):
    """`seconds`: how long the visitor has been on the page."""

    token: Annotated[str, Field(max_length=LONGEST_TOKEN)] | None = None
    seconds: int = Field(ge=1, le=LONGEST_STAY)


class MessageInput(JsonInput):
    key: Key
    text: str = Field(min_length=1, max_length=4000)

    @property
    def said(self) -> str:
        """The text as written; empty if nothing in it is visible."""
        return self.text.strip() if any(c.isprintable() and not c.isspace() for c in self.text) else ""


class DismissInput(JsonInput):
    """`seq`: an entry of the outbound message."""

    seq: int = Field(ge=1, le=2**53)


class MessengerHello(JsonInput):
    type: Annotated[str, Field(pattern="^hello$")]
    token: Annotated[str, Field(max_length=LONGEST_TOKEN)]
    conversation: ConversationId
    after: int = Field(ge=0, le=2**53)


class ClientMessage(JsonInput):
    """A WebSocket message of the page. `seq`: the newest entry seen, or the opened card."""

    type: Literal["seen", "typing", "opened"]
    seq: int = Field(default=0, ge=0, le=2**53)

    @model_validator(mode="after")
    def _names_an_entry(self) -> Self:
        if self.type != "typing" and "seq" not in self.model_fields_set:
            raise ValueError("seq is needed")
        return self


def _context(request: web.Request, page: str | None) -> Context:
    return Context(page=_page(request, page), ip=client_ip(request), user_agent=user_agent(request))


class CardForm(JsonInput):
    """A card's form. Without `number` and `email`, the saved one was shown."""

    number: str | None = None
    email: str | None = None
    region: Annotated[str, Field(pattern="^[A-Z]{2}$")] = "US"
    box: Annotated[str, Field(pattern="^on$")] | None = None
    again: Annotated[str, Field(pattern="^[0-9A-Z]{26}$")] | None = None
    version: Short
    proof: Annotated[str, Field(max_length=2000)] = ""
    page: Address | None = None

    def answer(self, request: web.Request) -> Answer:
        address = self.number if self.number is not None else self.email
        return Answer(
            address=address,
            region=self.region,
            version=self.version,
            ticked=self.box is not None,
            again=self.again or "",
            proof=self.proof,
            context=_context(request, self.page),
        )


class PendingForm(JsonInput):
    """A button of a card that waits for a YES. `event`: the pending consent event that the card showed."""

    event: Annotated[str, Field(pattern="^[0-9A-Z]{26}$")]
    page: Address | None = None

    def context(self, request: web.Request) -> Context:
        return _context(request, self.page)


class NoForm(JsonInput):
    """A button without any input."""

    page: Address | None = None


class LinkForm(JsonInput):
    """Opens the preference center in a tab of its own, where no header can carry the token."""

    token: Annotated[str, Field(max_length=LONGEST_TOKEN)]
    channel: MessageType = MessageType.SMS
