"""Settings > Sending rules: at which hours marketing texts reach people, how many, and what counsel should confirm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

from aiohttp import web
from babel.dates import format_date, format_time

from bot.compliance.texting_rules import CAPS, CLOSED, ELSEWHERE, HOURS, VERSION, Cap, Doubt, Hours, Minutes, Unless
from bot.errors import marked as _
from bot.i18n import Translator
from widget.web.teammate_pages import Scope, requires, teammate_page, translator_for

PATH = "/settings/sending-rules"
DOUBTS = {
    Doubt.PRACTICE: _("Common practice, not a law"),
    Doubt.CALLS: _("Written for phone calls"),
    Doubt.DEVICES: _("Written for automated dialing"),
    Doubt.ABROAD: _("Outside the US"),
    Doubt.UNDATED: _("Effective date unknown"),
}
UNLESS = {
    Unless.REPLY: _("Except replies to the person's text"),
    Unless.PURCHASE: _("Except customers of the last 18 months"),
}
SOURCES = {
    "industry practice": _("Industry practice"),
    "the strictest of the common practices": _("Strictest common practice"),
    "our own limit, in every country": _("Sayso's own limit"),
}
"""Of rows that rest on no law, whose names aren't translated."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    where: str
    cells: tuple[str, ...]
    notes: tuple[str, ...]
    source: str
    doubts: tuple[str, ...]


async def show(request: web.Request) -> web.StreamResponse:
    say = translator_for(request)
    return await teammate_page(
        request,
        "workspace/sending_rules.html",
        section="settings",
        part="sending-rules",
        title=say("Sending rules"),
        version=VERSION,
        hours=[_row(row, _hours(row, say), say) for row in HOURS],
        caps=[_row(row, [_cap(row, say)], say) for row in CAPS],
        closed=", ".join(sorted(say.country(country) for country in CLOSED)),
    )


def _row(row: Hours | Cap, cells: Sequence[str], say: Translator) -> RuleRow:
    notes = [say(UNLESS[one]) for one in sorted(row.unless)]
    if row.since:
        notes.insert(0, say("Since %(date)s", date=format_date(row.since, "medium", locale=say.locale)))
    doubts = tuple(say(words) for doubt, words in DOUBTS.items() if doubt in row.doubts)
    source = say(SOURCES[row.source]) if row.source in SOURCES else row.source
    return RuleRow(_where(row, say), (*cells,), (*notes,), source, doubts)


def _where(row: Hours | Cap, say: Translator) -> str:
    if row.where == ELSEWHERE:
        return say("All other countries") if isinstance(row, Hours) else say("All countries")
    country, _dash, state = row.where.partition("-")
    return f"{say.country(country)}: {state}" if state else say.country(country)


def _hours(row: Hours, say: Translator) -> list[str]:
    holidays = say("Like other days") if row.on_holidays else say("No texts")
    return [*(_window(day, say) for day in row.days), holidays]


def _window(window: Minutes | None, say: Translator) -> str:
    if window is None:
        return say("No texts")
    return "–".join(format_time(time(*divmod(minutes, 60)), "short", locale=say.locale) for minutes in window)


def _cap(row: Cap, say: Translator) -> str:
    return say("%(number)s in %(hours)s hours", number=say.number(row.most), hours=say.number(row.hours))


def add_routes(app: web.Application) -> None:
    app.router.add_get(PATH, requires(Scope.MANAGE_WORKSPACE)(show))
