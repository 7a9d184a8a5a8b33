"""Settings > Delivery: how the queue of texts is doing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.i18n import Translator
from bot.outbound.queue_figures import QueueFigures
from widget.outbound.pages import fragment
from widget.outbound.results import FigureTile
from widget.web.http import BOT
from widget.web.teammate_pages import Scope, is_htmx, requires, teammate_page, translator_for

PATH = "/settings/delivery"


@dataclass(frozen=True, slots=True)
class SenderRow:
    sender: str
    due: str
    without_turn: str
    per_minute: str


async def show(request: web.Request) -> web.StreamResponse:
    """A script gets the figures alone."""
    bot, say = request.app[BOT], translator_for(request)
    figures = await bot.queue.read()
    values: dict[str, Any] = {
        "tiles": _tiles(figures, say),
        "rows": _rows(figures, say),
        "at": figures.at,
        "halted": bot.sender.results.halted,
    }
    if is_htmx(request):
        return await fragment(request, "workspace/_delivery.html", **values)
    return await teammate_page(
        request, "workspace/delivery.html", section="settings", part="delivery", title=say("Delivery"), **values
    )


def _tiles(figures: QueueFigures, say: Translator) -> list[FigureTile]:
    seconds = round(figures.oldest.total_seconds())
    return [
        FigureTile(say("Due now"), say.number(figures.due)),
        FigureTile(say("Longest wait"), f"{seconds // 60}:{seconds % 60:02d}"),
        FigureTile(say("Waiting in total"), say.number(figures.waiting)),
        FigureTile(say("Result pending"), say.number(figures.unacknowledged)),
        FigureTile(say("Unconfirmed in 24 hours"), say.number(figures.unknown_today)),
    ]


def _rows(figures: QueueFigures, say: Translator) -> list[SenderRow]:
    names = sorted({*figures.due_by_sender, *figures.without_turn, *figures.per_minute})
    return [
        SenderRow(
            name or say("Default sender"),
            say.number(figures.due_by_sender.get(name, 0)),
            say.number(figures.without_turn.get(name, 0)),
            f"{figures.per_minute.get(name, 0):.1f}",
        )
        for name in names
    ]


def add_routes(app: web.Application) -> None:
    app.router.add_get(PATH, requires(Scope.MANAGE_WORKSPACE)(show))
