"""The words that codes of texts name."""

from __future__ import annotations

from pymongo import ASCENDING, IndexModel

from bot.model.kept_wording import KeptWording
from bot.store.repository import Repository


class KeptWordingRepository(Repository[KeptWording]):
    """Only added to: they outlive the form, whose posters may still hang."""

    name = "kept_wordings"
    model = KeptWording
    indexes = (IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),)
