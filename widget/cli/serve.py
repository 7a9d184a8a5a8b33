"""`sayso serve` and `sayso demo`: the server, with or without a demo workspace."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import AsyncExitStack, closing
from functools import partial
from typing import Annotated

import typer
from aiohttp import web
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bot.app import make_bot
from bot.config import Settings
from bot.consent.checkpoints import CheckpointKeys
from bot.database import open_database
from bot.demo import PASSWORD, make_demo, teammates
from bot.demo_crowd import make_crowd
from bot.errors import Invalid
from bot.store import Store
from widget.app import make_app
from widget.cli.terminal import give_up, run, settings_of, spare_the_collector

DRAIN_SECONDS = 10.0
IDLE_SECONDS = 30.0
"""A connection is closed after this time without data, or without complete headers."""
LINGER_SECONDS = 5.0
"""How long to wait for the rest of a body after the response. Before the response, the request's own limit applies."""
UNREAD_MS = 30_000
"""The kernel disconnects a client that accepts no data for this long."""

Port = Annotated[int | None, typer.Option(help="Port to listen on. Overrides SAYSO_PORT; 0 picks a free port.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on. Overrides SAYSO_HOST.")]


def serve(port: Port = None, host: Host = None) -> None:
    """Run the server: messenger, inbox, preference center and API.

    Shuts down gracefully on SIGTERM and SIGINT: notifies open messengers and finishes pending writes.
    """
    run(_serve(settings_of(is_server=True, port=port, host=host), with_demo=False))


Contacts = Annotated[
    int, typer.Option(min=0, max=10_000_000, help="Create this many contacts first. Needs an empty SAYSO_DATA.")
]


def demo(port: Port = None, host: Host = None, contacts: Contacts = 0) -> None:
    """Run the server with a demo workspace: a shop at /demo and a simulated phone at /demo/phone.

    No real texts are sent: they go to the simulated phone.
    """
    run(
        _serve(
            settings_of(is_server=True, port=port, host=host, gateway="simulator"), with_demo=True, contacts=contacts
        )
    )


async def _serve(settings: Settings, *, with_demo: bool, contacts: int = 0) -> None:
    async with AsyncExitStack() as stack:
        listening = stack.enter_context(closing(_listen(settings)))
        port = listening.getsockname()[1]
        url = settings.public_url or f"http://{_reachable(settings.host)}:{port}"
        store = await stack.enter_async_context(open_database(settings))
        if with_demo:
            await make_demo(store, url)
        if contacts:
            await _make_contacts(store, settings, contacts)
        bot = await make_bot(settings, store, url)
        runner = make_runner(make_app(bot, with_demo=with_demo))
        await runner.setup()
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        try:
            await web.SockSite(runner, listening, backlog=1024).start()
            spare_the_collector()
            _greet(url, with_demo=with_demo)
            await stop.wait()
        finally:
            await runner.cleanup()


async def _make_contacts(store: Store, settings: Settings, number: int) -> None:
    columns = (TextColumn("Creating contacts"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("", total=number)
        try:
            await make_crowd(
                store, CheckpointKeys(store, settings.checkpoint_keys), number, progress=partial(bar.advance, task)
            )
        except Invalid as error:
            give_up(str(error))


def make_runner(app: web.Application) -> web.AppRunner:
    """With limits for connections that do nothing. aiohttp's own is an hour."""
    return web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=DRAIN_SECONDS,
        keepalive_timeout=IDLE_SECONDS,
        lingering_time=LINGER_SECONDS,
    )


def _greet(url: str, *, with_demo: bool) -> None:
    who = ", ".join(f"{teammate.email} / {PASSWORD}" for teammate in teammates()) if with_demo else ""
    places = (
        [("Shop with the chat", "/demo"), ("Its phone", "/demo/phone")] if with_demo else [("Messenger", "/messenger")]
    )
    for name, path in places:
        print(f"{name:<20}{url}{path}", flush=True)
    print(f"{'Teammates sign in':<20}{url}/login{who and f'  {who}'}", flush=True)
    print("Ready. Ctrl-C stops it.", flush=True)


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS)  # connections inherit it
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        give_up(f"Can't listen on {settings.host}:{settings.port}: {error.strerror}. Choose another with --port.")
    return listening


def _reachable(host: str) -> str:
    """`0.0.0.0` can't be opened in a browser."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 (a name, nothing is bound)
