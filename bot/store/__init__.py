"""The only place that imports the driver: connection, indexes, embedded server, one repository a noun."""

from bot.store.client import Store, open_store
from bot.store.driver import Duplicate
from bot.store.repository import indexes_built_last

__all__ = ["Duplicate", "Store", "indexes_built_last", "open_store"]
