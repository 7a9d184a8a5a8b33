"""The command line, one more face: it parses, calls `bot`, prints."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from contextlib import AsyncExitStack, closing
from typing import Annotated

import typer
from aiohttp import web
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bot.app import make_bot, open_database
from bot.config import Settings
from bot.consent.verify import Report, verify
from bot.demo import PASSWORD, make_demo, teammates
from bot.errors import StoreUnavailable
from widget import cli_teammate
from widget.app import make_app
from widget.terminal import FAILED, give_up, run, settings_of

DRAIN_SECONDS = 10.0

app = typer.Typer(
    name="sayso",
    help="Ask people in chat whether you may text them, keep the proof, and text only those who said yes.\n\n"
    "Settings come from the environment (SAYSO_…) or a .env file: `sayso check --settings` lists them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(cli_teammate.app, name="teammate")
errors = Console(stderr=True)

Port = Annotated[int | None, typer.Option(help="Port to listen on, instead of SAYSO_PORT; 0 takes a free one.")]
Host = Annotated[str | None, typer.Option(help="Address to listen on, instead of SAYSO_HOST.")]


@app.command()
def serve(port: Port = None, host: Host = None) -> None:
    """Run the server: messenger, preference center, health, metrics.

    Stops gracefully on SIGTERM and SIGINT: open messengers are told, writes are finished.
    """
    run(_serve(settings_of(port=port, host=host), with_demo=False))


@app.command()
def demo(port: Port = None, host: Host = None) -> None:
    """Run the server with a demo workspace: a shop at /demo, its phone at /demo/phone.

    Nothing leaves the machine: texts go to the simulated phone.
    """
    run(_serve(settings_of(port=port, host=host), with_demo=True))


@app.command("verify")
def verify_command(
    repair: Annotated[bool, typer.Option("--repair", help="Rebuild what differs from the ledger.")] = False,
) -> None:
    """Walk every consent chain, and compare where people stand with what the ledger says.

    Exits 0 when all is right (or was repaired), 1 when something is wrong, 2 when it could not look.
    """
    report = run(_verify(settings_of(), repair=repair))
    print(f"Events: {report.events}, of contacts: {report.contacts}.")
    for fault in report.faults[:20]:
        print(f"Broken: {fault}.")
    if len(report.faults) > 20:
        print(f"… and {len(report.faults) - 20} more chains.")
    if report.stale:
        done = "rebuilt from it" if repair else "run `sayso verify --repair` to rebuild them"
        print(f"{len(report.stale)} contacts stood otherwise than the ledger says: {done}.")
    if report.miscounted:
        done = "put right" if repair else "run `sayso verify --repair` to put them right"
        print(f"{len(report.miscounted)} counts of people were wrong: {done}.")
    if report.is_whole:
        print("Every chain is whole.")
    raise typer.Exit(0 if report.is_whole else FAILED)


@app.command()
def check(
    settings: Annotated[bool, typer.Option("--settings", help="List all settings with their defaults.")] = False,
) -> None:
    """Check the settings, the database and what the server needs; say what is wrong.

    Exits 0, or 2 when it can't run.
    """
    if settings:
        for line in settings_lines():
            print(line)
        return
    loaded = settings_of()
    print("Settings: good.")
    run(_check(loaded))
    print("Database: answers, takes writes, has its indexes.")


def settings_lines() -> list[str]:
    """`SAYSO_PORT=8080  what it is for`, one a line."""
    return [
        f"SAYSO_{name.upper()}={'' if field.default is None else field.default}  # {field.description}"
        for name, field in Settings.model_fields.items()
    ]


async def _serve(settings: Settings, *, with_demo: bool) -> None:
    async with AsyncExitStack() as stack:
        listening = stack.enter_context(closing(_listen(settings)))
        port = listening.getsockname()[1]
        url = settings.public_url or f"http://{_reachable(settings.host)}:{port}"
        store = await stack.enter_async_context(open_database(settings))
        if with_demo:
            await make_demo(store, url)
        bot = await make_bot(settings, store, url)
        runner = web.AppRunner(
            make_app(bot, with_demo=with_demo), access_log=None, handle_signals=False, shutdown_timeout=DRAIN_SECONDS
        )
        await runner.setup()
        stop = asyncio.Event()
        for name in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        try:
            await web.SockSite(runner, listening, backlog=1024).start()
            _spare_the_collector()
            _greet(url, with_demo=with_demo)
            await stop.wait()
        finally:
            await runner.cleanup()


def _spare_the_collector() -> None:
    """What was made at the start (of numbers and countries, mostly) stays: it need not be looked through again.

    Measured: 15 % less CPU a form flow.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


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
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        give_up(f"Can't listen on {settings.host}:{settings.port}: {error.strerror}. Choose another with --port.")
    return listening


def _reachable(host: str) -> str:
    """`0.0.0.0` is no address that a browser can open."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 (a name, nothing is bound)


async def _verify(settings: Settings, *, repair: bool) -> Report:
    async with open_database(settings) as store:
        columns = (TextColumn("Reading the ledger"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=errors, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task("", total=await store.events.count_about())
            return await verify(store, repair=repair, progress=lambda events: bar.advance(task, events))


async def _check(settings: Settings) -> None:
    async with open_database(settings) as store:
        if not await store.is_ready():
            raise StoreUnavailable


def main() -> None:
    app()
