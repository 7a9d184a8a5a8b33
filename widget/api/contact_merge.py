"""Merging a lead into a user, and what that would do."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.contacts.merge import MergePreview
from bot.errors import Invalid
from bot.model.audit import AuditAction
from bot.model.contact import ConsentState, Contact, Role
from bot.model.event import Source
from bot.shapes.base import ApiAnswer, Id
from bot.shapes.contact import ContactAnswer
from bot.workspace.access import Scope
from widget.api.contact_lookup import CONTACT_FAULTS, found_contact
from widget.api.contacts import answered
from widget.api.faults import INVALID_MERGE, ApiFault, ApiRefusal
from widget.api.models import AnyId, ApiBody
from widget.api.route import Call, Resource

NOT_DUPLICATES = "These contacts share no email address or phone number. Set skip_duplicate_validation to merge them."
FAULTS = (*CONTACT_FAULTS, INVALID_MERGE)

contact_merge = Resource("Contact merge", "Merge two contacts that are one person.")


class MergeBody(ApiBody):
    from_: AnyId = Field(alias="from", description="The lead, who is merged away.")
    into: AnyId = Field(description="The user, who is kept.")
    skip_duplicate_validation: bool = Field(
        False, description="Also merge contacts that share neither an email address nor a phone number."
    )


class MergedSubscription(ApiAnswer):
    subscription: Id
    into: ConsentState = Field(examples=["opted_in"])
    from_: ConsentState = Field(alias="from", examples=["opted_out"])
    after: ConsentState = Field(examples=["opted_out"], description="The state that survives: the strictest one.")


class MergePreviewAnswer(ApiAnswer):
    type: Literal["contact.merge_preview"] = "contact.merge_preview"
    contact: ContactAnswer = Field(description="The user afterwards; subscriptions are as they are now.")
    subscriptions: list[MergedSubscription]
    lost: list[str] = Field(
        examples=[["phone"]], description="Which of the lead's `phone`, `email` and `external_id` are not kept."
    )


@contact_merge.post("/contacts/merge", scope=Scope.WRITE_CONTACTS, errors=FAULTS)
async def merge_contact(call: Call, body: MergeBody) -> ContactAnswer:
    """Merge a lead into a user.

    Of two answers to a subscription the strictest one survives: opted out, then pending, then opted in. A yes survives
    only with the number or email address that it was given for.
    """
    await _preview(call, body)
    merged = await call.bot.merge.merge(body.into, body.from_, call.actor, Source.API)
    await call.bot.audit.record(call.by, AuditAction.CONTACT_MERGED, body.into, detail=body.from_, key=body.from_)
    return await answered(call, merged)


@contact_merge.post("/contacts/merge/preview", scope=Scope.READ_CONTACTS, errors=FAULTS)
async def preview_merge(call: Call, body: MergeBody) -> MergePreviewAnswer:
    """Preview a merge.

    Returns the values and consents that would survive. Nothing is changed.
    """
    preview = await _preview(call, body)
    kept, other, merger = preview.kept, preview.other, preview.merger
    after = kept.model_copy(
        update={
            **merger.values,
            "phone": merger.phone,
            "email": merger.email,
            "attributes": {**kept.attributes, **merger.attributes},
        }
    )
    ids = dict.fromkeys(consent.subscription for consent in (*kept.consents, *other.consents))
    subscriptions = [
        MergedSubscription(
            subscription=id, into=_state(kept, id), from_=_state(other, id), after=merger.after(id, kept)
        )
        for id in ids
    ]
    contact = await call.bot.contact_shapes.of(after)
    return MergePreviewAnswer(contact=contact, subscriptions=subscriptions, lost=[*merger.lost])


async def _preview(call: Call, body: MergeBody) -> MergePreview:
    """Raises ApiRefusal."""
    other, kept = await found_contact(call, body.from_), await found_contact(call, body.into)
    if other.role is not Role.LEAD or kept.role is not Role.USER:
        raise ApiRefusal(_invalid("Merge a lead into a user."))
    if not body.skip_duplicate_validation and not _are_duplicates(kept, other):
        raise ApiRefusal(_invalid(NOT_DUPLICATES))
    try:
        return await call.bot.merge.preview(kept.id, other.id)
    except Invalid as error:
        raise ApiRefusal(_invalid(str(error))) from None


def _invalid(message: str) -> ApiFault:
    return ApiFault(INVALID_MERGE.status, INVALID_MERGE.code, message)


def _are_duplicates(one: Contact, two: Contact) -> bool:
    emails = {contact.email.casefold() for contact in (one, two) if contact.email}
    has_email, has_phone = bool(one.email and two.email), bool(one.phone and two.phone)
    return (has_email and len(emails) == 1) or (has_phone and one.phone == two.phone)


def _state(contact: Contact, subscription: str) -> ConsentState:
    consent = contact.consent(subscription)
    return consent.state if consent else ConsentState.NONE
