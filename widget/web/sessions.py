"""Teammate sessions: a random id in a cookie, the rest in the database.

`aiohttp-session` manages the session during a request; this is its storage. Only teammate pages and sign-in load a
session: the messenger and the preference center do not pay for it.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from aiohttp import web
from aiohttp_session import AbstractStorage, Session, get_session, new_session, session_middleware

from bot.app import Bot
from bot.model import teammate as model
from bot.model.base import now
from bot.model.teammate import Teammate
from bot.workspace.access import Principal
from widget.web.http import BOT, Handler, client_ip, user_agent
from widget.web.local import is_local

SEEN = timedelta(minutes=1)
PRINCIPAL = web.RequestKey("principal", Principal)
"""Set once access is granted."""


def cookie_name(bot: Bot, name: str) -> str:
    """With HTTPS, a `__Host-` name, which no other host and no page without TLS can set (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if is_secure(bot) else name


def is_secure(bot: Bot) -> bool:
    return bot.public_url.startswith("https://")


class Storage(AbstractStorage):
    """The cookie holds 256 random bits; the database holds their SHA-256, the teammate, a fixed expiry, and when and
    from where it was last used."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        seconds = bot.settings.session_hours * 3600
        super().__init__(
            cookie_name=cookie_name(bot, "sayso"), max_age=seconds, secure=is_secure(bot), httponly=True, samesite="Lax"
        )

    async def load_session(self, request: web.Request) -> Session:
        cookie = self.load_cookie(request)
        found = await self._bot.store.sessions.get(_hash(cookie)) if cookie else None
        if found is None or found.ended_at or found.expires_at < now():
            return await self.new_session()
        held = {
            "teammate": found.teammate,
            "password_version": found.password_version,
            "seen": found.last_seen_at,
            "proved": found.proved_at or found.created_at,
        }
        created = int(found.created_at.timestamp())
        return Session(found.id, data={"created": created, "session": held}, new=False)

    async def save_session(self, request: web.Request, response: web.StreamResponse, session: Session) -> None:
        """Called after a change: stores a new session, or ends one that was emptied."""
        if session.new:
            self.save_cookie(response, await self._begin(request, session), max_age=self.max_age)
            return
        await self._bot.store.sessions.end(str(session.identity), now())
        response.del_cookie(self.cookie_name, secure=is_secure(self._bot), httponly=True, samesite="Lax")

    async def _begin(self, request: web.Request, session: Session) -> str:
        secret, time = secrets.token_urlsafe(32), now()
        await self._bot.store.sessions.insert(
            model.Session(
                id=_hash(secret),
                teammate=session["teammate"],
                password_version=session["password_version"],
                address=client_ip(request),
                user_agent=user_agent(request) or "",
                created_at=time,
                expires_at=time + timedelta(hours=self._bot.settings.session_hours),
            )
        )
        return secret


class SessionMiddleware:
    """`await app[SESSIONS](request, handler)`: runs the handler with a session."""

    def __init__(self, bot: Bot) -> None:
        self._around = session_middleware(Storage(bot))

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await self._around(request, handler)


NOTED = "session_noted"
SESSIONS = web.AppKey("sessions", SessionMiddleware)


async def signed_in(request: web.Request) -> Principal | None:
    """The principal with the teammate's current role. None: the session ended, the teammate was removed, or the
    password changed since."""
    session = await get_session(request)
    if session.new:
        return None
    teammate = await request.app[BOT].teammates.get(session["teammate"])
    if teammate is None or teammate.password_version != session["password_version"]:
        return None
    _note_seen(request, session)
    return Principal.signed_in(teammate) if is_local(request) or not teammate.is_demo else None


def _note_seen(request: web.Request, session: Session) -> None:
    """Stores when and from where the session was last used, at most once a minute and once a request. A live connection
    reads the session whenever it changes, so a write of its own would start an endless loop."""
    bot, seen = request.app[BOT], session["seen"]
    if (seen is None or now() - seen >= SEEN) and not request.get(NOTED):
        request[NOTED] = True
        bot.spawn(bot.teammates.seen(session["teammate"], str(session.identity), client_ip(request)))


async def session_id(request: web.Request) -> str:
    return str((await get_session(request)).identity)


async def sign_in(request: web.Request, teammate: Teammate) -> None:
    """Starts a session with a new id, whatever cookie the request had, and ends the old session (prevents fixation)."""
    before = await get_session(request)
    if not before.new:
        await request.app[BOT].store.sessions.end(str(before.identity), now())
    session = await new_session(request)
    session["teammate"] = teammate.id
    session["password_version"] = teammate.password_version


async def sign_out(request: web.Request) -> None:
    (await get_session(request)).invalidate()


def with_session(handler: Handler) -> Handler:
    """For pages without access control: sign-in."""

    async def wrapped(request: web.Request) -> web.StreamResponse:
        return await request.app[SESSIONS](request, handler)

    return wrapped


def add_sessions(app: web.Application) -> None:
    app[SESSIONS] = SessionMiddleware(app[BOT])


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
