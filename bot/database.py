"""The database that the settings name, or else the embedded server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.config import Settings
from bot.consent.checkpoints import CheckpointKeys
from bot.migration_steps import migrate
from bot.store import Store, open_store
from bot.store.embedded import embedded_server


@asynccontextmanager
async def open_database(settings: Settings, *, migrated: bool = True) -> AsyncIterator[Store]:
    """Opens it, creates its indexes and migrates data of earlier versions (False: leaves that to the caller)."""
    server = None
    async with AsyncExitStack() as stack:
        if settings.mongo_url:
            url = settings.mongo_url.get_secret_value()
        else:
            server = await stack.enter_async_context(embedded_server(settings.data, engine=settings.engine))
            url = server.url
        store = await stack.enter_async_context(open_store(url, settings.database))
        store.embedded = server
        await store.prepare()
        if migrated:
            await migrate(store, CheckpointKeys(store, settings.checkpoint_keys))
        yield store
