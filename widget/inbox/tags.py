"""The tags of a conversation."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from widget.web.http import BOT
from widget.web.teammate_pages import (
    FormInput,
    Scope,
    done,
    read_input,
    redrawn_by,
    requires,
    teammate,
    teammate_page,
    translator_for,
)


class ChosenTags(FormInput):
    """`shown`: the IDs of the tags that were ticked when the page was shown. Tags that a colleague added since stay."""

    tags: Annotated[dict[str, str], Field(default_factory=dict)]
    shown: str = ""


async def show(request: web.Request) -> web.StreamResponse:
    """Raises NotFound."""
    bot, say = request.app[BOT], translator_for(request)
    conversation = await bot.inbox.get(request.match_info["conversation"])
    return await teammate_page(
        request,
        "inbox/tags.html",
        section="inbox",
        title=say("Edit tags"),
        conversation=conversation,
        tags=await bot.tags.all(),
        chosen={mark.tag for mark in conversation.tags or ()},
    )


@redrawn_by(show)
async def save(request: web.Request) -> web.StreamResponse:
    wanted, bot = await read_input(request, ChosenTags), request.app[BOT]
    conversation = await bot.inbox.get(request.match_info["conversation"])
    shown, tags = wanted.shown.split(), await bot.tags.all()
    await bot.conversation_tags.change(
        conversation,
        add=[tag for tag in tags if tag.id in wanted.tags and tag.id not in shown],
        remove=[tag for tag in tags if tag.id in shown and tag.id not in wanted.tags],
        by=teammate(request).id,
    )
    raise done(f"/inbox/{conversation.id}", translator_for(request)("Saved."))


def add_routes(app: web.Application) -> None:
    writes, path = requires(Scope.WRITE_CONVERSATIONS), "/inbox/{conversation:[0-9a-f]{24}}/tags"
    app.router.add_get(path, writes(show))
    app.router.add_post(path, writes(save))
