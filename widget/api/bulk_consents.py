"""Opting many contacts in or out: what that would do, and the job that does it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from bot.consent.attestations import check_evidence
from bot.contacts.bulk import BulkConsent
from bot.jobs.kinds.bulk import BulkJob
from bot.jobs.kinds.bulk_consent import BulkConsentInput, Subscribe, Unsubscribe
from bot.model.base import now
from bot.model.contact_import import TEXTS
from bot.model.event import FollowUp
from bot.model.selection import MOST_SELECTED, Selection
from bot.shapes.base import ApiAnswer, Id
from bot.workspace.access import Scope
from widget.api.consents import EvidenceBody, evidence_of
from widget.api.contact_lookup import found_subscription
from widget.api.faults import NO_RESOURCE, REFUSED, TOO_BROAD
from widget.api.jobs import TOO_MANY_JOBS, JobAnswer, job_answer
from widget.api.models import AnyId, ApiBody
from widget.api.route import Call, Resource
from widget.api.segments import found_segment

PATH = "/contacts/bulk_consents"
FAULTS = (NO_RESOURCE, REFUSED, TOO_BROAD)

bulk_consents = Resource(
    "Bulk consents",
    "Opt many contacts in or out. The rules are those of a single consent: a person's own opt-out and a STOP stay in "
    "force, and every contact has a result.",
    is_compatible=False,
)


class BulkConsentBody(ApiBody):
    """For `contacts` or the members of a `segment`. An opt-in needs `evidence`."""

    subscription: AnyId = Field(description=f"The subscription type; `{TEXTS}` opts out of all texts.")
    answer: Literal["opt_in", "opt_out"] = Field(examples=["opt_in"])
    contacts: list[AnyId] | None = Field(
        None, min_length=1, max_length=MOST_SELECTED, examples=[["6762f0cd1bb69f9f2193bb7c"]]
    )
    segment: AnyId | None = Field(None, examples=[None])
    evidence: EvidenceBody | None = None
    asks: bool = Field(False, description="Whether a type with double opt-in asks the contacts to confirm by text.")
    follow_ups: list[Literal["confirmation", "flows"]] = Field(
        default=[],
        max_length=2,
        examples=[[]],
        description="What follows: the confirmation text, bot flows. Nothing if empty.",
    )

    @model_validator(mode="after")
    def _is_for_somebody(self) -> BulkConsentBody:
        if (self.contacts is None) is (self.segment is None):
            raise ValueError("One of contacts and segment is required")
        if self.answer == "opt_in" and self.subscription == TEXTS:
            raise ValueError("An opt-in is for one subscription type")
        return self


class ContactOutcome(ApiAnswer):
    contact_id: Id
    outcome: str = Field(examples=["changed"])


class BulkConsentPreview(ApiAnswer):
    """Nothing is changed. Of many contacts, `seen` are checked."""

    type: Literal["bulk_consent_preview"] = "bulk_consent_preview"
    total: int = Field(examples=[1200])
    seen: int = Field(examples=[1200])
    counts: dict[str, int] = Field(
        examples=[{"changed": 1180, "opted_out": 20}],
        description="By outcome: `changed`, `asked`, `already`, `stopped`, `unreachable`, `opted_out` (the person's "
        "own), `weak` (the type isn't sent on this evidence), `gone`.",
    )
    samples: list[ContactOutcome] = Field(description="A few contacts for each outcome.")


@bulk_consents.post(
    PATH, scope=Scope.BULK_CONTACTS, errors=(NO_RESOURCE, REFUSED, TOO_BROAD, TOO_MANY_JOBS), status=202
)
async def bulk_record_consents(call: Call, body: BulkConsentBody) -> JobAnswer:
    """Opt many contacts in or out.

    Starts a job. `GET /jobs/{job_id}` shows its progress, and `GET /jobs/{job_id}/results` the outcome for each
    contact. With an `Idempotency-Key`, sending it again starts no second job.
    """
    input, kind = await _input(call, body), Subscribe if body.answer == "opt_in" else Unsubscribe
    return job_answer(await call.bot.jobs.start(kind, input, call.by, key=call.key[:24], detail=str(input.size)))


@bulk_consents.post(f"{PATH}/preview", scope=Scope.BULK_CONTACTS, errors=FAULTS)
async def preview_bulk_consents(call: Call, body: BulkConsentBody) -> BulkConsentPreview:
    """Preview a bulk opt-in or opt-out.

    A dry run by the same rules as the job.
    """
    kind = call.bot.jobs.kinds["subscribe" if body.answer == "opt_in" else "unsubscribe"]
    assert isinstance(kind, BulkJob)  # noqa: S101 (for mypy)
    found = await kind.preview(await _input(call, body))
    samples = [
        ContactOutcome(contact_id=one.id, outcome=outcome) for outcome, some in found.samples.items() for one in some
    ]
    return BulkConsentPreview(total=found.total.number, seen=found.seen, counts=dict(found.counts), samples=samples)


async def _input(call: Call, body: BulkConsentBody) -> BulkConsentInput:
    """Raises ApiRefusal and FormWrong."""
    if body.subscription != TEXTS:
        await found_subscription(call, body.subscription)
    evidence = evidence_of(body.evidence)
    if body.answer == "opt_in":
        check_evidence(evidence)
    consent = BulkConsent(
        subscription=body.subscription,
        evidence=evidence if body.answer == "opt_in" else None,
        asks=body.asks,
        follow_ups=tuple(FollowUp(name) for name in dict.fromkeys(body.follow_ups)),
        by=call.who.teammate.id,
        token=call.actor.id,
    )
    selection = Selection(ids=tuple(dict.fromkeys(body.contacts or ())))
    if body.segment is not None:
        selection = Selection(filter=(await found_segment(call, body.segment)).filter.as_text())
    size = (await call.bot.selected.count(selection)).number
    return BulkConsentInput(selection=selection, size=size, ordered_at=now(), consent=consent)
