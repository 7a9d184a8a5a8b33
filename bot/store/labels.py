"""What contacts are described by: tags, custom attributes, and segments. There are a few hundred at most of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from pymongo import ASCENDING, IndexModel

from bot.model.attribute import Attribute
from bot.model.base import Document
from bot.model.segment import Segment
from bot.model.tag import Tag
from bot.store.repository import Repository

D = TypeVar("D", bound=Document)


class NamedRepository(Repository[D]):
    """Those in use have a `name_key`, which is unique."""

    MOST: ClassVar = 1000
    indexes = (
        IndexModel([("name_key", ASCENDING)], unique=True, partialFilterExpression={"name_key": {"$exists": True}}),
    )

    async def in_use(self) -> list[D]:
        """In the order of their names."""
        return await self.find({"name_key": {"$gt": ""}}, sort=[("name_key", 1)], limit=self.MOST)

    async def all(self) -> list[D]:
        """Also those that are no longer in use."""
        return await self.page("", limit=2 * self.MOST)

    async def save(self, before: D, values: Mapping[str, Any]) -> D:
        """Stores these fields, and the key of the name. Returns the changed document. Raises Duplicate: the name is
        taken."""
        after = before.model_copy(update=dict(values))
        old, new = before.stored(), after.stored()
        changed = {name: value for name, value in new.items() if old.get(name) != value}
        gone = {name: "" for name in old if name not in new}
        update = {**({"$set": changed} if changed else {}), **({"$unset": gone} if gone else {})}
        if update:
            await self.update({"_id": before.id}, update)
        return after


class TagRepository(NamedRepository[Tag]):
    name = "tags"
    model = Tag


class AttributeRepository(NamedRepository[Attribute]):
    name = "attributes"
    model = Attribute


class SegmentRepository(NamedRepository[Segment]):
    name = "segments"
    model = Segment
