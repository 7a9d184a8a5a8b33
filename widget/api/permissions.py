"""A contact's state on every subscription type, and whether they may be sent its messages, now or at a past instant."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from bot.consent.past_permission import PastPermission, permission_at
from bot.contacts.permission_answer import PermissionAnswer
from bot.model.contact import ConsentState, Contact
from bot.model.event import Grade, Source
from bot.model.subscription import Subscription
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix, unix_or_none
from bot.workspace.access import Scope
from widget.api.contact_lookup import CONTACT_FAULTS, found_contact, found_subscription
from widget.api.faults import NO_RESOURCE
from widget.api.models import ApiQuery
from widget.api.route import Call, Resource

permissions = Resource(
    "Permissions",
    "Whether a contact may be sent a subscription type's messages, and why. Quiet hours and caps only delay messages, "
    "so they don't count.",
    is_compatible=False,
)


class PermissionQuery(ApiQuery):
    subscription: str | None = Field(None, max_length=100, description="Only this subscription type.")
    at: UnixTime | None = Field(None, description="The instant in question, in Unix seconds; now if there is none.")


class PermissionShape(ApiAnswer):
    type: Literal["permission"] = "permission"
    subscription: Id
    allowed: bool = Field(examples=[True])
    reason: str = Field(
        examples=["opted_in"],
        description="`opted_in` or `not_opted_out`, or why not: `opted_out`, `not_opted_in`, `pending`, `stopped`, "
        "`number_changed`, `weak_evidence`, `no_valid_number`, `no_valid_email`, `subscription_not_live`.",
    )
    state: ConsentState = Field(examples=["opted_in"], description="`none`: the contact never answered.")
    grade: Grade | None = Field(examples=["written_shown"], description="How the opt-in is documented.")
    source: Source | None = Field(examples=["form"])
    since: UnixTime | None = Field(description="When the contact answered.")
    event: str | None = Field(examples=["01KB2M6ZC0V6T1JY9M0Q3W8R5X"], description="The consent event.")
    stopped_at: UnixTime | None = Field(examples=[None], description="When the number texted the STOP that decides.")


class PermissionList(ApiAnswer):
    type: Literal["list"] = "list"
    at: UnixTime
    data: list[PermissionShape]


@permissions.get("/contacts/{contact_id}/permissions", scope=Scope.READ_CONTACTS, errors=(*CONTACT_FAULTS, NO_RESOURCE))
async def list_permissions(call: Call, query: PermissionQuery) -> PermissionList:
    """List a contact's permissions.

    One for every subscription type, those in their default state included. With `at`, the answer is computed from the
    ledger as of that instant.
    """
    contact, time = await found_contact(call), datetime.now(UTC)
    wanted = [await found_subscription(call, query.subscription)] if query.subscription else None
    if query.at is None:
        data = [_now(contact, answer) for answer in await call.bot.dossiers.answers(contact, wanted)]
        return PermissionList(at=unix(time), data=data)
    at = datetime.fromtimestamp(query.at, UTC)
    types = wanted or await call.bot.store.subscriptions.all()
    past = await asyncio.gather(*(permission_at(call.bot.store, contact.id, type.id, at) for type in types))
    return PermissionList(at=query.at, data=[_then(type, answer) for type, answer in zip(types, past, strict=True)])


def _now(contact: Contact, answer: PermissionAnswer) -> PermissionShape:
    consent = contact.consent(answer.subscription.id)
    return PermissionShape(
        subscription=answer.subscription.id,
        allowed=answer.permission.allowed,
        reason=answer.permission.reason,
        state=consent.state if consent else ConsentState.NONE,
        grade=consent.grade if consent else None,
        source=consent.source if consent else None,
        since=unix_or_none(consent.at if consent else None),
        event=consent.event if consent else None,
        stopped_at=unix_or_none(answer.stopped_at),
    )


def _then(subscription: Subscription, past: PastPermission) -> PermissionShape:
    event = past.consent
    return PermissionShape(
        subscription=subscription.id,
        allowed=past.permission.allowed,
        reason=past.permission.reason,
        state=(event.state if event else None) or ConsentState.NONE,
        grade=event.grade if event else None,
        source=event.source if event else None,
        since=unix_or_none(event.at if event else None),
        event=event.event if event else None,
        stopped_at=unix_or_none(past.stop.at if past.stop and past.permission.reason == "stopped" else None),
    )
