"""Settings > Teammates: invitations, roles, password links, and removal."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from bot.errors import FormWrong, LastAdmin
from bot.errors import marked as _
from bot.model.teammate import LinkPurpose, Teammate, TeammateRole
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
    teammate_page,
    translated,
    translator_for,
)

LIST = "/settings/teammates"
ONE = f"{LIST}/{{id:[0-9a-f]{{24}}}}"
ROLES = {
    TeammateRole.AGENT: (_("Agent"), _("Answers conversations and manages contacts.")),
    TeammateRole.ADMIN: (_("Admin"), _("Everything, including settings.")),
}


class Invite(FormInput):
    email: Annotated[str, Field(min_length=1, max_length=254)]
    role: TeammateRole


class ChangeRole(FormInput):
    role: TeammateRole


class ChangePermissions(FormInput):
    bulk_contacts: bool = False


async def _page(request: web.Request, template: str, title: str, **context: Any) -> web.StreamResponse:
    say = translator_for(request)
    roles = [{"value": role, "label": say(name), "text": say(text)} for role, (name, text) in ROLES.items()]
    names = {role: say(name) for role, (name, _text) in ROLES.items()}
    return await teammate_page(
        request, f"workspace/teammates/{template}", section="settings", title=title, part="teammates",
        roles=roles, role_names=names, **context,
    )  # fmt: skip


async def overview(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    links = bot.account_links
    pending = [(link, address(request, link.purpose, links.token(link))) for link in await links.invitations()]
    return await _page(request, "list.html", say("Teammates"), teammates=await bot.teammates.all(), invitations=pending)


def address(request: web.Request, purpose: LinkPurpose, token: str) -> str:
    """The link to hand out."""
    return f"{request.app[BOT].public_url}/{purpose}/{token}"


@redrawn_by(overview)
async def invite(request: web.Request) -> web.StreamResponse:
    wanted, say = await read_input(request, Invite), translator_for(request)
    link = await request.app[BOT].account_links.invite(wanted.email, wanted.role, by(request))
    raise done(f"{LIST}#invitation-{link.id}", say("Invitation created. Send the link to %(email)s.", email=link.email))


async def revoke_invitation(request: web.Request) -> web.StreamResponse:
    await request.app[BOT].account_links.revoke_invitation(request.match_info["id"], by(request))
    raise done(LIST, translated(request, "Invitation revoked."))


async def show(request: web.Request) -> web.StreamResponse:
    """One teammate. `?link=1` shows the password link that still works."""
    found, links = await _teammate(request), request.app[BOT].account_links
    link = await links.password_link(found) if "link" in request.query else None
    return await _page(
        request,
        "show.html",
        found.name,
        shown=found,
        link=link,
        link_address=address(request, LinkPurpose.PASSWORD, links.token(link)) if link else "",
    )


@redrawn_by(show)
async def change_role(request: web.Request) -> web.StreamResponse:
    wanted, say = await read_input(request, ChangeRole), translator_for(request)
    try:
        saved = await request.app[BOT].teammates.set_role(request.match_info["id"], wanted.role, by(request))
    except LastAdmin as wrong:
        raise FormWrong({"role": wrong.text}) from None
    raise done(f"{LIST}/{saved.id}", say("%(name)s's role was updated.", name=saved.name))


@redrawn_by(show)
async def grant(request: web.Request) -> web.StreamResponse:
    wanted, say = await read_input(request, ChangePermissions), translator_for(request)
    scopes = [Scope.BULK_CONTACTS] if wanted.bulk_contacts else []
    saved = await request.app[BOT].teammates.grant(request.match_info["id"], scopes, by(request))
    raise done(f"{LIST}/{saved.id}", say("%(name)s's permissions are saved.", name=saved.name))


@redrawn_by(show)
async def make_password_link(request: web.Request) -> web.StreamResponse:
    found = await _teammate(request)
    await request.app[BOT].account_links.reset_password(found, by(request))
    said = translated(request, "Link created. Send it to %(name)s.", name=found.name)
    raise done(f"{LIST}/{found.id}?link=1#password-title", said)


@redrawn_by(show)
async def reset_second_factor(request: web.Request) -> web.StreamResponse:
    found = await _teammate(request)
    await request.app[BOT].teammates.reset_second_factor(found.email, by(request))
    said = translated(request, "%(name)s can now sign in with just their password.", name=found.name)
    raise done(f"{LIST}/{found.id}", said)


@redrawn_by(show)
async def remove(request: web.Request) -> web.StreamResponse:
    found = await _teammate(request)
    await request.app[BOT].teammates.remove(found.email, by(request))
    raise done(LIST, translated(request, "%(name)s is removed.", name=found.name))


async def _teammate(request: web.Request) -> Teammate:
    """Raises NotFound."""
    return await request.app[BOT].teammates.present(request.match_info["id"])


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_WORKSPACE)
    app.router.add_get(LIST, manages(overview))
    app.router.add_post(f"{LIST}/invite", manages(proved(invite)))
    app.router.add_post(f"{LIST}/invitations/{{id:[0-9a-f]{{24}}}}/revoke", manages(revoke_invitation))
    app.router.add_get(ONE, manages(show))
    app.router.add_post(f"{ONE}/role", manages(proved(change_role)))
    app.router.add_post(f"{ONE}/permissions", manages(proved(grant)))
    app.router.add_post(f"{ONE}/password-link", manages(proved(make_password_link)))
    app.router.add_post(f"{ONE}/second-factor", manages(proved(reset_second_factor)))
    app.router.add_post(f"{ONE}/remove", manages(remove))
