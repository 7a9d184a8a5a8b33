"""The database that the settings name, or else the embedded server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from bot.config import Settings
from bot.store import Store, open_store
from bot.store.embedded import embedded_server


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Store]:
    """Opens it and creates its indexes."""
    async with AsyncExitStack() as stack:
        if settings.mongo_url:
            url = settings.mongo_url.get_secret_value()
        else:
            url = (await stack.enter_async_context(embedded_server(settings.data, engine=settings.engine))).url
        store = await stack.enter_async_context(open_store(url, settings.database))
        await store.prepare()
        yield store
