"""Tags, and the tags of contacts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.model.tag import Tag
from bot.shapes.base import ApiAnswer, Id
from bot.shapes.tag import TagAnswer, tag_answer
from bot.workspace.access import Scope
from widget.api.contact_lookup import CONTACT_FAULTS, found_contact, found_or_404
from widget.api.faults import NO_RESOURCE, REFUSED
from widget.api.models import AnyId, ApiBody
from widget.api.route import Call, Resource

PATH = "/contacts/{contact_id}/tags"

tags = Resource("Tags", "Labels for contacts.")


class TagList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[TagAnswer]


class TagBody(ApiBody):
    """With `id`, renames the tag."""

    name: str = Field(min_length=1, max_length=60, examples=["VIP"])
    id: AnyId | None = Field(None, examples=[None])


class TagChoice(ApiBody):
    id: AnyId = Field(description="The tag.")


class TagDeleted(ApiAnswer):
    type: Literal["tag"] = "tag"
    id: Id
    deleted: Literal[True] = True


@tags.get("/tags", scope=Scope.READ_CONTACTS)
async def list_tags(call: Call) -> TagList:
    """List tags."""
    return TagList(data=[tag_answer(tag) for tag in await call.bot.tags.all()])


@tags.post("/tags", scope=Scope.WRITE_CONTACTS, errors=(NO_RESOURCE, REFUSED))
async def create_tag(call: Call, body: TagBody) -> TagAnswer:
    """Create or rename a tag.

    A tag whose name exists already is returned as it is. Renaming changes it for all contacts, so it takes the scope
    `manage_workspace`.
    """
    if body.id is None:
        return tag_answer(await call.bot.tags.named(body.name.strip() or body.name, call.by))
    call.who.require(Scope.MANAGE_WORKSPACE)
    await found_tag(call, body.id)
    return tag_answer(await call.bot.tags.rename(body.id, body.name, call.by))


@tags.get("/tags/{tag_id}", scope=Scope.READ_CONTACTS, errors=(NO_RESOURCE,))
async def find_tag(call: Call) -> TagAnswer:
    """Find a tag."""
    return tag_answer(await found_tag(call, call.variable("tag_id")))


@tags.delete("/tags/{tag_id}", scope=Scope.MANAGE_WORKSPACE, errors=(NO_RESOURCE,))
async def delete_tag(call: Call) -> TagDeleted:
    """Delete a tag.

    Removes the tag from all contacts.
    """
    tag = await found_tag(call, call.variable("tag_id"))
    await call.bot.tags.delete(tag.id, call.by)
    return TagDeleted(id=tag.id)


@tags.get(PATH, scope=Scope.READ_CONTACTS, errors=CONTACT_FAULTS)
async def list_contact_tags(call: Call) -> TagList:
    """List a contact's tags."""
    contact = await found_contact(call)
    return TagList(data=[tag_answer(tag) for tag in await call.bot.tags.all() if tag.id in contact.tags])


@tags.post(PATH, scope=Scope.WRITE_CONTACTS, errors=(*CONTACT_FAULTS, NO_RESOURCE))
async def tag_contact(call: Call, body: TagChoice) -> TagAnswer:
    """Tag a contact."""
    contact, tag = await found_contact(call), await found_tag(call, body.id)
    await call.bot.contacts.add_tags([contact.id], [tag.id])
    return tag_answer(tag)


@tags.delete(f"{PATH}/{{tag_id}}", scope=Scope.WRITE_CONTACTS, errors=(*CONTACT_FAULTS, NO_RESOURCE))
async def untag_contact(call: Call) -> TagAnswer:
    """Remove a tag from a contact."""
    contact, tag = await found_contact(call), await found_tag(call, call.variable("tag_id"))
    await call.bot.contacts.remove_tags([contact.id], [tag.id])
    return tag_answer(tag)


async def found_tag(call: Call, id: str) -> Tag:
    """Raises ApiRefusal (404)."""
    return await found_or_404(call.bot.tags.get(id))
