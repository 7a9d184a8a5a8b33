"""The versions of a flow: who published them and when, what changed, and going back to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.errors import NotFound
from bot.flows.changes import FieldChange, FlowChanges, Spot, StepChange, changes
from bot.flows.document import FlowDocument
from bot.flows.faults import FlowFault
from bot.flows.service import NO_VERSION, FlowFaulty
from bot.model.flow import FlowVersion
from bot.model.paging import sequence_of
from widget.bots.outline import outline
from widget.bots.pages import ONE, PATH
from widget.bots.step_words import StepWords
from widget.web.http import BOT
from widget.web.input import cursor_of
from widget.web.teammate_pages import Scope, by, done, requires, teammate_page, translated, translator_for

LARGEST = 10**6
FAULTS = web.RequestKey("flow_faults", Sequence[FlowFault])
"""What a version can't be published for."""


@dataclass(frozen=True, slots=True)
class FieldWords:
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ChangeWords:
    what: str
    icon: str
    name: str
    id: str
    summary: str
    spot: str
    before: str
    fields: tuple[FieldWords, ...]


async def history(request: web.Request) -> web.StreamResponse:
    flows, id = request.app[BOT].flows, request.match_info["id"]
    flow, say = await flows.get(id), translator_for(request)
    page = await flows.versions(id, sequence_of(cursor_of(request, int)))
    return await teammate_page(
        request,
        "bots/versions.html",
        section="bots",
        title=say("Versions of %(name)s", name=flow.name),
        flow=flow,
        versions=page.items,
        next=page.next,
    )


async def show(request: web.Request) -> web.StreamResponse:
    """One version, and what changed since another (`?since=`), by default the one before."""
    flows, id, say = request.app[BOT].flows, request.match_info["id"], translator_for(request)
    flow, version = await flows.get(id), await flows.version(id, _number(request))
    since = _since(request, version)
    document, words = await flows.document(id, version.version), await StepWords.load(request)
    before = await flows.document(id, since) if since else None
    known = (await flows.versions(id)).items
    return await teammate_page(
        request,
        "bots/version.html",
        section="bots",
        title=say("Version %(number)s of %(name)s", number=str(version.version), name=flow.name),
        flow=flow,
        version=version,
        since=since,
        others=[(str(v.version), say("Version %(number)s", number=str(v.version))) for v in known],
        changes=changed(before, document, words) if before else None,
        steps=outline(document.steps, words),
        faults=[(f.path, say(f.text, **f.values)) for f in request.get(FAULTS, ()) if not f.is_warning],
    )


async def roll_back(request: web.Request) -> web.StreamResponse:
    id = request.match_info["id"]
    try:
        made = await request.app[BOT].flows.roll_back(id, _number(request), by(request))
    except FlowFaulty as faulty:
        request[FAULTS] = faulty.faults
        response = await show(request)
        response.set_status(422)
        return response
    said = translated(request, "Version %(number)s is published.", number=str(made.version))
    raise done(f"{PATH}/{id}/versions", said)


def _number(request: web.Request) -> int:
    """Raises NotFound."""
    number = int(request.match_info["version"])
    if not 0 < number < LARGEST:
        raise NotFound(NO_VERSION)
    return number


def _since(request: web.Request, version: FlowVersion) -> int:
    """0: there is nothing to compare with."""
    wanted = request.query.get("since", "")
    return int(wanted) if wanted.isascii() and wanted.isdecimal() and len(wanted) < 7 else version.version - 1


def changed(before: FlowDocument, after: FlowDocument, words: StepWords) -> dict[str, Any]:
    found: FlowChanges = changes(before, after)
    placed = _Places(before, after, words)
    return {
        "settings": [_field(change, words) for change in found.settings],
        "steps": [placed.change(change) for change in found.steps],
    }


class _Places:
    """Where steps stand, in words."""

    def __init__(self, before: FlowDocument, after: FlowDocument, words: StepWords) -> None:
        self._words = words
        self._steps = {step.id: step for document in (before, after) for step in document.all_steps()}

    def change(self, change: StepChange) -> ChangeWords:
        words, step = self._words, change.step
        return ChangeWords(
            change.what,
            words.icon(step),
            words.name(step),
            step.id,
            words.summary(step),
            self._spot(change.spot),
            self._spot(change.before) if change.before else "",
            tuple(_field(field, words) for field in change.fields),
        )

    def _spot(self, spot: Spot) -> str:
        say = self._words.say
        place = say("after %(step)s", step=spot.behind) if spot.behind else say("first")
        if not spot.inside:
            return place
        branch = self._words.branch(self._steps[spot.inside], spot.branch)
        return say("%(place)s in the branch “%(branch)s” of %(step)s", place=place, branch=branch, step=spot.inside)


def _field(change: FieldChange, words: StepWords) -> FieldWords:
    name = change.path[-1] if len(change.path) == 1 else ""
    return FieldWords(words.field(change.path), words.value(name, change.before), words.value(name, change.after))


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_FLOWS)
    one = rf"{ONE}/versions/{{version:\d{{1,6}}}}"
    app.router.add_get(f"{ONE}/versions", manages(history))
    app.router.add_get(one, manages(show))
    app.router.add_post(f"{one}/roll-back", manages(roll_back))
