"""Saved replies of the inbox."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bot.model.saved_reply import SavedReply
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix
from bot.workspace.access import Scope
from bot.workspace.wording import lines
from widget.api.contact_lookup import found_or_404
from widget.api.faults import NO_RESOURCE, REFUSED
from widget.api.models import ApiBody, Name
from widget.api.route import Call, Resource

PATH = "/saved_replies"
ONE = f"{PATH}/{{reply_id}}"
Text = Annotated[str, BeforeValidator(lines), Field(min_length=1, max_length=2000)]

saved_replies = Resource(
    "Saved replies",
    "Texts that teammates insert in the inbox. `{first_name|there}`, `{name}`, `{teammate}` and `{business}` are "
    "filled in then.",
    is_compatible=False,
)


class NewSavedReply(ApiBody):
    name: Name = Field(examples=["Opening hours"])
    text: Text = Field(examples=["Hi {first_name|there}, we're open from 9 to 5."])


class SavedReplyEdit(ApiBody):
    """Fields that are left out stay as they are."""

    name: Name | None = Field(None, examples=["Opening hours"])
    text: Text | None = Field(None, examples=["Hi {first_name|there}, we're open from 9 to 6."])


class SavedReplyAnswer(ApiAnswer):
    type: Literal["saved_reply"] = "saved_reply"
    id: Id
    name: str = Field(examples=["Opening hours"])
    text: str = Field(examples=["Hi {first_name|there}, we're open from 9 to 5."])
    updated_at: UnixTime
    updated_by: str = Field(examples=["6762f0cd1bb69f9f2193bb7c"], description="The teammate.")


class SavedReplyList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[SavedReplyAnswer]


class SavedReplyDeleted(ApiAnswer):
    type: Literal["saved_reply"] = "saved_reply"
    id: Id
    deleted: Literal[True] = True


@saved_replies.get(PATH, scope=Scope.WRITE_CONVERSATIONS)
async def list_saved_replies(call: Call) -> SavedReplyList:
    """List saved replies."""
    return SavedReplyList(data=[_answer(reply) for reply in await call.bot.saved_replies.all()])


@saved_replies.post(PATH, scope=Scope.WRITE_CONVERSATIONS, errors=(REFUSED,))
async def create_saved_reply(call: Call, body: NewSavedReply) -> SavedReplyAnswer:
    """Create a saved reply."""
    return _answer(await call.bot.saved_replies.create(body.name, body.text, call.by))


@saved_replies.get(ONE, scope=Scope.WRITE_CONVERSATIONS, errors=(NO_RESOURCE,))
async def show_saved_reply(call: Call) -> SavedReplyAnswer:
    """Find a saved reply."""
    return _answer(await _found(call))


@saved_replies.put(ONE, scope=Scope.WRITE_CONVERSATIONS, errors=(NO_RESOURCE, REFUSED))
async def update_saved_reply(call: Call, body: SavedReplyEdit) -> SavedReplyAnswer:
    """Change a saved reply."""
    found = await _found(call)
    if body.name is None and body.text is None:
        return _answer(found)
    await call.bot.saved_replies.change(found.id, body.name, body.text, call.by)
    return _answer(await _found(call))


@saved_replies.delete(ONE, scope=Scope.WRITE_CONVERSATIONS, errors=(NO_RESOURCE,))
async def delete_saved_reply(call: Call) -> SavedReplyDeleted:
    """Delete a saved reply."""
    found = await _found(call)
    await call.bot.saved_replies.remove(found.id, call.by)
    return SavedReplyDeleted(id=found.id)


async def _found(call: Call) -> SavedReply:
    """Raises ApiRefusal (404)."""
    return await found_or_404(call.bot.saved_replies.get(call.variable("reply_id")))


def _answer(reply: SavedReply) -> SavedReplyAnswer:
    return SavedReplyAnswer(
        id=reply.id, name=reply.name, text=reply.text, updated_at=unix(reply.updated_at), updated_by=reply.by
    )
