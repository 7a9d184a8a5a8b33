"""Settings > API tokens. A token is shown once, in the response to its form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, field_validator

from bot.errors import FormWrong
from bot.errors import marked as _
from bot.model.base import now
from bot.model.teammate import ApiToken
from widget.web.forms import FORM, Form
from widget.web.http import BOT
from widget.web.proof import proved
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

PATH = "/settings/tokens"
SCOPES = {
    Scope.READ_CONVERSATIONS: _("Read conversations"),
    Scope.WRITE_CONVERSATIONS: _("Reply to conversations"),
    Scope.READ_CONTACTS: _("Read contacts"),
    Scope.WRITE_CONTACTS: _("Edit contacts and record consent"),
    Scope.BULK_CONTACTS: _("Edit, import and export contacts in bulk"),
    Scope.MANAGE_SUBSCRIPTIONS: _("Manage subscriptions"),
    Scope.MANAGE_FLOWS: _("Manage bots"),
    Scope.SEND_MESSAGES: _("Send messages"),
    Scope.MANAGE_WORKSPACE: _("Manage the workspace"),
}
DAYS = {"30": _("30 days"), "90": _("90 days"), "365": _("1 year"), "": _("Never")}


class NewToken(FormInput):
    name: Annotated[str, Field(min_length=1, max_length=120)]
    days: str
    scopes: tuple[Scope, ...] = ()

    @field_validator("days")
    @classmethod
    def _offered(cls, days: str) -> str:
        if days not in DAYS:
            raise ValueError(_("Choose an option."))
        return days

    @field_validator("scopes", mode="before")
    @classmethod
    def _ticked(cls, value: Any) -> Any:
        """A form sends its checkboxes by name: `scopes.read_contacts=on`."""
        return tuple(value) if isinstance(value, dict) else value


async def show(request: web.Request, token: str = "") -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    found, time = await bot.tokens.all(), now()
    names = {member.id: member.name for member in await bot.teammates.all()}
    return await teammate_page(
        request,
        "workspace/tokens.html",
        section="settings",
        title=say("API tokens"),
        part="tokens",
        token=token,
        active=[one for one in found if _is_active(one, names, time)],
        inactive=[one for one in found if not _is_active(one, names, time)],
        names=names,
        scopes=[(scope, say(label)) for scope, label in SCOPES.items()],
        scope_names={str(scope): say(label) for scope, label in SCOPES.items()},
        days=[(days, say(label)) for days, label in DAYS.items()],
    )


def _is_active(token: ApiToken, present: dict[str, str], time: datetime) -> bool:
    is_expired = token.expires_at is not None and token.expires_at < time
    return not token.revoked_at and not is_expired and token.teammate in present


@redrawn_by(show)
async def create(request: web.Request) -> web.StreamResponse:
    wanted = await read_input(request, NewToken)
    _check(wanted.scopes)
    days = int(wanted.days) if wanted.days else None
    tokens = request.app[BOT].tokens
    token = await tokens.make(teammate(request), wanted.name, days=days, scopes=wanted.scopes, by=by(request))
    request[FORM] = Form()
    return await show(request, token)


def _check(scopes: Sequence[Scope]) -> None:
    if not scopes:
        raise FormWrong({"scopes": _("Choose at least one permission.")})


async def revoke(request: web.Request) -> web.StreamResponse:
    found = await request.app[BOT].tokens.revoke(request.match_info["id"], by(request))
    raise done(PATH, translated(request, "%(name)s is revoked.", name=found.name))


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_WORKSPACE)
    app.router.add_get(PATH, manages(show))
    app.router.add_post(PATH, manages(proved(create)))
    app.router.add_post(f"{PATH}/{{id:[0-9a-f]{{64}}}}/revoke", manages(revoke))
