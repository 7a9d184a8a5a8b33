"""The repository of migration steps that are done."""

from __future__ import annotations

from bot.model.migration import Migration
from bot.store.repository import Repository


class MigrationRepository(Repository[Migration]):
    name = "migrations"
    model = Migration
