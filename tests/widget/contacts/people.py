"""Contacts of one test: they share a tag, so that others of the same database are in no list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bot.model.base import new_id
from bot.model.contact import Contact
from bot.model.filter import Condition, Filter, TagIs
from bot.model.tag import Tag
from bot.model.teammate import By
from tests.people import AT
from tests.widget.help import Node, Running


@dataclass(frozen=True)
class Circle:
    tag: Tag
    contacts: Sequence[Contact]

    def filter(self, *conditions: Condition) -> Filter:
        return Filter.of(TagIs(tags=(self.tag.id,)), *conditions)

    def path(self, path: str = "/contacts", *conditions: Condition, **query: str) -> str:
        return f"{path}?{urlencode({'filter': self.filter(*conditions).as_text(), **query})}"


async def circle(running: Running, *people: dict[str, Any]) -> Circle:
    tag = await running.bot.tags.create(f"Tag {new_id()}", By("ada", "Ada"))
    contacts = [
        Contact(id=new_id(), **{"created_at": AT, "updated_at": AT, **values}, tags=(tag.id,)) for values in people
    ]
    await running.store.contacts.insert_many(contacts)
    return Circle(tag, contacts)


def ids(page: Node) -> list[str]:
    return [row.attrs["data-id"] for row in page.all("tr") if "data-id" in row.attrs]


def row(page: Node, contact: Contact) -> Node:
    return page.one("tr", id=f"contact-{contact.id}")
