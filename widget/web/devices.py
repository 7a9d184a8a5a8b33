"""Devices on which a teammate signed in before: strangers who try their email elsewhere can't keep them out."""

from __future__ import annotations

from aiohttp import web
from itsdangerous import BadData

from bot.i18n import Translator
from bot.workspace.teammates import cleaned
from widget.web.http import BOT
from widget.web.sessions import cookie_name, is_secure

SECONDS = 180 * 86400
MOST = 5
"""Teammates who share one device."""


SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Mac OS": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
BROWSERS = {
    "Edg": "Edge",
    "OPR": "Opera",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "SamsungBrowser": "Samsung Internet",
    "Chrome": "Chrome",
    "CriOS": "Chrome",
    "Safari": "Safari",
}
"""What a user agent names them by. The first that is found counts, since most name several."""


def browser_name(user_agent: str, say: Translator) -> str:
    """`Chrome on macOS`"""
    browser = next((name for mark, name in BROWSERS.items() if f"{mark}/" in user_agent), "")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    if browser and system:
        return say("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or say("Unknown browser")


def is_known_device(request: web.Request, email: str) -> bool:
    return cleaned(email) in _emails(request)


def keep_device(request: web.Request, response: web.Response, email: str) -> None:
    """Remembers the device in a signed cookie; it signs nobody in."""
    bot, email = request.app[BOT], cleaned(email)
    emails = [email, *(known for known in _emails(request) if known != email)][:MOST]
    response.set_cookie(
        cookie_name(bot, "sayso_device"),
        str(bot.signatures.serializer("device").dumps(emails)),
        max_age=SECONDS,
        httponly=True,
        samesite="Lax",
        secure=is_secure(bot),
    )


def _emails(request: web.Request) -> list[str]:
    bot = request.app[BOT]
    cookie = request.cookies.get(cookie_name(bot, "sayso_device"), "")
    try:
        return [str(email) for email in bot.signatures.serializer("device").loads(cookie, max_age=SECONDS)]
    except BadData:
        return []
