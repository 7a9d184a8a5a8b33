"""A tag as Intercom's API answers it. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.model.tag import Tag
from bot.shapes.base import ApiAnswer, Id


class TagAnswer(ApiAnswer):
    type: Literal["tag"] = "tag"
    id: Id
    name: str = Field(examples=["VIP"])


def tag_answer(tag: Tag) -> TagAnswer:
    return TagAnswer(id=tag.id, name=tag.name)
