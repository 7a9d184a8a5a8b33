"""The audience preview: who gets a message at the chosen time, and why others don't."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.errors import FormWrong, Invalid
from bot.errors import marked as _
from bot.jobs.audience_counts import counted
from bot.jobs.rules import ENDED
from bot.model.country_sender import CountrySender
from bot.model.job import JobState
from bot.model.outbound_message import OutboundMessage
from bot.model.workspace import Workspace
from bot.outbound.audience import EXACT, FIRST, AudiencePreview
from bot.outbound.cost import cost_of
from bot.outbound.message_checker import lacks_disclosure
from bot.outbound.send_time import NOW, SendTime
from widget.jobs.view import job_view
from widget.outbound.pages import ONE, PATH, fragment
from widget.outbound.views import AudienceView, CostView, audience_view, cost_view, text_view
from widget.web.forms import fields
from widget.web.http import BOT
from widget.web.teammate_pages import Scope, by, requires, translator_for
from widget.web.times import clock

SHOWN = ("when", "send_at")
"""The fields of the send page that the preview depends on."""


async def audience(request: web.Request) -> web.StreamResponse:
    """The first answer is from a sample if there are many; then everyone is counted: at once up to EXACT, else by a job
    that a teammate starts."""
    message = await request.app[BOT].outbound.get(request.match_info["id"])
    return await _preview(request, message, request.query)


async def count(request: web.Request) -> web.StreamResponse:
    """Starts the job that counts everyone."""
    bot, typed = request.app[BOT], await fields(request)
    message = await bot.outbound.get(request.match_info["id"])
    await bot.audience_counts.start(message, _shown(typed), by(request))
    return await _preview(request, message, typed)


async def _preview(request: web.Request, message: OutboundMessage, given: Mapping[str, str]) -> web.StreamResponse:
    say = translator_for(request)
    try:
        workspace = await request.app[BOT].workspace()
        values = await _values(request, message, given, () if message.chat else workspace.senders)
        if "audience" in values:
            values["cost"] = None if message.chat else _cost(request, message, values["audience"], workspace)
        values["lacks_disclosure"] = (
            message.chat is None and bool(message.texts) and lacks_disclosure(message, workspace)
        )
    except Invalid as wrong:
        values = {"fault": say(wrong.text, **wrong.values)}
    return await fragment(request, "outbound/_audience.html", message=message, **values)


async def _values(
    request: web.Request, message: OutboundMessage, given: Mapping[str, str], senders: Sequence[CountrySender]
) -> dict[str, Any]:
    """Raises Invalid."""

    async def view(found: AudiencePreview) -> AudienceView:
        return audience_view(found, await whom.size(message, found), say, time, senders=senders)

    bot, say, time = request.app[BOT], translator_for(request), _shown(given)
    whom, is_all = bot.outbound.audience, "all" in given
    found = await whom.preview(message, time, most=EXACT if is_all else FIRST)
    shown = {name: given[name] for name in SHOWN if name in given}
    path = f"{PATH}/{message.id}/audience?"
    if not found.is_sample:
        return {"audience": await view(found)}
    if found.total.number <= EXACT and not is_all:
        rest: dict[str, Any] = {"rest": path + urlencode({**shown, "all": 1})}
    else:
        job = await bot.audience_counts.newest(message, time)
        if job and job.state is JobState.DONE:
            exact = counted(job, found)
            return {"audience": await view(exact), "counted_at": job.ended_at}
        rest = {"job": job_view(job, bot.jobs.kinds[job.kind], say) if job else None, "shown": shown}
        rest["again"] = path + urlencode(shown) if job and job.state not in ENDED else ""
    return {"audience": await view(found), **rest}


def _cost(request: web.Request, message: OutboundMessage, view: AudienceView, workspace: Workspace) -> CostView | None:
    say, public_url = translator_for(request), request.app[BOT].public_url
    if not (view.texts and message.text(message.language).strip()):
        return None
    languages = {language: message.language_for(language) for _country, language in view.texts}
    lengths = {one: text_view(message, workspace, one, public_url).length.segments for one in set(languages.values())}
    segments = {language: lengths[own] for language, own in languages.items()}
    found = cost_of(view.texts, segments, workspace.prices, view.share)
    return cost_view(found, workspace.currency, say) if found.segments else None


def _shown(given: Mapping[str, str]) -> SendTime:
    """The chosen time in the form, if it can be parsed."""
    try:
        return send_time(given.get("when", ""), given.get("send_at", ""))
    except FormWrong:
        return NOW


def send_time(when: str, text: str) -> SendTime:
    """The choice on the send page. Raises FormWrong."""
    if when not in {"later", "local"}:
        return NOW
    try:
        at = clock.get().parse(text)
        wall = datetime.strptime(text, "%Y-%m-%dT%H:%M").isoformat(timespec="minutes")  # noqa: DTZ007 (of each recipient)
        return SendTime(at=at) if when == "later" else SendTime(local=wall)
    except (ValueError, OverflowError):
        raise FormWrong({"send_at": _("Choose a date and time.")}) from None


def add_routes(app: web.Application) -> None:
    sends = requires(Scope.SEND_MESSAGES)
    app.router.add_get(f"{ONE}/audience", sends(audience))
    app.router.add_post(f"{ONE}/count", sends(count))
