"""The figures of a flow and its forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from bot.model.base import iso
from bot.shapes.base import ApiAnswer, Id
from bot.workspace.access import Scope
from widget.api.contact_lookup import found_or_404
from widget.api.faults import NO_RESOURCE
from widget.api.models import ApiQuery
from widget.api.route import Call, Resource

COUNTS = {"shown": 420, "started": 130, "completed:ask": 64, "confirmed:ask": 51, "left:ask": 2}

flow_figures = Resource(
    "Flow figures",
    "What people saw, did and agreed to in a flow. Figures of a step or form end in its ID, those of a variant in "
    "both: `completed:ask`, `completed:ask/b`.",
    is_compatible=False,
)


class FiguresQuery(ApiQuery):
    days: int = Field(30, ge=1, le=90, description="Number of days, including today, in UTC.")
    version: int | None = Field(None, ge=1, le=999_999, description="Only of this version.")


class DayFigures(ApiAnswer):
    day: str = Field(examples=["2026-11-30"])
    counts: dict[str, int] = Field(examples=[COUNTS])


class FlowFiguresAnswer(ApiAnswer):
    type: Literal["flow_figures"] = "flow_figures"
    flow_id: Id
    counts: dict[str, int] = Field(examples=[COUNTS])
    completed: int = Field(examples=[64], description="Of all forms of the flow.")
    confirmed: int = Field(examples=[51])
    left: int = Field(examples=[2], description="Those who opted out within seven days.")
    days: list[DayFigures]


@flow_figures.get("/flows/{flow_id}/figures", scope=Scope.MANAGE_FLOWS, errors=(NO_RESOURCE,))
async def show_flow_figures(call: Call, query: FiguresQuery) -> FlowFiguresAnswer:
    """Get the figures of a flow.

    Views and steps may lag by a few seconds; sign-ups, confirmations and opt-outs are those of the ledger.
    """
    flow = await found_or_404(call.bot.flows.get(call.variable("flow_id")))
    found = await call.bot.flow_figures.of(flow.id, days=query.days, version=query.version)
    return FlowFiguresAnswer(
        flow_id=flow.id,
        counts=_sorted(found.counts),
        completed=found.completed,
        confirmed=found.confirmed,
        left=found.left,
        days=[DayFigures(day=iso(day)[:10], counts=_sorted(counts)) for day, counts in found.days.items()],
    )


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
