"""Input of public forms: that of the messenger's card, with the name of the visitor."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from widget.messenger.input import CardForm, NoForm, PendingForm
from widget.web.http import BOT, read_form

Token = Annotated[str, Field(max_length=400)]


class VisitForm(NoForm):
    visit: Token


class WaitingForm(PendingForm):
    visit: Token


class PublicCardForm(CardForm):
    visit: Token


async def read_fields(request: web.Request) -> dict[str, str]:
    """The posted fields. The page is the form's own address, whatever is posted."""
    address = f"{request.app[BOT].public_url}/f/{request.match_info['id']}"
    return {**await read_form(request), "page": address}
