"""`sayso migrate`: brings the database to the present version."""

from __future__ import annotations

from bot.config import Settings
from bot.consent.checkpoints import CheckpointKeys
from bot.database import open_database
from bot.migration_steps import migrate as bring_up_to_date
from widget.cli.terminal import run, settings_of


def migrate() -> None:
    """Migrate the database to this version: create indexes and convert documents of earlier versions.

    The server also does this when it starts. Run it before a deployment for a faster start; running it again is safe.
    Exits 0 on success, and 2 if the command can't run.
    """
    done = run(_migrate(settings_of()))
    print(f"Migrated: {', '.join(done)}." if done else "Nothing to migrate.")


async def _migrate(settings: Settings) -> list[str]:
    async with open_database(settings, migrated=False) as store:
        return await bring_up_to_date(store, CheckpointKeys(store, settings.checkpoint_keys))
