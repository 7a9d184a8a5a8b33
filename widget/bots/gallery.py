"""New flow: from a template, with a subscription."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field

from bot.consent.offers import standard_form, standard_translations
from bot.errors import FormWrong
from bot.errors import marked as _
from bot.flows.gallery import GALLERY, from_gallery
from bot.model.base import new_id
from bot.model.subscription import MessageType
from widget.bots.pages import PATH
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
    translated,
    translator_for,
)

NEW = f"{PATH}/-/new"
NO_TEXTS = _("Choose a subscription for texts.")
NOT_LIVE = _("This subscription is no longer live. Choose another one.")


class TemplateForm(FormInput):
    key: Annotated[str, Field(pattern="^[0-9a-f]{24}$")]
    template: Literal["discount", "purchase_question", "pending_again", "keyword_join", "win_back"]
    subscription: Annotated[str, Field(min_length=1, max_length=60)]
    name: Annotated[str, Field(max_length=100)] = ""


async def show(request: web.Request) -> web.StreamResponse:
    say = translator_for(request)
    live = await request.app[BOT].store.subscriptions.live()
    return await teammate_page(
        request,
        "bots/new.html",
        section="bots",
        title=say("New flow"),
        key=new_id(),
        options=[(s.id, s.words(say.locale).name) for s in live if s.message_type is MessageType.SMS],
        templates=[{"value": id, "label": say(name), "text": say(text)} for id, (name, text) in GALLERY.items()],
    )


@redrawn_by(show)
async def create(request: web.Request) -> web.StreamResponse:
    wanted, bot = await read_input(request, TemplateForm), request.app[BOT]
    subscription = await bot.store.subscriptions.get(wanted.subscription)
    if subscription is None or not subscription.is_live:
        raise FormWrong({"subscription": NOT_LIVE})
    if subscription.message_type is not MessageType.SMS:
        raise FormWrong({"subscription": NO_TEXTS})
    name = wanted.name or translated(request, GALLERY[wanted.template][0])
    workspace = await bot.workspace()
    words, others = standard_form(subscription, workspace), standard_translations(subscription, workspace)
    document = from_gallery(wanted.template, name, subscription, words, others)
    flow = await bot.flows.create(document.as_file(), by(request), id=wanted.key)
    raise done(f"{PATH}/{flow.id}", translated(request, "Flow created as a draft."))


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_FLOWS)
    app.router.add_get(NEW, manages(show))
    app.router.add_post(NEW, manages(create))
