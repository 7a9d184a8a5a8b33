"""The launcher and the framed page: the same for everyone, without personal data."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from aiohttp import web

from bot.i18n import Translator, translator
from bot.model.workspace import ReplyTime, Workspace
from bot.workspace.image_hosts import image_hosts
from bot.workspace.sites import allowed_sites
from widget.web.assets import STATIC, Asset
from widget.web.http import BOT, IMAGES, PAGE_POLICY, client_ip, page, split_address, wanted_locale
from widget.web.local import is_loopback
from widget.web.look import ink_on


def note_site(request: web.Request, workspace: Workspace, page: str) -> None:
    """Notes that a page at this address has the chat."""
    bot, address = request.app[BOT], split_address(page[:2000])
    origin, ip = f"{address.scheme}://{address.netloc}".lower(), client_ip(request)
    allowed = allowed_sites(bot.settings.sites, workspace)
    bot.sites.note(origin, allowed, "" if is_loopback(ip) else ip)


HEADER = re.compile(r"\A/\*.*?\*/", re.DOTALL)
COMMENT = re.compile(r"(?:^|\s)// .*")


LINE_END = re.compile(r"(?<=[;{}])\n")
"""Our scripts and their styles can do without these: each statement ends with a semicolon or a brace."""
SPACED = re.compile(r" (=>|===|=|&&|\|\||\?|:) ")
"""None of their texts contains an operator between spaces."""


def _without_comments(name: str) -> str:
    """The script without comments and most white space: it loads with every page of a shop."""
    script = (STATIC / name).read_text(encoding="utf-8")
    lines = (COMMENT.sub("", line).strip() for line in HEADER.sub("", script).splitlines())
    return SPACED.sub(r"\1", LINE_END.sub("", "\n".join(filter(None, lines))))


LAUNCHER, TIMERS = _without_comments("widget.js"), _without_comments("widget-timers.js")


def launcher_words(say: Translator, name: str) -> dict[str, str]:
    """What the launcher says, for a business of this name."""
    return {
        "open": say("Open chat"),
        "close": say("Close chat"),
        "unread": say("Unread messages: %d"),
        "title": say("Chat with %(name)s", name=name),
        "failed": say("Couldn't load the chat. Check your connection."),
        "retry": say("Try again"),
        "unsupported": say("Chat isn't available on this page."),
    }


def reply_words(time: ReplyTime, say: Translator) -> str:
    """What the line under the business's name says."""
    return {
        ReplyTime.UNSAID: say("We'll reply here"),
        ReplyTime.MINUTES: say("We usually reply within a few minutes"),
        ReplyTime.HOUR: say("We usually reply within an hour"),
        ReplyTime.HOURS: say("We usually reply within a few hours"),
        ReplyTime.DAY: say("We usually reply within a day"),
    }[time]


async def launcher(request: web.Request) -> web.Response:
    """`widget.js` with the workspace's name and look, in the browser's language.

    Any site may load it, also as a module, and also a page that is isolated from other origins.
    """
    bot = request.app[BOT]
    workspace = await bot.workspace()
    note_site(request, workspace, request.headers.get("Referer", ""))
    config = {
        "url": bot.public_url,
        "brand": workspace.brand,
        "ink": ink_on(workspace.brand),
        "words": launcher_words(translator(wanted_locale(request)), workspace.name),
        **({"timers": 1} if await bot.runs.scripts.stays() else {}),
    }
    return _script(request, LAUNCHER.replace("__SAYSO_CONFIG__", _json(config)))


async def timers(request: web.Request) -> web.Response:
    """The times on pages after which flows greet visitors: the launcher loads it if there are any."""
    stays = await request.app[BOT].runs.scripts.stays()
    waits = [(stay.seconds, stay.patterns) for stay in stays]
    return _script(request, TIMERS.replace("__SAYSO_WAITS__", _json(waits)))


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _script(request: web.Request, script: str) -> web.Response:
    response = Asset.of(script.encode(), "text/javascript; charset=utf-8").answer(request, "public, max-age=300")
    response.headers["Vary"] = "Accept-Encoding, Accept-Language"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


async def messenger(request: web.Request) -> web.Response:
    """The page that the launcher frames, on the sites allowed by the settings."""
    locale = wanted_locale(request, request.query.get("locale", "")[:35])
    workspace = await request.app[BOT].workspace()
    say = translator(locale)
    response = await page(
        request,
        "messenger/page.html",
        locale,
        launcher_words=launcher_words(say, workspace.name),
        reply_words=reply_words(workspace.reply_time, say),
    )
    sites = allowed_sites(request.app[BOT].settings.sites, workspace)
    hosts = image_hosts(request.app[BOT].settings.image_hosts, workspace)
    response.headers["Content-Security-Policy"] = policy_with(hosts) + (" ".join(sites) or "*")
    # Both let a page that is isolated from other origins (COEP) show the frame. Few hosts of images send what
    # "require-corp" asks for.
    response.headers["Cross-Origin-Embedder-Policy"] = "credentialless" if hosts else "require-corp"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Cache-Control"] = "private, max-age=60"
    return response


def policy_with(hosts: Sequence[str]) -> str:
    """`hosts`: those whose images bots may show."""
    return PAGE_POLICY.replace(IMAGES, " ".join([IMAGES, *(f"https://{host}" for host in hosts)]))
