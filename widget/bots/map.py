"""The map of a flow: an SVG made on the server, as a picture of its own and on a page with the steps as text."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any
from unicodedata import east_asian_width

from aiohttp import web
from markupsafe import Markup

from bot.errors import Invalid
from bot.errors import marked as _
from bot.flows.check import check
from bot.flows.document import FlowDocument
from bot.flows.layout import HEIGHT, WIDTH, BranchLabel, FlowMap, Line, flow_map
from bot.model.flow import Flow
from widget.bots.outline import outline
from widget.bots.pages import ONE
from widget.bots.step_words import StepWords
from widget.web.http import BOT, render, wanted_locale
from widget.web.teammate_pages import Scope, requires, teammate_page, translator_for

STYLE = (
    "svg{color-scheme:light dark;color:CanvasText;background:Canvas;font-family:system-ui,sans-serif}"
    ".map-summary{fill-opacity:.72}.map-label text{stroke:Canvas;stroke-width:4px}.map-box{fill:Canvas}"
)
"""Of the picture alone: on a page the page's own colors are used."""
POLICY = f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
FAULTY = _("Fix the problems of this flow to see its map.")
TITLE_COLUMNS, LABEL_COLUMNS, SUMMARY_COLUMNS = 22, 19, 25
"""Letters that fit; a letter of full width takes two."""


@dataclass(frozen=True, slots=True)
class MapStep:
    id: str
    x: int
    y: int
    name: str
    summary: str
    """Cut to what fits."""
    title: str
    """All of it, for screen readers and on hover."""


@dataclass(frozen=True, slots=True)
class MapLabel:
    x: int
    y: int
    text: str
    title: str


def cut(text: str, columns: int) -> str:
    taken = 0
    for place, letter in enumerate(text):
        taken += 2 if east_asian_width(letter) in "WF" else 1
        if taken > columns:
            return text[: max(place - 1, 0)].rstrip() + "…"
    return text


def drawing(document: FlowDocument, words: StepWords) -> dict[str, Any]:
    """What the template draws."""
    found = flow_map(document)
    return {
        "map": found,
        "size": {"width": WIDTH, "height": HEIGHT},
        "boxes": [_box(found, place, words) for place in range(len(found.boxes))],
        "labels": [_label(label, words) for label in found.labels],
        "arrows": [_path(line) for line in found.arrows],
        "lines": [_path(line) for line in found.lines],
    }


def _box(found: FlowMap, place: int, words: StepWords) -> MapStep:
    box = found.boxes[place]
    name, summary = words.name(box.step), words.summary(box.step)
    title = f"{name}: {summary}" if summary else name
    return MapStep(box.step.id, box.x, box.y, cut(name, TITLE_COLUMNS), cut(summary, SUMMARY_COLUMNS), title[:500])


def _label(label: BranchLabel, words: StepWords) -> MapLabel:
    text = words.branch(label.step, label.branch)
    return MapLabel(label.x, label.y, cut(text, LABEL_COLUMNS), text)


def _path(line: Line) -> str:
    (x, y), *others = line
    return f"M{x} {y}" + "".join(f"L{x} {y}" for x, y in others)


async def picture(request: web.Request) -> web.StreamResponse:
    flow, document, _is_draft = await _shown(request)
    words = await StepWords.load(request)
    svg = await _svg(request, flow, document, words, style=STYLE)
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "private, no-store"}
    return web.Response(text=svg, content_type="image/svg+xml", headers=headers)


async def show(request: web.Request) -> web.StreamResponse:
    flow, document, is_draft = await _shown(request)
    words, say = await StepWords.load(request), translator_for(request)
    return await teammate_page(
        request,
        "bots/map.html",
        section="bots",
        title=say("Map of %(name)s", name=flow.name),
        flow=flow,
        is_draft=is_draft,
        svg=Markup(await _svg(request, flow, document, words)),  # noqa: S704 (the template escapes)
        steps=outline(document.steps, words),
    )


async def _shown(request: web.Request) -> tuple[Flow, FlowDocument, bool]:
    """The draft, if it has no errors; else what is published. Raises Invalid: neither can be drawn."""
    bot, id = request.app[BOT], request.match_info["id"]
    flow, draft = await bot.flows.get(id), await bot.flow_drafts.get(id)
    if document := check(draft.text).document:
        return flow, document, not draft.is_published
    if not flow.version:
        raise Invalid(FAULTY)
    return flow, await bot.flows.document(id), False


async def _svg(request: web.Request, flow: Flow, document: FlowDocument, words: StepWords, *, style: str = "") -> str:
    drawn = drawing(document, words)
    return await render(request, "bots/_map.html", wanted_locale(request), flow=flow, style=style, **drawn)


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_FLOWS)
    app.router.add_get(f"{ONE}/map", manages(show))
    app.router.add_get(f"{ONE}/map.svg", manages(picture))
