"""The launcher and the framed page: the same for everyone, without personal data."""

from __future__ import annotations

import json

from aiohttp import web

from bot.i18n import translator
from widget.web.assets import STATIC, Asset
from widget.web.http import BOT, PAGE_POLICY, page, wanted_locale
from widget.web.look import ink_on

LAUNCHER = (STATIC / "widget.js").read_text(encoding="utf-8")


async def launcher(request: web.Request) -> web.Response:
    """`widget.js` with the workspace's name and look, in the browser's language."""
    workspace = await request.app[BOT].workspace()
    say = translator(wanted_locale(request))
    config = {
        "name": workspace.name,
        "brand": workspace.brand,
        "ink": ink_on(workspace.brand),
        "strings": {
            "open": say("Open chat"),
            "close": say("Close chat"),
            "unread": say("Unread messages: %d"),
            "title": say("Chat with %(name)s", name=workspace.name),
        },
    }
    script = LAUNCHER.replace("__SAYSO_CONFIG__", json.dumps(config, ensure_ascii=True).replace("<", "\\u003c"))
    response = Asset.of(script.encode(), "text/javascript; charset=utf-8").answer(request, "public, max-age=300")
    response.headers["Vary"] = "Accept-Encoding, Accept-Language"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


async def messenger(request: web.Request) -> web.Response:
    """The page that the launcher frames, on the sites allowed by the settings."""
    locale = wanted_locale(request, request.query.get("locale", "")[:35])
    response = await page(request, "messenger/page.html", locale)
    response.headers["Content-Security-Policy"] = PAGE_POLICY + request.app[BOT].settings.sites
    response.headers["Cache-Control"] = "private, max-age=60"
    return response
