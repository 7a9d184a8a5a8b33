"""Flash messages: shown once on the page after a form, kept in a signed cookie for one minute, never in the
database."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from aiohttp import web
from itsdangerous import BadData, URLSafeTimedSerializer

from bot.app import Bot
from widget.web.http import BOT
from widget.web.sessions import cookie_name, is_secure

SECONDS = 60
MOST = 400
"""Characters. A cookie holds 4 kB, and base64 of some alphabets takes eight bytes per character."""


@dataclass(frozen=True, slots=True)
class FlashMessage:
    text: str
    kind: str
    """`good` or `bad`."""
    undo: str = ""
    """The address that undoes it, by a POST; empty: nothing does."""


class RedirectWithMessage(web.HTTPSeeOther):
    """Redirects to a page that shows the message."""

    def __init__(self, path: str, said: FlashMessage) -> None:
        super().__init__(path)
        self.said = said


def done(path: str, said: str, kind: str = "good", *, undo: str = "") -> RedirectWithMessage:
    """`raise done("/settings/subscriptions", say("Saved."))`; `said` is already translated."""
    return RedirectWithMessage(path, FlashMessage(said[:MOST], kind, undo))


def keep_said(request: web.Request, done: RedirectWithMessage) -> web.Response:
    """The response to the form. htmx gets a header, since it would follow a plain redirect inside the fragment."""
    is_htmx = "HX-Request" in request.headers
    where = {"HX-Redirect" if is_htmx else "Location": str(done.location)}
    response = web.Response(status=200 if is_htmx else 303, headers=where)
    bot = request.app[BOT]
    response.set_cookie(
        cookie_name(bot, "sayso_said"),
        str(_serializer(bot).dumps(astuple(done.said))),
        max_age=SECONDS,
        httponly=True,
        samesite="Lax",
        secure=is_secure(bot),
    )
    return response


def read_said(request: web.Request) -> FlashMessage | None:
    """The flash message that the last page left."""
    bot = request.app[BOT]
    try:
        said = _serializer(bot).loads(request.cookies.get(cookie_name(bot, "sayso_said"), ""), max_age=SECONDS)
        return FlashMessage(*said)
    except (BadData, TypeError):
        return None


def forget_said(request: web.Request, response: web.Response) -> None:
    name = cookie_name(request.app[BOT], "sayso_said")
    if name in request.cookies:
        response.del_cookie(name, secure=is_secure(request.app[BOT]), httponly=True, samesite="Lax")


def _serializer(bot: Bot) -> URLSafeTimedSerializer:
    return bot.signatures.serializer("said")
