"""Settings > Subscriptions. Message type and consent type appear only in the form for a new one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from bot.errors import marked as _
from bot.i18n import DEFAULT, locales
from bot.model.base import new_id
from bot.model.subscription import Subscription, SubscriptionState
from bot.model.workspace import Workspace
from bot.outbound.kinds.confirmation import confirmation
from bot.workspace.subscriptions import By, SubscriptionService
from bot.workspace.wording import WORDS, Name, New, Wording
from widget.web.forms import FORM, Form
from widget.web.http import BOT
from widget.web.input import cursor_of
from widget.web.languages import all_languages, named
from widget.web.teammate_pages import (
    FormInput,
    Handler,
    Scope,
    by,
    done,
    fields,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translated,
    translator_for,
)

LIST = "/settings/subscriptions"
ASIDE = {"act", "add_locale", "id", "locale"}
"""Page controls submitted with the wording: buttons, languages, preview options."""
TABS = {
    SubscriptionState.LIVE: _("Live"),
    SubscriptionState.DRAFT: _("Drafts"),
    SubscriptionState.ARCHIVED: _("Archived"),
}
Version = Annotated[int, Field(ge=1, le=2**31)]
Move = Callable[[SubscriptionService, str, int, By], Awaitable[Subscription]]


class Create(New):
    key: Annotated[str, Field(pattern="^[0-9a-f]{24}$")]


class Edit(Wording):
    version: Version


class ButtonInput(FormInput):
    """Input of a button; `version` is what the teammate saw."""

    version: Version


class Restore(ButtonInput):
    name: Name


def address(subscription: str) -> str:
    return f"{LIST}/{subscription}"


async def page_of(request: web.Request, template: str, title: str, **context: Any) -> web.Response:
    return await teammate_page(
        request, f"workspace/subscriptions/{template}", section="settings", title=title, part="subscriptions", **context
    )


async def overview(request: web.Request) -> web.StreamResponse:
    """The subscriptions of one state; by default the live ones."""
    bot, say = request.app[BOT], translator_for(request)
    by_state = await bot.subscriptions.all()
    wanted = request.query.get("state", "")
    state = SubscriptionState(wanted) if wanted in set(SubscriptionState) else _first(by_state)
    tabs = [
        {"path": f"{LIST}?state={s}", "label": say(name), "current": s is state, "count": len(by_state[s])}
        for s, name in TABS.items()
    ]
    rows = await bot.subscriptions.listed(by_state[state])
    return await page_of(request, "list.html", say("Subscriptions"), tabs=tabs, state=state, rows=rows)


def _first(by_state: Mapping[SubscriptionState, Sequence[Subscription]]) -> SubscriptionState:
    """The first state that has subscriptions."""
    return next((state for state in TABS if by_state[state]), SubscriptionState.LIVE)


async def new(request: web.Request) -> web.StreamResponse:
    say = translator_for(request)
    return await page_of(request, "new.html", say("New subscription"), key=new_id(), languages=named(locales(), say))


@redrawn_by(new)
async def create(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, Create, leaving={"locale"})
    draft = New(**wanted.model_dump(exclude={"key"}))
    made = await request.app[BOT].subscriptions.create(draft, by(request), key=wanted.key)
    raise done(f"{LIST}?state={made.state}", translated(request, "%(name)s is saved as a draft.", name=made.name))


async def show(request: web.Request) -> web.StreamResponse:
    """One subscription: wording in all languages, history, actions."""
    bot, say = request.app[BOT], translator_for(request)
    found = await bot.subscriptions.get(request.match_info["id"])
    (listed,) = await bot.subscriptions.listed([found])
    shown = _languages(request.get(FORM, Form()), found)
    return await page_of(
        request,
        "show.html",
        found.name,
        subscription=found,
        listed=listed,
        standard=_standard(await bot.workspace(), found, ["", *shown], f"{bot.public_url}/p/…"),
        shown=named(shown, say),
        languages=named(dict.fromkeys([*locales(), *shown]), say),
        addable=[("", say("Choose a language")), *(pair for pair in all_languages(say) if pair[0] not in shown)],
        all_languages=all_languages(say),
        nothing=dict.fromkeys(WORDS, ""),
        spoken=locales(),
        spoken_names=", ".join(name for _code, name in named(locales(), say)),
        history=await bot.subscriptions.history(found.id, before=cursor_of(request, int)),
    )


def _standard(workspace: Workspace, subscription: Subscription, shown: Sequence[str], link: str) -> dict[str, str]:
    """The standard confirmation by language (`""`: the default), for fields left blank."""
    bare = {code: w.model_copy(update={"confirmation": ""}) for code, w in subscription.translations.items()}
    own = subscription.model_copy(update={"confirmation": "", "translations": {}})
    others = subscription.model_copy(update={"translations": bare})
    return {code: confirmation(workspace, others if code else own, code or DEFAULT, link) for code in shown}


def _languages(form: Form, subscription: Subscription) -> list[str]:
    """The languages on the page: stored or just submitted."""
    if form.typed is None:
        return list(subscription.translations)
    places = [name.split(".") for name in form.typed]
    return list(dict.fromkeys(place[1] for place in places if place[0] == "translations" and len(place) == 3))


async def edit(request: web.Request) -> web.StreamResponse:
    """Saves; for the buttons that add or remove a language, redraws the form with or without its fields."""
    sent = await fields(request)
    act, _colon, locale = sent.pop("act", "").partition(":")
    adding = sent.pop("add_locale", "")
    if act not in {"add", "remove"}:
        return await save(request)
    if act == "add" and adding in dict(all_languages(translator_for(request))):
        sent |= {f"translations.{adding}.name": "", "locale": adding}
    kept = {name: value for name, value in sent.items() if not name.startswith(f"translations.{locale or ' '}.")}
    request[FORM] = Form(kept)
    return await show(request)


@redrawn_by(show)
async def save(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, Edit, leaving=ASIDE)
    manage = request.app[BOT].subscriptions
    saved = await manage.edit(request.match_info["id"], wanted.version, wanted, by(request))
    raise done(address(saved.id), translated(request, "%(name)s is saved.", name=saved.name))


async def ask_archive(request: web.Request) -> web.StreamResponse:
    """Confirms archiving, with its effects; a page of its own for lists and without JavaScript."""
    bot = request.app[BOT]
    found = await bot.subscriptions.get(request.match_info["id"])
    (listed,) = await bot.subscriptions.listed([found])
    title = translated(request, "Archive %(name)s?", name=found.name)
    return await page_of(request, "archive.html", title, subscription=found, listed=listed)


def move(change: Move, said: str) -> Handler:
    """Handler of a button that changes the state."""

    @redrawn_by(show)
    async def moved(request: web.Request) -> web.StreamResponse:
        wanted, manage = await read_input(request, ButtonInput), request.app[BOT].subscriptions
        found = await change(manage, request.match_info["id"], wanted.version, by(request))
        raise done(f"{LIST}?state={found.state}", translated(request, said, name=found.name))

    return moved


@redrawn_by(show)
async def restore(request: web.Request) -> web.StreamResponse:
    wanted, manage = await read_input(request, Restore), request.app[BOT].subscriptions
    found = await manage.restore(request.match_info["id"], wanted.version, by(request), name=wanted.name)
    raise done(f"{LIST}?state={found.state}", translated(request, "%(name)s is back.", name=found.name))


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_SUBSCRIPTIONS)
    one = address("{id:[0-9a-f]{24}}")
    app.router.add_get(LIST, manages(overview))
    app.router.add_get(f"{LIST}/new", manages(new))
    app.router.add_post(f"{LIST}/new", manages(create))
    app.router.add_get(one, manages(show))
    app.router.add_post(one, manages(edit))
    app.router.add_get(f"{one}/archive", manages(ask_archive))
    app.router.add_post(f"{one}/archive", manages(move(SubscriptionService.archive, _("%(name)s is archived."))))
    live = move(SubscriptionService.put_live, _("%(name)s is live. People can now opt in."))
    app.router.add_post(f"{one}/live", manages(live))
    app.router.add_post(f"{one}/restore", manages(restore))
