"""An entry of the ledger, with the exact words and the hashes. Pure."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from bot.model.event import Action, ConsentEvent, ConsentState, Grade, How, Source
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix, unix_or_none

Ulid = Annotated[str, Field(examples=["01KB2M6ZC0V6T1JY9M0Q3W8R5X"])]
Hash = Annotated[str, Field(examples=["9f2c6f0d4c1b0d0c8b8d7a5e3f1a2b4c5d6e7f8091a2b3c4d5e6f708192a3b4c"])]


class ActorAnswer(ApiAnswer):
    type: str = Field(examples=["contact"])
    id: Id


class WordsAnswer(ApiAnswer):
    """What the person was shown, and their act."""

    title: str = Field(examples=["Get our deals by text"])
    button: str = Field(examples=["Sign Up Now"])
    legal_text: str = Field(examples=["Reply STOP to stop. Msg & data rates may apply."])
    box: str | None = Field(examples=[None])
    subscription_name: str = Field(examples=["Deals"])
    subscription_description: str = Field(examples=["Up to 4 texts a month."])
    locale: str = Field(examples=["en"])
    act: str = Field(examples=['pressed "Sign Up Now"'])


class EvidenceAnswer(ApiAnswer):
    how: How = Field(examples=["paper"])
    given_at: UnixTime | None
    note: str = Field(examples=["Card filled in at the counter"])


class ConsentEventAnswer(ApiAnswer):
    type: Literal["consent_event"] = "consent_event"
    id: Ulid
    contact_id: Id
    seq: int = Field(examples=[3], description="Its position in the contact's chain, without gaps.")
    action: Action = Field(examples=["opt_in"])
    subscription_id: str | None = Field(examples=["6762f0cd1bb69f9f2193bb7c"])
    was: ConsentState | None = Field(examples=["none"])
    state: ConsentState | None = Field(examples=["opted_in"])
    grade: Grade | None = Field(examples=["written_shown"])
    source: Source = Field(examples=["form"])
    actor: ActorAnswer
    phone: str | None = Field(examples=["+12015550123"], description="The number that the consent is for.")
    email: str | None = Field(examples=[None])
    at: UnixTime
    words: WordsAnswer | None
    evidence: EvidenceAnswer | None = Field(examples=[None])
    stopped: bool | None = Field(examples=[None], description="The number was on the stop list.")
    flow_id: str | None = Field(examples=[None], description="The bot flow that asked.")
    flow_version: int | None = Field(examples=[None])
    flow_step: str | None = Field(examples=[None])
    merged_into: str | None = Field(examples=[None], description="Of a merge: the contact that remains.")
    merged_from: str | None = Field(examples=[None], description="Of a merge: the contact that is gone.")
    conversation_id: str | None = Field(examples=["6762f0cd1bb69f9f2193bb90"])
    page: str | None = Field(examples=["https://shop.example/roasts"])
    ip: str | None = Field(examples=["203.0.113.9"])
    user_agent: str | None = Field(examples=["Mozilla/5.0"])
    via_token: str | None = Field(examples=[None], description="The API token that handed in a form shown elsewhere.")
    previous_hash: Hash
    hash: Hash


def event_answer(event: ConsentEvent) -> ConsentEventAnswer:
    words, evidence, context = event.words, event.evidence, event.context
    return ConsentEventAnswer(
        id=event.event,
        contact_id=event.contact,
        seq=event.seq,
        action=event.action,
        subscription_id=event.subscription,
        was=event.was,
        state=event.state,
        grade=event.grade,
        source=event.source,
        actor=ActorAnswer(type=event.actor.kind, id=event.actor.id),
        phone=event.number,
        email=event.email,
        at=unix(event.at),
        words=WordsAnswer(**words.model_dump(include=set(WordsAnswer.model_fields))) if words else None,
        evidence=evidence
        and EvidenceAnswer(how=evidence.how, given_at=unix_or_none(evidence.given_at), note=evidence.note),
        stopped=event.stopped or None,
        flow_id=event.flow,
        flow_version=event.flow_version,
        flow_step=event.flow_step,
        merged_into=event.merged_into,
        merged_from=event.merged_from,
        conversation_id=context.conversation,
        page=context.page,
        ip=context.ip,
        user_agent=context.user_agent,
        via_token=context.via,
        previous_hash=event.previous,
        hash=event.hash,
    )


def event_notice(event: ConsentEvent) -> ConsentEventAnswer:
    """For systems of others. Where the person was (IP address, browser, page) stays in the ledger."""
    return event_answer(event).model_copy(update={"ip": None, "user_agent": None, "page": None})
