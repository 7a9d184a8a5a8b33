"""The only place that imports the driver: connection, indexes, embedded server, one repository a noun."""

from bot.store.answering import Duplicate
from bot.store.client import Store, open_store

__all__ = ["Duplicate", "Store", "open_store"]
