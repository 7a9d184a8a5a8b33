"""Assembles the application from its faces. Resources open and close in `cleanup_ctx`."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp_jinja2
import jinja2
from aiohttp import web
from jinja2.bccache import Bucket

from bot.app import Bot
from widget import (
    api,
    bots,
    canvas,
    contacts,
    demo,
    forms,
    inbox,
    jobs,
    messenger,
    outbound,
    preferences,
    webhooks,
    workspace,
)
from widget.web import account_links, brand, faces, health, help, placeholders, search, second_factor, signin
from widget.web.assets import TEMPLATES, Assets
from widget.web.connections import LiveConnections
from widget.web.fragment_cache import FRAGMENT_CACHE, FragmentCache
from widget.web.http import BOT, METRICS, speaking
from widget.web.languages import language
from widget.web.metrics import Metrics
from widget.web.middleware import add_headers, around
from widget.web.sessions import add_sessions
from widget.web.times import time_shown, time_zone
from widget.web.websocket import CONNECTIONS, SOCKETS, close_all
from widget.webhooks.client import running
from widget.workspace.checker import checked

FACES = (
    brand,
    health,
    messenger,
    preferences,
    forms,
    signin,
    second_factor,
    account_links,
    search,
    help,
    placeholders,
    inbox,
    contacts,
    outbound,
    bots,
    api,
    webhooks,
    canvas,
    workspace,
    jobs,
)
MOST_BYTES = 64 * 1024
"""Nothing larger than a message or a form is accepted."""


def make_app(bot: Bot, *, with_demo: bool = False) -> web.Application:
    app = web.Application(middlewares=[around], client_max_size=MOST_BYTES)
    app[BOT] = bot
    app[METRICS] = metrics = Metrics()
    bot.form_limits.withheld = lambda limit: metrics.withheld.labels(limit).inc()
    app[SOCKETS] = set()
    app[CONNECTIONS] = LiveConnections()
    app[FRAGMENT_CACHE] = FragmentCache()
    add_sessions(app)
    assets = Assets()
    _add_templates(app, assets)
    app.router.add_get("/static/{path:.+}", assets.serve)
    for face in FACES:
        face.add_routes(app)
    if with_demo:
        demo.add_routes(app)
        app.router.add_get("/", _to_demo)
    placeholders.add_missing(app)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(close_all)
    app.cleanup_ctx.append(_running)
    return app


class _Compiled(jinja2.BytecodeCache):
    """Compiled templates, shared by all applications of the process: a test run starts hundreds."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


COMPILED = _Compiled()


async def _running(app: web.Application) -> AsyncIterator[None]:
    async with running(app[BOT]):
        yield


def _add_templates(app: web.Application, assets: Assets) -> None:
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(TEMPLATES),
        bytecode_cache=COMPILED,
        extensions=["jinja2.ext.i18n"],
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
    )
    environment.globals["asset"] = assets.address
    environment.globals["module"] = assets.module
    environment.globals["checked"] = checked
    environment.globals["face_of"] = faces.face
    environment.globals["language_name"] = lambda code: language(code, speaking.get())
    environment.globals["number_shown"] = lambda number: speaking.get().number(number)
    environment.globals["time_shown"] = time_shown
    environment.globals["time_zone"] = time_zone
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        lambda message: speaking.get().catalog.gettext(message),
        lambda one, many, number: speaking.get().catalog.ngettext(one, many, number),
        newstyle=True,
    )
    # Loaded once: importing it in each template would load it for each entry of a thread.
    environment.globals["m"] = environment.get_template("_macros.html").module
    environment.globals["ui"] = environment.get_template("layout/ui.html").module


async def _to_demo(request: web.Request) -> web.Response:
    raise web.HTTPFound("/demo")
