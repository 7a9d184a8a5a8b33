"""What all areas build on: settings, store, signatures, background tasks and the workspace."""

from __future__ import annotations

from async_lru import alru_cache

from bot.aio.background import BackgroundTasks
from bot.config import Settings
from bot.signing import Signatures
from bot.store import Store
from bot.workspace.current import workspace_loader

CACHE_SECONDS = 1.0


class Core:
    def __init__(self, settings: Settings, store: Store, secret: str, public_url: str) -> None:
        self.settings, self.store, self.public_url = settings, store, public_url
        self.background = BackgroundTasks()
        self.spawn, self.finish = self.background.spawn, self.background.finish
        self.signatures = Signatures(secret)
        self.workspace = alru_cache(maxsize=1, ttl=CACHE_SECONDS)(workspace_loader(store, settings.identity_secret))
        """`await bot.workspace()`: the business, at most a second old."""
