"""`sayso migrate`: brings the database to the present version."""

from __future__ import annotations

from bot.config import Settings
from bot.database import open_database
from bot.migration import migrate as bring_up_to_date
from widget.cli.terminal import run, settings_of


def migrate() -> None:
    """Bring the database to this version: create indexes, move documents of earlier versions.

    Every start does the same; run it before a deployment to keep the start short. It can be repeated. Exits 0, or 2
    when it can't run.
    """
    done = run(_migrate(settings_of()))
    print(f"Migrated: {', '.join(done)}." if done else "Nothing to migrate.")


async def _migrate(settings: Settings) -> list[str]:
    async with open_database(settings, migrated=False) as store:
        return await bring_up_to_date(store)
