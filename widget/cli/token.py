"""`sayso token`: manages API tokens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from bot.config import Settings
from bot.database import open_database
from bot.errors import NotFound, SaysoError
from bot.model.base import now
from bot.model.teammate import ApiToken, By
from bot.store import Store
from bot.workspace.access import Scope, scopes_of
from bot.workspace.teammates import TeammateService
from bot.workspace.tokens import Tokens
from widget.cli.terminal import FAILED, give_up, run, settings_of

T = TypeVar("T")
BY = By("", "sayso token")
LEAST = 6
"""Characters of an id that `revoke` needs."""
app = typer.Typer(help="Manage API tokens.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="What uses the token.", metavar="NAME", show_default=False)]
Email = Annotated[
    str, typer.Option("--teammate", help="Email of the teammate whose permissions limit the token.", show_default=False)
]
Scopes = Annotated[
    list[Scope] | None,
    typer.Option("--scope", help="A permission; repeat for several. Default: all.", show_default=False),
]
Days = Annotated[int | None, typer.Option(min=1, max=3650, help="Days until it expires; never without.")]
Id = Annotated[str, typer.Argument(help="The beginning of the token's id.", metavar="ID", show_default=False)]


@app.command()
def create(name: Name, teammate: Email, scope: Scopes = None, days: Days = None) -> None:
    """Create a token and print it. It is shown only once.

    Exits 0 on success, 1 if the change was refused, and 2 if the command can't run.
    """
    print(_do(settings_of(), lambda store: _create(store, name, teammate, scope, days)))


@app.command("list")
def list_all() -> None:
    """List tokens with id, name, permissions and state, the newest first.

    Exits 0 on success, and 2 if the command can't run.
    """
    found = _do(settings_of(), lambda store: Tokens(store).all())
    for token in found:
        scopes = "all" if token.scopes is None else ",".join(token.scopes)
        print(f"{token.id[:12]}  {token.name}  {scopes}  {_state(token)}")
    if not found:
        print("No API tokens yet. Create one: sayso token create NAME --teammate EMAIL")


@app.command()
def revoke(id: Id) -> None:
    """Revoke a token. Programs that use it lose access immediately.

    Exits 0 on success, 1 if the change was refused, and 2 if the command can't run.
    """
    revoked = _do(settings_of(), lambda store: _revoke(store, id))
    print(f"Revoked {revoked.name}.")


async def _create(store: Store, name: str, email: str, scopes: list[Scope] | None, days: int | None) -> str:
    if not name.strip() or len(name) > 120:
        give_up("Use a name of up to 120 characters.", FAILED)
    teammate = next((t for t in await TeammateService(store).all() if t.email == email.strip().casefold()), None)
    if teammate is None:
        give_up("No teammate has this email. List all with `sayso teammate list`.", FAILED)
    if missing := sorted({*(scopes or ())} - scopes_of(teammate)):
        give_up(f"{teammate.email} doesn't have these permissions: {', '.join(missing)}.", FAILED)
    return await Tokens(store).make(teammate, name.strip(), days=days, scopes=scopes, by=BY)


async def _revoke(store: Store, id: str) -> ApiToken:
    found = [token for token in await Tokens(store).all() if len(id) >= LEAST and token.id.startswith(id)]
    if len(found) != 1:
        raise NotFound
    return await Tokens(store).revoke(found[0].id, BY)


def _state(token: ApiToken) -> str:
    if token.revoked_at:
        return "revoked"
    if token.expires_at is None:
        return "active"
    day = token.expires_at.date().isoformat()
    return f"active until {day}" if token.expires_at > now() else f"expired {day}"


def _do(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    return run(_in_database(settings, work))


async def _in_database(settings: Settings, work: Callable[[Store], Awaitable[T]]) -> T:
    try:
        async with open_database(settings) as store:
            return await work(store)
    except NotFound:
        give_up("No token, or more than one, has this id. List all with `sayso token list`.", FAILED)
    except SaysoError as error:
        give_up(str(error), FAILED)
