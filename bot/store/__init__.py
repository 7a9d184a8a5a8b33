"""The only place that imports the driver: connection, indexes, embedded server, one repository a noun."""

from bot.store.client import Store, open_store
from bot.store.driver import Duplicate

__all__ = ["Duplicate", "Store", "open_store"]
