"""Consent events: entries of the ledger, with the exact words and the hashes."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.events.catch_up import SKEW
from bot.model.base import new_ulid, now
from bot.shapes.base import ApiAnswer
from bot.shapes.consent_event import ConsentEventAnswer, event_answer
from bot.workspace.access import Scope
from widget.api.contact_lookup import CONTACT_FAULTS, found_contact
from widget.api.models import ApiQuery
from widget.api.route import Call, Resource

SETTLED = SKEW
"""Events may be stored in another order than that of their ids: a reader of all events gets them once their order is
certain."""

consent_events = Resource(
    "Consent events",
    "The consent ledger, with the exact words. Events never change; erasing a person removes their personal values.",
    is_compatible=False,
)


class SinceSequence(ApiQuery):
    since: int = Field(0, ge=0, le=9_999_999_998, description="`next` of the previous page.")
    per_page: int = Field(50, ge=1, le=150)


class SinceEvent(ApiQuery):
    since: str = Field("", max_length=26, pattern="^[0-9A-Z]*$", description="`next` of the previous page.")
    per_page: int = Field(50, ge=1, le=150)


class ContactEventList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[ConsentEventAnswer]
    next: int | None = Field(examples=[3], description="Where to continue. Null: there are no more events yet.")


class ConsentEventList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[ConsentEventAnswer]
    next: str = Field(
        examples=["01KB2M6ZC0V6T1JY9M0Q3W8R5X"], description="Where to continue, now or when there are new events."
    )


@consent_events.get("/contacts/{contact_id}/consent_events", scope=Scope.READ_CONTACTS, errors=CONTACT_FAULTS)
async def list_contact_consent_events(call: Call, query: SinceSequence) -> ContactEventList:
    """List a contact's consent events.

    The oldest first.
    """
    contact = await found_contact(call)
    found = await call.bot.store.events.after(contact.id, query.since, limit=query.per_page + 1)
    page = found[: query.per_page]
    return ContactEventList(data=[event_answer(e) for e in page], next=page[-1].seq if len(found) > len(page) else None)


@consent_events.get("/consent_events", scope=Scope.READ_CONTACTS)
async def list_consent_events(call: Call, query: SinceEvent) -> ConsentEventList:
    """List all consent events since a cursor.

    The oldest first. An event appears here a minute after it was recorded, so that none is skipped.
    """
    found = await call.bot.store.events.between(query.since, new_ulid(now() - SETTLED), limit=query.per_page)
    return ConsentEventList(data=[event_answer(e) for e in found], next=found[-1].event if found else query.since)
