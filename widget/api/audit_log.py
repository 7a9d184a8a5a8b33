"""The audit log: who changed what, when and from where."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from bot.model.audit import AuditAction, AuditEntry
from bot.shapes.base import ApiAnswer, UnixTime, unix
from bot.workspace.access import Scope
from bot.workspace.audit import AuditFilter
from widget.api.paging import NO_CURSOR, PagePlace, PageQuery, PagesAnswer
from widget.api.route import Call, Resource

audit_log = Resource("Audit log", "Who changed what in the workspace, when, and from where.", is_compatible=False)


class AuditQuery(PageQuery):
    actor: str = Field("", max_length=100, description="A teammate's id.")
    action: AuditAction | None = None
    since: UnixTime | None = None
    until: UnixTime | None = Field(None, description="Exclusive.")


class AuditActor(ApiAnswer):
    type: Literal["admin"] = "admin"
    id: str = Field(examples=["6762f0cd1bb69f9f2193bb70"])
    name: str = Field(examples=["Ada"])
    token: str = Field(examples=[""], description="The name of the API token that was used.")
    address: str = Field(examples=["203.0.113.9"])


class AuditEntryAnswer(ApiAnswer):
    type: Literal["audit_entry"] = "audit_entry"
    id: str = Field(examples=["01KB2M6ZC0V6T1JY9M0Q3W8R5X"])
    at: UnixTime
    action: str = Field(examples=["segment.saved"])
    actor: AuditActor
    subject: str = Field(examples=["Users"])
    detail: str = Field(examples=[""])


class AuditList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[AuditEntryAnswer]
    pages: PagesAnswer


@audit_log.get("/audit_log", scope=Scope.MANAGE_WORKSPACE, errors=(NO_CURSOR,))
async def list_audit_log(call: Call, query: AuditQuery) -> AuditList:
    """List the audit log.

    The newest first.
    """
    place = PagePlace(query)
    wanted = AuditFilter(query.actor, query.action or "", _time(query.since), _time(query.until))
    page = await call.bot.audit.page(wanted, place.cursor(datetime, str), limit=place.per_page)
    pages = place.pages(page.next, (place.page - 1) * place.per_page + len(page.items))
    return AuditList(data=[_answer(entry) for entry in page.items], pages=pages)


def _answer(entry: AuditEntry) -> AuditEntryAnswer:
    actor = AuditActor(id=entry.actor, name=entry.actor_name, token=entry.token, address=entry.address)
    return AuditEntryAnswer(
        id=entry.id, at=unix(entry.at), action=entry.action, actor=actor, subject=entry.subject, detail=entry.detail
    )


def _time(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
