"""`sayso flow`: checks, imports, exports and tries bot flows, and says which ones are live."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from bot.config import Settings
from bot.database import open_database
from bot.errors import SaysoError
from bot.flows.check import check
from bot.flows.faults import FlowFault
from bot.flows.script import Script
from bot.flows.service import FlowFaulty, FlowService
from bot.flows.trial import Trial
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.workspace.audit import COMMAND_LINE
from widget.cli.flow_talk import talk
from widget.cli.terminal import FAILED, give_up, run, settings_of

T = TypeVar("T")
app = typer.Typer(help="List, check, import, export and try bot flows.")

File = Annotated[Path, typer.Argument(help="A flow as JSON.", exists=True, dir_okay=False, show_default=False)]
Id = Annotated[str, typer.Argument(help="Flow ID, as listed by `sayso flow`.", metavar="ID", show_default=False)]


@app.callback(invoke_without_command=True)
def list_all(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        found = _do(lambda flows: flows.all())
        for flow in found:
            print(f"{flow.id}  {flow.state:<6}  order {flow.order:<4}  version {flow.version:<4}  {flow.name}")
        if not found:
            print("No flows yet.")


@app.command("check")
def check_file(
    file: File,
    workspace: Annotated[
        bool,
        typer.Option("--workspace", help="Also check the subscriptions, tags, attributes and flows that it names."),
    ] = False,
) -> None:
    """Check a flow, and say what is wrong, where, and what to do.

    Exits 0 if the flow can be published, 1 if it has faults, and 2 if the command can't run.
    """
    text = file.read_bytes()
    checked = _do(lambda flows: flows.check(text)) if workspace else check(text)
    _print_faults(checked.faults)
    if checked.document is None:
        raise typer.Exit(FAILED)
    print(f"OK: {sum(1 for _ in checked.document.all_steps())} steps.")


@app.command("import")
def import_file(
    file: File,
    id: Annotated[str, typer.Option(help="Publish it as the next version of this flow. Default: a new flow.")] = "",
    live: Annotated[bool, typer.Option("--live", help="Put a new flow live.")] = False,
) -> None:
    """Import a flow. A new flow is a draft, unless you choose --live.

    Exits 0 on success, 1 if the flow has faults, and 2 if the command can't run.
    """
    text = file.read_bytes()
    if id:
        version = _do(lambda flows: flows.publish(id, text, COMMAND_LINE))
        print(f"{id} is now at version {version.version}.")
    else:
        flow = _do(lambda flows: flows.create(text, COMMAND_LINE, is_live=live, action=AuditAction.FLOW_IMPORTED))
        print(f"{flow.id} is {flow.state}.")


@app.command()
def export(id: Id) -> None:
    """Print the published version of a flow as JSON."""
    document = _do(lambda flows: flows.document(id))
    print(document.as_file(), end="")


@app.command()
def live(id: Id) -> None:
    """Put a flow live."""
    print(f"{id} is {_do(lambda flows: flows.set_state(id, 'live', COMMAND_LINE)).state}.")


@app.command()
def pause(id: Id) -> None:
    """Pause a flow. It no longer starts; conversations that began with it finish."""
    print(f"{id} is {_do(lambda flows: flows.set_state(id, 'paused', COMMAND_LINE)).state}.")


@app.command()
def order(id: Id, number: Annotated[int, typer.Argument(help="Lower numbers are tried first.")]) -> None:
    """Set the order of a flow. Of several flows that match, the one with the lowest number starts."""
    _do(lambda flows: flows.set_order(id, number, COMMAND_LINE))
    list_of = _do(lambda flows: flows.all())
    for flow in list_of:
        print(f"{flow.order:<4}  {flow.id}  {flow.name}")


@app.command("try")
def try_file(
    file: File,
    locale: Annotated[str, typer.Option(help="The visitor's language.")] = "en",
    sms: Annotated[
        bool, typer.Option("--sms", help="Talk by SMS, where choices are numbers and a form asks for a YES.")
    ] = False,
) -> None:
    """Talk to a flow in the terminal, without a database. Nothing is sent or stored.

    Exits 0 when the flow ends or you stop, and 1 if the flow has faults.
    """
    checked = check(file.read_bytes())
    _print_faults(checked.faults)
    if checked.document is None:
        raise typer.Exit(FAILED)
    script = Script(flow="trial", **checked.document.model_dump())
    talk(Trial(script, now(), locale=locale, by_text=sms))


def _print_faults(faults: Iterable[FlowFault]) -> None:
    for fault in faults:
        place = f"{fault.path}{f' ({fault.step})' if fault.step else ''}: " if fault.path else ""
        print(f"{'Warning' if fault.is_warning else 'Error'}: {place}{fault}", file=sys.stderr)


def _do(work: Callable[[FlowService], Awaitable[T]]) -> T:
    return run(_in_database(settings_of(), work))


async def _in_database(settings: Settings, work: Callable[[FlowService], Awaitable[T]]) -> T:
    try:
        async with open_database(settings) as store:
            return await work(FlowService(store, image_hosts=settings.image_hosts))
    except FlowFaulty as faulty:
        _print_faults(faulty.faults)
        give_up(str(faulty), FAILED)
    except SaysoError as error:
        give_up(str(error))
