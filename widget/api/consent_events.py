"""Consent events: entries of the ledger, with the exact words and the hashes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bot.events.catch_up import SKEW
from bot.model.base import new_ulid, now
from bot.model.event import Action, ConsentEvent, ConsentState, Grade, How, Source
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix, unix_or_none
from bot.workspace.access import Scope
from widget.api.contact_lookup import CONTACT_FAULTS, found_contact
from widget.api.models import ApiQuery
from widget.api.route import Call, Resource

SETTLED = SKEW
"""Events may be stored in another order than that of their ids: a reader of all events gets them once their order is
certain."""
Ulid = Annotated[str, Field(examples=["01KB2M6ZC0V6T1JY9M0Q3W8R5X"])]
Hash = Annotated[str, Field(examples=["9f2c6f0d4c1b0d0c8b8d7a5e3f1a2b4c5d6e7f8091a2b3c4d5e6f708192a3b4c"])]

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


class ActorShape(ApiAnswer):
    type: str = Field(examples=["contact"])
    id: Id


class WordsShape(ApiAnswer):
    """What the person was shown, and their act."""

    title: str = Field(examples=["Get our deals by text"])
    button: str = Field(examples=["Sign Up Now"])
    legal_text: str = Field(examples=["Reply STOP to stop. Msg & data rates may apply."])
    box: str | None = Field(examples=[None])
    subscription_name: str = Field(examples=["Deals"])
    subscription_description: str = Field(examples=["Up to 4 texts a month."])
    locale: str = Field(examples=["en"])
    act: str = Field(examples=['pressed "Sign Up Now"'])


class EvidenceShape(ApiAnswer):
    how: How = Field(examples=["paper"])
    given_at: UnixTime | None
    note: str = Field(examples=["Card filled in at the counter"])


class ConsentEventShape(ApiAnswer):
    type: Literal["consent_event"] = "consent_event"
    id: Ulid
    contact_id: Id
    seq: int = Field(examples=[3], description="Its position in the contact's chain, without gaps.")
    action: Action = Field(examples=["opt_in"])
    subscription: str | None = Field(examples=["6762f0cd1bb69f9f2193bb7c"])
    was: ConsentState | None = Field(examples=["none"])
    state: ConsentState | None = Field(examples=["opted_in"])
    grade: Grade | None = Field(examples=["written_shown"])
    source: Source = Field(examples=["form"])
    actor: ActorShape
    phone: str | None = Field(examples=["+12015550123"], description="The number that the consent is for.")
    email: str | None = Field(examples=[None])
    at: UnixTime
    words: WordsShape | None
    evidence: EvidenceShape | None = Field(examples=[None])
    conversation_id: str | None = Field(examples=["6762f0cd1bb69f9f2193bb90"])
    page: str | None = Field(examples=["https://shop.example/roasts"])
    ip: str | None = Field(examples=["203.0.113.9"])
    user_agent: str | None = Field(examples=["Mozilla/5.0"])
    via_token: str | None = Field(examples=[None], description="The API token that handed in a form shown elsewhere.")
    previous_hash: Hash
    hash: Hash


class ContactEventList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[ConsentEventShape]
    next: int | None = Field(examples=[3], description="Where to continue. Null: there are no more events yet.")


class ConsentEventList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[ConsentEventShape]
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
    return ContactEventList(data=[_shape(e) for e in page], next=page[-1].seq if len(found) > len(page) else None)


@consent_events.get("/consent_events", scope=Scope.READ_CONTACTS)
async def list_consent_events(call: Call, query: SinceEvent) -> ConsentEventList:
    """List all consent events since a cursor.

    The oldest first. An event appears here a minute after it was recorded, so that none is skipped.
    """
    found = await call.bot.store.events.between(query.since, new_ulid(now() - SETTLED), limit=query.per_page)
    return ConsentEventList(data=[_shape(e) for e in found], next=found[-1].event if found else query.since)


def _shape(event: ConsentEvent) -> ConsentEventShape:
    words, evidence, context = event.words, event.evidence, event.context
    return ConsentEventShape(
        id=event.event,
        contact_id=event.contact,
        seq=event.seq,
        action=event.action,
        subscription=event.subscription,
        was=event.was,
        state=event.state,
        grade=event.grade,
        source=event.source,
        actor=ActorShape(type=event.actor.kind, id=event.actor.id),
        phone=event.number,
        email=event.email,
        at=unix(event.at),
        words=WordsShape(**words.model_dump(include=set(WordsShape.model_fields))) if words else None,
        evidence=evidence
        and EvidenceShape(how=evidence.how, given_at=unix_or_none(evidence.given_at), note=evidence.note),
        conversation_id=context.conversation,
        page=context.page,
        ip=context.ip,
        user_agent=context.user_agent,
        via_token=context.via,
        previous_hash=event.previous,
        hash=event.hash,
    )
