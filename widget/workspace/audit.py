"""Settings > Audit log: who changed what, when and from where; filtered, paged, and exported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from aiohttp import web

from bot.model.audit import AuditAction
from bot.model.base import iso
from bot.workspace.audit import LABELS, AuditFilter
from widget.web.downloads import Download, send_csv
from widget.web.http import BOT
from widget.web.input import cursor_of
from widget.web.teammate_pages import Scope, requires, teammate_page, translator_for
from widget.web.times import clock
from widget.workspace.audit_details import detail_of, subject_of

PATH = "/settings/audit"
LAST_DAY = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
FILTERS = ("actor", "action", "since", "until")
COLUMNS = ("time", "actor_id", "actor", "token", "action", "subject", "detail", "address")


async def show(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    team = await bot.teammates.all()
    query = {name: request.query.get(name, "") for name in FILTERS}
    labels = {str(action): say(label) for action, label in LABELS.items()}
    page = await bot.audit.page(_wanted(request), cursor_of(request, datetime, str))
    return await teammate_page(
        request,
        "workspace/audit.html",
        section="settings",
        title=say("Audit log"),
        part="audit",
        rows=[(entry, subject_of(entry, say), detail_of(entry, say)) for entry in page.items],
        next=page.next,
        labels=labels,
        query=query,
        kept=urlencode({name: value for name, value in query.items() if value}),
        actors=[("", say("Everyone")), *((member.id, member.name) for member in team)],
        actions=[("", say("All actions")), *sorted(labels.items(), key=lambda pair: pair[1].casefold())],
    )


def _wanted(request: web.Request) -> AuditFilter:
    """Days are in the teammate's time zone; invalid ones are ignored."""
    last = _day(request.query.get("until", ""))
    return AuditFilter(
        actor=request.query.get("actor", "")[:100],
        action=request.query.get("action", "")[:100],
        since=_day(request.query.get("since", "")),
        until=last + timedelta(days=1) if last and last < LAST_DAY else None,
    )


def _day(text: str) -> datetime | None:
    try:
        return clock.get().parse(f"{text}T00:00")
    except (ValueError, OverflowError):
        return None


async def export(request: web.Request) -> web.StreamResponse:
    """With the filters that it was exported with."""
    query = {name: value for name in FILTERS if (value := request.query.get(name, "")[:100])}
    download = Download(AuditAction.AUDIT_LOG_EXPORTED, detail=urlencode(query))
    return await send_csv(request, "audit-log.csv", COLUMNS, _rows(request), download)


async def _rows(request: web.Request) -> AsyncIterator[Iterable[tuple[str, ...]]]:
    async for page in request.app[BOT].audit.all(_wanted(request)):
        yield [(iso(e.at), e.actor, e.actor_name, e.token, e.action, e.subject, e.detail, e.address) for e in page]


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_WORKSPACE)
    app.router.add_get(PATH, manages(show))
    app.router.add_get(f"{PATH}.csv", manages(export))
