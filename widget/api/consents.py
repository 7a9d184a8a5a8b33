"""Recording a consent that was given elsewhere, with its evidence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from bot.consent.assertions import Assertion
from bot.consent.attestations import check_evidence
from bot.model.contact import ConsentState
from bot.model.event import Evidence, FollowUp, Grade, How
from bot.shapes.base import ApiAnswer, Id, UnixTime
from bot.workspace.access import Scope
from widget.api.contact_lookup import found_contact, found_subscription
from widget.api.contact_subscriptions import CHANGE_FAULTS
from widget.api.models import AnyId, ApiBody
from widget.api.route import Call, Resource

consents = Resource("Consents", "Record consent that a person gave elsewhere, with its evidence.", is_compatible=False)


class EvidenceBody(ApiBody):
    """An opt-in after the contact's own opt-out needs `written` or `paper` evidence that is newer."""

    how: How = Field(
        strict=False,
        examples=["paper"],
        description="`written` (on another site or by email), `paper`, `spoken`, or `other`, which needs a note.",
    )
    given_at: UnixTime
    note: str = Field(
        "", max_length=4000, examples=["Card filled in at the counter"], description="Where, and the words agreed to."
    )


class ConsentBody(ApiBody):
    subscription: AnyId = Field(description="The subscription type.")
    answer: Literal["opt_in", "opt_out"] = Field(examples=["opt_in"])
    evidence: EvidenceBody | None = Field(None, description="Required for an opt-in.")
    follow_ups: list[Literal["confirmation", "flows"]] = Field(
        default=[],
        max_length=2,
        examples=[[]],
        description="What follows from it: the text that confirms a sign-up, bot flows. Nothing if empty.",
    )
    asks: bool = Field(
        True, description="Whether a type with double opt-in asks the contact to confirm by text, as its form does."
    )


class ConsentAnswer(ApiAnswer):
    type: Literal["consent"] = "consent"
    contact_id: Id
    subscription: Id
    state: ConsentState = Field(examples=["opted_in"])
    grade: Grade | None = Field(examples=["paper"])
    event: str | None = Field(
        examples=["01KB2M6ZC0V6T1JY9M0Q3W8R5X"], description="The consent event; null: nothing had to change."
    )


@consents.post("/contacts/{contact_id}/consents", scope=Scope.WRITE_CONTACTS, errors=CHANGE_FAULTS)
async def record_consent(call: Call, body: ConsentBody) -> ConsentAnswer:
    """Record a consent with evidence.

    Use an `Idempotency-Key` to send it again safely. An opt-in after the person's own opt-out is recorded only if it
    is documented in writing and newer; otherwise the answer is 409 `own_opt_out`.
    """
    contact, subscription = await found_contact(call), await found_subscription(call, body.subscription)
    assertion = Assertion(
        actor=call.actor,
        key=call.key,
        evidence=evidence_of(body.evidence),
        follow_ups=tuple(FollowUp(name) for name in dict.fromkeys(body.follow_ups)),
        asks=body.asks,
    )
    if body.answer == "opt_in":
        check_evidence(assertion.evidence)
        after, recorded = await call.bot.assertions.opt_in(contact, subscription, assertion)
    else:
        after, recorded = await call.bot.assertions.opt_out(contact, subscription, assertion)
    consent = after.consent(subscription.id)
    call.answers_about.append(contact.id)
    return ConsentAnswer(
        contact_id=contact.id,
        subscription=subscription.id,
        state=consent.state if consent else ConsentState.NONE,
        grade=consent.grade if consent else None,
        event=recorded.event.event if recorded else None,
    )


def evidence_of(given: EvidenceBody | None) -> Evidence | None:
    if given is None:
        return None
    return Evidence(how=given.how, given_at=datetime.fromtimestamp(given.given_at, UTC), note=given.note)
