"""Settings > Sign-in, for everyone: password, passkeys, recovery codes, and the teammate's own sessions."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field

from bot.errors import FormWrong, NotFound, PasskeyRefused, PasswordGuessable, PasswordTooShort
from bot.model.base import now
from bot.workspace.passwords import LEAST
from widget.web.access import SIGN_IN_SETTINGS as PATH
from widget.web.devices import browser_name
from widget.web.forms import FORM, Form
from widget.web.http import BOT
from widget.web.proof import confirm_address, is_proved, proved
from widget.web.second_factor import site_of
from widget.web.sessions import session_id
from widget.web.teammate_pages import (
    FormInput,
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


class NewPassword(FormInput):
    current: str
    password: str


class NewPasskey(FormInput):
    name: Annotated[str, Field(min_length=1, max_length=80)]
    challenge: Annotated[str, Field(max_length=100)]
    credential: Annotated[str, Field(min_length=1, max_length=20_000)]


async def show(request: web.Request, codes: tuple[str, ...] = ()) -> web.StreamResponse:
    """`codes`: new recovery codes, shown this once."""
    bot, say, me = request.app[BOT], translator_for(request), teammate(request)
    found = await bot.store.sessions.of(me.id, now())
    return await teammate_page(
        request,
        "workspace/sign_in.html",
        section="",
        title=say("Sign-in"),
        part="sign-in",
        least=LEAST,
        passkeys=await bot.passkeys.of(me.id),
        site=site_of(request),
        codes=codes,
        codes_left=len(me.recovery_codes),
        sessions=[
            {"session": session, "browser": browser_name(session.user_agent, say)}
            for session in found
            if session.password_version == me.password_version
        ],
        current=await session_id(request),
        confirm="" if await is_proved(request) else confirm_address(f"{PATH}#passkeys-title"),
    )


@redrawn_by(show)
async def change_password(request: web.Request) -> web.StreamResponse:
    """Ends all other sessions."""
    wanted, bot = await read_input(request, NewPassword), request.app[BOT]
    try:
        version = await bot.teammates.change_password(teammate(request), wanted.current, wanted.password, by(request))
    except (PasswordTooShort, PasswordGuessable) as wrong:
        raise FormWrong({"password": translator_for(request)(wrong.text, **wrong.values)}) from None
    await bot.store.sessions.renew_version(await session_id(request), version)
    raise done(PATH, translated(request, "Password changed. You're signed out everywhere else."))


async def passkey_options(request: web.Request) -> web.StreamResponse:
    """What the browser needs to create a passkey, as JSON."""
    site = site_of(request)
    if site is None:
        raise PasskeyRefused
    challenge, options = await request.app[BOT].passkeys.start_adding(teammate(request), site)
    headers = {"X-Challenge": challenge, "Cache-Control": "no-store"}
    return web.Response(text=options, content_type="application/json", headers=headers)


@redrawn_by(show)
async def add_passkey(request: web.Request) -> web.StreamResponse:
    """The first passkey comes with recovery codes. Ends all other sessions, which started without it."""
    wanted, bot, site = await read_input(request, NewPasskey), request.app[BOT], site_of(request)
    if site is None:
        raise PasskeyRefused
    me, who = teammate(request), by(request)
    codes = await bot.passkeys.add(me, wanted.challenge, wanted.credential, wanted.name, site, who)
    if codes:
        await bot.store.sessions.end_others(me.id, await session_id(request), now())
        return await show(request, tuple(codes))
    raise done(f"{PATH}#passkeys-title", translated(request, "%(name)s is added.", name=wanted.name))


@redrawn_by(show)
async def remove_passkey(request: web.Request) -> web.StreamResponse:
    bot, me = request.app[BOT], teammate(request)
    is_required = me.is_admin and (await bot.workspace()).require_second_factor
    await bot.passkeys.remove(me, request.match_info["id"], by(request), is_required=is_required)
    raise done(f"{PATH}#passkeys-title", translated(request, "Passkey removed."))


async def new_codes(request: web.Request) -> web.StreamResponse:
    me = teammate(request)
    if not me.has_passkey:
        raise NotFound
    codes = await request.app[BOT].passkeys.new_codes(me, by(request))
    request[FORM] = Form()
    return await show(request, tuple(codes))


async def revoke_session(request: web.Request) -> web.StreamResponse:
    bot, me = request.app[BOT], teammate(request)
    found = await bot.store.sessions.get(request.match_info["id"])
    if found is None or found.teammate != me.id:
        raise NotFound
    await bot.security.end_session(found, me, by(request))
    raise done(f"{PATH}#sessions-title", translated(request, "Session revoked."))


async def revoke_others(request: web.Request) -> web.StreamResponse:
    await request.app[BOT].security.end_other_sessions(teammate(request), await session_id(request), by(request))
    raise done(f"{PATH}#sessions-title", translated(request, "You're signed out everywhere else."))


def add_routes(app: web.Application) -> None:
    mine = requires()
    app.router.add_get(PATH, mine(show))
    app.router.add_post(f"{PATH}/password", mine(change_password))
    app.router.add_post(f"{PATH}/passkeys/options", mine(proved(passkey_options)))
    app.router.add_post(f"{PATH}/passkeys", mine(proved(add_passkey)))
    app.router.add_post(f"{PATH}/passkeys/{{id:[\\w-]{{1,1400}}}}/remove", mine(proved(remove_passkey)))
    app.router.add_post(f"{PATH}/codes", mine(proved(new_codes)))
    app.router.add_post(f"{PATH}/sessions/{{id:[0-9a-f]{{64}}}}/revoke", mine(revoke_session))
    app.router.add_post(f"{PATH}/sessions/revoke-others", mine(revoke_others))
