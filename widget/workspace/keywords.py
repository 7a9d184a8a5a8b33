"""Settings > Keywords: the words that people text to opt in, and what they read before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from bot.consent.form_wording import WordingCheck
from bot.consent.keyword_programs import takes_keywords
from bot.consent.offers import keyword_legal_text
from bot.errors import WordingIncomplete
from bot.errors import marked as _
from bot.i18n import DEFAULT, base_language, locales, translator
from bot.model.keyword_program import KeywordProgram
from bot.model.subscription import Subscription
from bot.workspace.keyword_programs import ProgramForm
from widget.web.forms import FORM, Form
from widget.web.http import BOT
from widget.web.languages import all_languages
from widget.web.teammate_pages import (
    FormInput,
    Scope,
    by,
    done,
    read_input,
    redrawn_by,
    requires,
    teammate,
    teammate_page,
    translated,
    translator_for,
)

LIST = "/settings/keywords"
INCOMPLETE = web.RequestKey("keyword_incomplete", WordingIncomplete)
"""What the legal text lacked."""
ACTS = {
    "created": _("created it"),
    "edited": _("edited it"),
    "paused": _("paused it"),
    "resumed": _("resumed it"),
}
Version = Annotated[int, Field(ge=1, le=2**31)]


class ProgramInput(ProgramForm):
    accepted: Annotated[str, Field(max_length=200)] = ""
    """Codes of the missing statements that the page listed and the teammate confirmed."""


class NewProgram(ProgramInput):
    keyword: Annotated[str, Field(max_length=80)] = ""


class EditedProgram(ProgramInput):
    version: Version


class ButtonOfProgram(FormInput):
    version: Version


async def overview(request: web.Request) -> web.StreamResponse:
    say = translator_for(request)
    rows = await request.app[BOT].programs.all()
    return await _page(request, "keywords.html", say("Keywords"), rows=rows, live=await _live(request))


async def new(request: web.Request) -> web.StreamResponse:
    say, bot, live = translator_for(request), request.app[BOT], await _live(request)
    chosen, workspace = _chosen(request, live), await bot.workspace()
    language = base_language(chosen.language) if chosen else DEFAULT
    text = keyword_legal_text(chosen, workspace, translator(language)) if chosen and language in locales() else ""
    values = {**dict.fromkeys(ProgramForm.model_fields, ""), "legal_text": text, "locale": language}
    return await _form(request, say("New keyword"), live, chosen, values, program=None, history=[])


async def show(request: web.Request) -> web.StreamResponse:
    bot, live = request.app[BOT], await _live(request)
    program = await bot.keywords.get(request.match_info["keyword"])
    current = await bot.store.subscriptions.get(program.subscription)
    offered = [*live, *([current] if current and current not in live else [])]
    history = await bot.keywords.history(program.id)
    values = program.model_dump(include=set(ProgramForm.model_fields))
    chosen = _chosen(request, offered, program.subscription)
    return await _form(request, program.keyword, offered, chosen, values, program=program, history=history)


@redrawn_by(new)
async def create(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, NewProgram)
    try:
        check = await _wording(request, wanted)
        made = await request.app[BOT].keywords.create(wanted.keyword, wanted, by(request), check)
    except WordingIncomplete as incomplete:
        request[INCOMPLETE] = incomplete
        raise
    raise done(LIST, _said(request, made))


@redrawn_by(show)
async def edit(request: web.Request) -> web.StreamResponse:
    wanted, keyword = await read_input(request, EditedProgram), request.match_info["keyword"]
    try:
        check = await _wording(request, wanted)
        made = await request.app[BOT].keywords.edit(keyword, wanted.version, wanted, by(request), check)
    except WordingIncomplete as incomplete:
        request[INCOMPLETE] = incomplete
        raise
    raise done(LIST, _said(request, made))


@redrawn_by(show)
async def pause(request: web.Request) -> web.StreamResponse:
    wanted, keywords = await read_input(request, ButtonOfProgram), request.app[BOT].keywords
    made = await keywords.pause(request.match_info["keyword"], wanted.version, by(request))
    raise done(LIST, translated(request, "%(keyword)s is paused.", keyword=made.keyword))


@redrawn_by(show)
async def resume(request: web.Request) -> web.StreamResponse:
    wanted, keywords = await read_input(request, ButtonOfProgram), request.app[BOT].keywords
    made = await keywords.resume(request.match_info["keyword"], wanted.version, by(request))
    raise done(LIST, translated(request, "%(keyword)s is active again.", keyword=made.keyword))


async def _live(request: web.Request) -> list[Subscription]:
    return [s for s in await request.app[BOT].store.subscriptions.live() if takes_keywords(s)]


def _chosen(request: web.Request, offered: Sequence[Subscription], stored: str = "") -> Subscription | None:
    """The subscription of the form, as typed, asked for or stored; else the first one."""
    wanted = request.get(FORM, Form()).value("subscription", stored or request.query.get("subscription", ""))
    return next((s for s in offered if s.id == wanted), offered[0] if offered and not stored else None)


async def _wording(request: web.Request, wanted: ProgramInput) -> WordingCheck:
    return WordingCheck(
        workspace=await request.app[BOT].workspace(),
        is_admin=teammate(request).is_admin,
        say=translator_for(request),
        accepted=wanted.accepted.split(),
    )


def _said(request: web.Request, made: KeywordProgram) -> str:
    return translated(request, "%(keyword)s is saved.", keyword=made.keyword)


async def _form(
    request: web.Request,
    title: str,
    live: Sequence[Subscription],
    chosen: Subscription | None,
    values: Mapping[str, str],
    **more: Any,
) -> web.Response:
    return await _page(
        request,
        "keyword.html",
        title,
        options=[(s.id, s.name) for s in live],
        chosen=chosen,
        values=values,
        all_languages=all_languages(translator_for(request)),
        incomplete=request.get(INCOMPLETE),
        acts=ACTS,
        **more,
    )


async def _page(request: web.Request, template: str, title: str, **context: Any) -> web.Response:
    return await teammate_page(
        request, f"workspace/{template}", section="settings", title=title, part="keywords", **context
    )


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_SUBSCRIPTIONS)
    one = rf"{LIST}/{{keyword:\w{{2,34}}}}"
    app.router.add_get(LIST, manages(overview))
    app.router.add_get(f"{LIST}/-/new", manages(new))
    app.router.add_post(f"{LIST}/-/new", manages(create))
    app.router.add_get(one, manages(show))
    app.router.add_post(one, manages(edit))
    app.router.add_post(f"{one}/pause", manages(pause))
    app.router.add_post(f"{one}/resume", manages(resume))
