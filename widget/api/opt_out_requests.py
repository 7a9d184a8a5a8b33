"""Opt-out requests: texts that are likely revocations, until a teammate or a program decides."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from bot.contacts.opt_out_requests import RequestRow
from bot.model.event import Context
from bot.model.opt_out_request import RequestState
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix
from bot.workspace.access import Scope
from widget.api.faults import CONFLICT, NO_RESOURCE, REFUSED, ApiRefusal
from widget.api.paging import NO_CURSOR, PagePlace, PageQuery, PagesAnswer
from widget.api.route import Call, Resource

PATH = "/opt_out_requests"

opt_out_requests = Resource(
    "Opt-out requests", "Texts that are probably opt-outs in the person's own words, with the deadline to honor them.",
    is_compatible=False,
)  # fmt: skip


class OptOutRequestAnswer(ApiAnswer):
    type: Literal["opt_out_request"] = "opt_out_request"
    id: str = Field(examples=["6762f0cd1bb69f9f2193bb90:0000000003"])
    contact_id: Id
    conversation_id: str = Field(examples=["6762f0cd1bb69f9f2193bb90"])
    text: str = Field(examples=["please take me off your list"])
    received_at: UnixTime
    due_at: UnixTime = Field(description="The legal deadline for honoring it.")


class OptOutRequestList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[OptOutRequestAnswer]
    pages: PagesAnswer


class SettledRequest(ApiAnswer):
    type: Literal["opt_out_request"] = "opt_out_request"
    id: str = Field(examples=["6762f0cd1bb69f9f2193bb90:0000000003"])
    state: RequestState = Field(examples=["honored"])


@opt_out_requests.get(PATH, scope=Scope.READ_CONVERSATIONS, errors=(NO_CURSOR,))
async def list_opt_out_requests(call: Call, query: PageQuery) -> OptOutRequestList:
    """List open opt-out requests.

    Sorted by deadline, the earliest first.
    """
    place = PagePlace(query)
    page = await call.bot.opt_out_requests.page(place.cursor(datetime, str), limit=place.per_page)
    call.answers_about.extend(row.request.contact for row in page.items)
    pages = place.pages(page.next, (place.page - 1) * place.per_page + len(page.items))
    return OptOutRequestList(data=[_answer(row) for row in page.items], pages=pages)


@opt_out_requests.post(f"{PATH}/{{request_id}}/honor", scope=Scope.WRITE_CONTACTS, errors=(NO_RESOURCE, REFUSED))
async def honor_opt_out_request(call: Call) -> SettledRequest:
    """Honor an opt-out request.

    Opts the contact, and everyone else with the number, out of all texts.
    """
    id = await _known(call)
    await call.bot.opt_out_requests.honor(id, call.by, Context(ip=call.by.address))
    return SettledRequest(id=id, state=RequestState.HONORED)


@opt_out_requests.post(f"{PATH}/{{request_id}}/dismiss", scope=Scope.WRITE_CONTACTS, errors=(NO_RESOURCE, CONFLICT))
async def dismiss_opt_out_request(call: Call) -> SettledRequest:
    """Dismiss an opt-out request.

    Marks the text as not an opt-out. Nothing changes for the contact.
    """
    id = await _known(call)
    await call.bot.opt_out_requests.dismiss(id, call.by)
    found = await call.bot.store.opt_out_requests.get(id)
    if found is None or found.state is not RequestState.DISMISSED:
        raise ApiRefusal(CONFLICT)
    return SettledRequest(id=id, state=found.state)


async def _known(call: Call) -> str:
    """Raises ApiRefusal (404)."""
    id = call.variable("request_id")
    if await call.bot.store.opt_out_requests.get(id) is None:
        raise ApiRefusal(NO_RESOURCE)
    return id


def _answer(row: RequestRow) -> OptOutRequestAnswer:
    request = row.request
    return OptOutRequestAnswer(
        id=request.id,
        contact_id=request.contact,
        conversation_id=request.conversation,
        text=row.text,
        received_at=unix(request.received_at),
        due_at=unix(request.due_at),
    )
