"""`sayso teammate`: manages teammate accounts."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from bot.config import Settings
from bot.database import open_database
from bot.errors import LastAdmin, NotFound, PasswordTooShort, SaysoError
from bot.model.teammate import Teammate, TeammateRole
from bot.workspace.passwords import LEAST, checked
from bot.workspace.teammates import TeammateService
from widget.cli.terminal import FAILED, give_up, run, settings_of

T = TypeVar("T")
app = typer.Typer(help="Manage teammates who can sign in.", no_args_is_help=True)

Email = Annotated[str, typer.Argument(help="Email address used to sign in.", metavar="EMAIL", show_default=False)]
Role = Annotated[
    TeammateRole,
    typer.Option(help="agent: inbox and contacts. admin: everything, including settings.", show_default=False),
]
Name = Annotated[
    str, typer.Option(help="Display name. Defaults to the part of the email before the @.", show_default=False)
]
Force = Annotated[
    bool, typer.Option("--force", help="Also remove the last admin. Nobody can change settings until you add another.")
]


@app.command()
def add(email: Email, role: Role, name: Name = "") -> None:
    """Add a teammate. Prompts for a password, or reads it from standard input.

    Exits 0 on success, 1 if the change was refused, and 2 if the command can't run.
    """
    settings, password = settings_of(), _password()
    added = _do(settings, lambda team: team.add(email, role, password, name=name))
    print(f"Added {_words(added)}.")


@app.command("list")
def list_all() -> None:
    """List teammates with email, role and name.

    Exits 0 on success, and 2 if the command can't run.
    """
    found = _do(settings_of(), lambda team: team.all())
    width = max((len(teammate.email) for teammate in found), default=0)
    for teammate in found:
        print(f"{teammate.email:<{width}}  {teammate.role:<5}  {teammate.name}{_mark(teammate)}")
    if not found:
        print("No teammates yet. Add the first: sayso teammate add EMAIL --role admin")


@app.command("password")
def new_password(email: Email) -> None:
    """Set a new password and end all of the teammate's sessions. Prompts for it, or reads standard input.

    Exits 0 on success, 1 if the change was refused, and 2 if the command can't run.
    """
    settings, password = settings_of(), _password()
    changed = _do(settings, lambda team: team.set_password(email, password))
    print(f"{changed.email} has a new password and is signed out everywhere.")


@app.command("reset-second-factor")
def reset_second_factor(email: Email) -> None:
    """Remove a teammate's passkeys and recovery codes, so that their password is enough to sign in.

    Exits 0 on success, 1 if the change was refused, and 2 if the command can't run.
    """
    changed = _do(settings_of(), lambda team: team.reset_second_factor(email))
    print(f"{changed.email} can now sign in with just their password.")


@app.command()
def remove(email: Email, force: Force = False) -> None:
    """Remove a teammate and revoke their sessions and API tokens.

    Exits 0 on success, 1 if the change was refused, and 2 if the command can't run.
    """
    removed = _do(settings_of(), lambda team: team.remove(email, also_the_last_admin=force))
    print(f"Removed {_words(removed)}.")


def _words(teammate: Teammate) -> str:
    return f"{teammate.email} ({teammate.role}, {teammate.name})"


def _mark(teammate: Teammate) -> str:
    return "  (demo: on this machine only)" if teammate.is_demo else ""


def _password() -> str:
    """Prompts twice without echo, or reads one line from a pipe. A short password is refused before the database is
    opened."""
    if sys.stdin.isatty():
        return str(
            typer.prompt(
                f"Password (at least {LEAST} characters)",
                hide_input=True,
                confirmation_prompt="Once more",
                value_proc=_long_enough,
            )
        )
    try:
        return checked(sys.stdin.buffer.readline().decode().rstrip("\r\n"))
    except UnicodeDecodeError:
        give_up("The password must be UTF-8 text.", FAILED)
    except PasswordTooShort as error:
        give_up(str(error), FAILED)


def _long_enough(typed: str) -> str:
    """Prompts again until it is long enough."""
    if len(typed) < LEAST:
        raise typer.BadParameter(f"Use at least {LEAST} characters.")
    return typed


def _do(settings: Settings, work: Callable[[TeammateService], Awaitable[T]]) -> T:
    return run(_in_database(settings, work))


async def _in_database(settings: Settings, work: Callable[[TeammateService], Awaitable[T]]) -> T:
    try:
        async with open_database(settings) as store:
            return await work(TeammateService(store))
    except NotFound:
        give_up("No teammate has this email. List all with `sayso teammate list`.", FAILED)
    except LastAdmin:
        give_up(
            "You can't remove the last admin: nobody could change the settings. Use --force to remove them anyway.",
            FAILED,
        )
    except SaysoError as error:
        give_up(str(error), FAILED)
