"""The figures of a flow: a funnel, where people leave it, days, and which variant of a form is better."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.contacts.spreadsheet import csv_lines
from bot.errors import NotFound
from bot.flows.document import FlowDocument
from bot.flows.figures import FlowFigures
from bot.flows.steps import OptInForm
from bot.model.base import iso
from bot.model.flow import Flow
from widget.bots.figures_view import experiments, funnel, over_time, step_rows, variant_labels
from widget.bots.pages import ONE, PATH
from widget.web.http import BOT
from widget.web.teammate_pages import (
    FormInput,
    Scope,
    by,
    done,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translator_for,
)

PERIODS = (7, 30, 90)
DAYS = 30
MOST_VERSIONS = 50
"""That can be chosen."""
Name = Annotated[str, Field(pattern="^[a-z0-9_]{1,40}$")]


class VariantChoice(FormInput):
    version: Annotated[int, Field(ge=1, le=999_999)]
    step: Name
    variant: Name


async def show(request: web.Request) -> web.StreamResponse:
    """`?days=` and `?version=` choose what is counted."""
    flow, days, version, found = await _figures(request)
    say = translator_for(request)
    document = await _document(request, flow, version)
    return await teammate_page(
        request,
        "bots/figures.html",
        section="bots",
        title=say("Figures of %(name)s", name=flow.name or say("Unnamed flow")),
        flow=flow,
        periods=[(str(one), say("Last %(days)s days", days=str(one))) for one in PERIODS],
        days=str(days),
        versions=[*sorted(found.versions, reverse=True)][:MOST_VERSIONS],
        version=version,
        is_empty=not found.counts,
        funnel=funnel(found, say),
        chart=over_time(found, say),
        steps=step_rows(document, found.counts, say) if document else [],
        experiments=experiments(document, found, say) if document and version in {None, flow.version} else [],
    )


async def download(request: web.Request) -> web.StreamResponse:
    """The same by day: one line for each count."""
    flow, _days, _version, found = await _figures(request)
    rows = [(iso(day)[:10], name, str(n)) for day, counts in found.days.items() for name, n in sorted(counts.items())]
    headers = {
        "Content-Disposition": f'attachment; filename="figures-{flow.id}.csv"',
        "Cache-Control": "private, no-store",
    }
    body = csv_lines([("day", "figure", "count"), *rows])
    return web.Response(body=body, content_type="text/csv", charset="utf-8", headers=headers)


@redrawn_by(show)
async def use(request: web.Request) -> web.StreamResponse:
    """Publishes the flow with one variant only."""
    wanted, id = await read_input(request, VariantChoice), request.match_info["id"]
    flows, say = request.app[BOT].flows, translator_for(request)
    before = await flows.document(id, wanted.version)
    await flows.use_variant(id, wanted.version, wanted.step, wanted.variant, by(request))
    form = next(step for step in before.all_steps() if isinstance(step, OptInForm) and step.id == wanted.step)
    said = say('Published with "%(name)s" only.', name=variant_labels(form, say)[wanted.variant])
    raise done(f"{PATH}/{id}/figures", said)


async def _figures(request: web.Request) -> tuple[Flow, int, int | None, FlowFigures]:
    """Flow, days, version and figures. Raises NotFound."""
    bot = request.app[BOT]
    flow = await bot.flows.get(request.match_info["id"])
    days = next((one for one in PERIODS if request.query.get("days") == str(one)), DAYS)
    wanted = request.query.get("version", "")
    version = int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 7 else None
    return flow, days, version, await bot.flow_figures.of(flow.id, days=days, version=version)


async def _document(request: web.Request, flow: Flow, version: int | None) -> FlowDocument | None:
    """None: it isn't published, or has no such version."""
    try:
        return await request.app[BOT].flows.document(flow.id, version)
    except NotFound:
        return None


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_FLOWS)
    app.router.add_get(f"{ONE}/figures", manages(show))
    app.router.add_get(f"{ONE}/figures.csv", manages(download))
    app.router.add_post(f"{ONE}/figures", manages(use))
