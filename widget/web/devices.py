"""Devices on which a teammate signed in before: strangers who try their email elsewhere can't keep them out."""

from __future__ import annotations

import secrets

from aiohttp import web
from itsdangerous import BadData

from bot.i18n import Translator
from bot.model.teammate import Teammate
from bot.workspace.teammates import Device, cleaned
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
"""Their names in user agents. The first match counts, since most user agents contain several."""


def browser_name(user_agent: str, say: Translator) -> str:
    """`Chrome on macOS`"""
    browser = next((name for mark, name in BROWSERS.items() if f"{mark}/" in user_agent), "")
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), "")
    if browser and system:
        return say("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or say("Unknown browser")


def device_of(request: web.Request, email: str) -> Device | None:
    """What the browser remembers of this teammate."""
    id, versions = _remembered(request)
    version = versions.get(cleaned(email))
    return None if version is None else Device(id, version)


def keep_device(request: web.Request, response: web.Response, teammate: Teammate) -> None:
    """Remembers the teammate in a signed cookie until their password changes; it signs nobody in."""
    bot, (id, versions) = request.app[BOT], _remembered(request)
    versions.pop(teammate.email, None)
    kept = [(teammate.email, teammate.password_version), *versions.items()][:MOST]
    response.set_cookie(
        cookie_name(bot, "sayso_device"),
        str(bot.signatures.serializer("device").dumps([id or secrets.token_urlsafe(16), *kept])),
        max_age=SECONDS,
        httponly=True,
        samesite="Lax",
        secure=is_secure(bot),
    )


def _remembered(request: web.Request) -> tuple[str, dict[str, int]]:
    """The browser's id, and the teammates who signed in there, the latest first, with the versions of their
    passwords."""
    bot = request.app[BOT]
    cookie = request.cookies.get(cookie_name(bot, "sayso_device"), "")
    try:
        id, *teammates = bot.signatures.serializer("device").loads(cookie, max_age=SECONDS)
        return str(id), {str(email): int(version) for email, version in teammates}
    except (BadData, ValueError, TypeError):  # none, or that of an earlier version
        return "", {}
