"""`sayso check`: checks the settings and the database, lists all settings."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.config import Settings
from bot.database import open_database
from bot.errors import StoreUnavailable
from widget.cli.terminal import run, settings_of


def check(
    settings: Annotated[bool, typer.Option("--settings", help="List all settings with their defaults.")] = False,
) -> None:
    """Check the settings, the database and everything else that the server needs.

    Exits 0 if all checks passed, and 2 if not.
    """
    if settings:
        for line in settings_lines():
            print(line)
        return
    loaded = settings_of()
    print("Settings: OK")
    run(_check(loaded))
    print("Database: OK (reachable, writable, indexes in place)")


def settings_lines() -> list[str]:
    """`SAYSO_PORT=8080 # description`, one per line."""
    return [
        f"SAYSO_{name.upper()}={'' if field.default is None else field.default}  # {field.description}"
        for name, field in Settings.model_fields.items()
    ]


async def _check(settings: Settings) -> None:
    async with open_database(settings) as store:
        if not await store.is_ready():
            raise StoreUnavailable
