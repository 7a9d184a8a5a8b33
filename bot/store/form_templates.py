"""Saved forms."""

from __future__ import annotations

from datetime import datetime

from pymongo import ASCENDING, IndexModel

from bot.model.form_template import FormTemplate
from bot.store.repository import Repository


class FormTemplateRepository(Repository[FormTemplate]):
    name = "form_templates"
    model = FormTemplate
    indexes = (
        IndexModel([("name_key", ASCENDING)], unique=True, partialFilterExpression={"name_key": {"$exists": True}}),
        IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    )

    async def by_name(self, *, limit: int) -> list[FormTemplate]:
        """In the order of their names."""
        return await self.find({"name_key": {"$gt": ""}}, sort=[("name_key", 1)], limit=limit)

    async def set_public(self, id: str, *, is_public: bool) -> None:
        await self.update({"_id": id}, {"$set": {"is_public": is_public}})

    async def expire(self, id: str, at: datetime) -> None:
        """Removes it from lists and frees its name now; the document expires."""
        await self.update({"_id": id}, {"$set": {"expires_at": at}, "$unset": {"name_key": ""}})
