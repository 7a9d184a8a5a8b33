"""Settings > Forms: which form templates have a public page, and what belongs to it: QR code, poster, carrier pack."""

from __future__ import annotations

import zipfile
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Annotated

from aiohttp import web
from markupsafe import Markup
from pydantic import Field

from bot.chat.public_forms import PublicForm
from bot.chat.tap_to_text import PAGE
from bot.consent.carrier_review import gaps
from bot.consent.checker import NAMES
from bot.consent.form_wording import WordingCheck
from bot.consent.offers import standard_form
from bot.errors import FormWrong
from bot.errors import marked as _
from bot.i18n import translator
from bot.model.audit import AuditAction
from bot.model.base import new_id
from bot.model.conversation import Card
from bot.model.subscription import MessageType
from widget.forms.qr import svg
from widget.web.downloads import Download, send_file
from widget.web.http import BOT
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
from widget.workspace.carrier_files import carrier_checks, carrier_files, form_address, sample_view

LIST = "/settings/forms"
MISSING = _("Choose a live subscription.")


class NewForm(FormInput):
    template_name: Annotated[str, Field(min_length=1, max_length=120)]
    subscription: Annotated[str, Field(max_length=40)] = ""
    key: Annotated[str, Field(min_length=8, max_length=64)]


class NoInput(FormInput):
    pass


async def overview(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    templates, live = await bot.forms.all(), await bot.store.subscriptions.live()
    found = await bot.store.subscriptions.get_many(template.subscription for template in templates)
    rows = [PublicForm(t, found[t.subscription]) for t in templates if t.subscription in found]
    return await teammate_page(
        request,
        "workspace/forms/list.html",
        section="settings",
        title=say("Forms"),
        part="forms",
        rows=rows,
        options=[(s.id, s.name) for s in live],
        key=new_id(),
    )


@redrawn_by(overview)
async def create(request: web.Request) -> web.StreamResponse:
    """A template with the standard words of a subscription. What the words lack is shown on its page."""
    bot, wanted = request.app[BOT], await read_input(request, NewForm)
    subscription, workspace = await bot.store.subscriptions.get(wanted.subscription), await bot.workspace()
    if subscription is None or not subscription.is_live:
        raise FormWrong({"subscription": MISSING})
    words = standard_form(subscription, workspace).model_dump()
    words["title"] = words["title"] or subscription.words(subscription.language).name
    card = Card(subscription=subscription.id, locale=subscription.language, **words)
    card = await bot.forms.translated(card, subscription, workspace)
    wording = WordingCheck(
        workspace=workspace, is_admin=teammate(request).is_admin, say=translator_for(request), accepted=NAMES
    )
    made = await bot.forms.save(wanted.template_name, card, by(request), wanted.key, wording)
    raise done(f"{LIST}/{made.id}", translated(request, "%(name)s is saved.", name=made.name))


async def show(request: web.Request) -> web.StreamResponse:
    bot, say, form = request.app[BOT], translator_for(request), await _form(request)
    is_text = form.subscription.message_type is MessageType.SMS
    workspace, address = await bot.workspace(), form_address(bot, form)
    view = await sample_view(bot, form)
    checks = await carrier_checks(bot, form, say) if is_text else ()
    return await teammate_page(
        request,
        "workspace/forms/show.html",
        section="settings",
        title=form.template.name,
        part="forms",
        here=form,
        view=view,
        address=address,
        qr=Markup(svg(address)),  # noqa: S704 (our own)
        is_text=is_text,
        program=await bot.taps.program(form.subscription, workspace),
        tap=await bot.taps.offer(form, workspace, translator(view.locale), PAGE) if is_text and form.is_live else None,
        checks=checks,
        gaps=gaps(checks),
    )


@redrawn_by(show)
async def publish(request: web.Request) -> web.StreamResponse:
    return await _switch(request, is_public=True)


@redrawn_by(show)
async def unpublish(request: web.Request) -> web.StreamResponse:
    return await _switch(request, is_public=False)


async def download(request: web.Request) -> web.StreamResponse:
    """The carrier pack."""
    form = await _form(request)
    files = await carrier_files(request.app[BOT], form)
    record = Download(AuditAction.CARRIER_PACK_DOWNLOADED, form.template.name)
    return await send_file(request, f"carrier-pack-{form.id}.zip", "application/zip", _zipped(files), record)


async def _zipped(files: dict[str, str]) -> AsyncIterator[bytes]:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in files.items():
            file.writestr(name, text)
    yield out.getvalue()


async def _switch(request: web.Request, *, is_public: bool) -> web.StreamResponse:
    await read_input(request, NoInput)
    made = await request.app[BOT].forms.set_public(request.match_info["id"], is_public, by(request))
    say = translator_for(request)
    said = say("%(name)s is public.", name=made.name) if is_public else say("%(name)s is offline.", name=made.name)
    raise done(f"{LIST}/{made.id}", said)


async def _form(request: web.Request) -> PublicForm:
    return await request.app[BOT].public_forms.find(request.match_info["id"])


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_SUBSCRIPTIONS)
    one = f"{LIST}/{{id:[0-9a-f]{{24}}}}"
    app.router.add_get(LIST, manages(overview))
    app.router.add_post(LIST, manages(create))
    app.router.add_get(one, manages(show))
    app.router.add_post(f"{one}/publish", manages(publish))
    app.router.add_post(f"{one}/unpublish", manages(unpublish))
    app.router.add_get(f"{one}/pack.zip", manages(download))
