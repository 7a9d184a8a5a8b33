"""Custom attributes of contacts, as Intercom's data attributes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from bot.errors import FormWrong
from bot.model.attribute import Attribute, AttributeType
from bot.shapes.base import ApiAnswer, UnixTime, unix
from bot.workspace.access import Scope
from bot.workspace.wording import one_line
from widget.api.contact_lookup import found_or_404
from widget.api.faults import NO_RESOURCE, REFUSED
from widget.api.models import ApiBody, ApiQuery, Name
from widget.api.route import Call, Resource

PATH = "/data_attributes"
TYPES = {
    "string": AttributeType.TEXT,
    "options": AttributeType.LIST,
    "integer": AttributeType.NUMBER,
    "float": AttributeType.NUMBER,
    "boolean": AttributeType.BOOLEAN,
    "date": AttributeType.DATE,
    "datetime": AttributeType.DATE,
}
ANSWERED = {
    AttributeType.TEXT: "string",
    AttributeType.LIST: "string",
    AttributeType.NUMBER: "float",
    AttributeType.BOOLEAN: "boolean",
    AttributeType.DATE: "date",
}

attributes = Resource("Data attributes", "Custom attributes of contacts. Name and type never change.")


class AttributesQuery(ApiQuery):
    model: Literal["contact", "company", "conversation"] = Field(
        "contact", description="Only contacts have attributes: the lists of the others are empty."
    )
    include_archived: bool = False


class OptionBody(ApiBody):
    value: Annotated[str, BeforeValidator(one_line)] = Field(min_length=1, max_length=100, examples=["Gold"])


class AttributeBody(ApiBody):
    description: str | None = Field(None, description="Accepted, and not stored.", examples=[None])
    messenger_writable: bool | None = Field(None, description="Accepted, and not stored.", examples=[None])
    options: list[OptionBody] | None = Field(None, max_length=100, description="Of a list of options.")


class NewAttributeBody(AttributeBody):
    name: Name = Field(examples=["loyalty_tier"])
    model: Literal["contact"] = "contact"
    data_type: Literal["string", "integer", "float", "boolean", "datetime", "date", "options"] = Field(
        examples=["string"], description="`string` with `options`, or `options`, is a list of options."
    )


class AttributeEditBody(AttributeBody):
    """Fields that are left out stay as they are."""

    label: Name | None = Field(None, examples=["Loyalty tier"])
    archived: bool | None = Field(None, examples=[False])


class AttributeAnswer(ApiAnswer):
    type: Literal["data_attribute"] = "data_attribute"
    id: str = Field(examples=["loyalty_tier"])
    model: Literal["contact"] = "contact"
    name: str = Field(examples=["loyalty_tier"])
    full_name: str = Field(examples=["custom_attributes.loyalty_tier"])
    label: str = Field(examples=["Loyalty tier"])
    description: None = None
    data_type: str = Field(examples=["string"])
    options: list[str] | None = Field(examples=[["Gold", "Silver"]])
    api_writable: bool = True
    messenger_writable: bool = False
    ui_writable: bool = True
    custom: bool = True
    archived: bool = False
    created_at: UnixTime
    updated_at: None = None
    admin_id: str = Field(examples=["6762f0cd1bb69f9f2193bb7c"])


class AttributeList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[AttributeAnswer]


@attributes.get(PATH, scope=Scope.READ_CONTACTS)
async def list_data_attributes(call: Call, query: AttributesQuery) -> AttributeList:
    """List custom attributes."""
    found = await call.bot.attributes.all()
    if query.include_archived:
        found += await call.bot.attributes.archived()
    return AttributeList(data=[_answer(one) for one in found] if query.model == "contact" else [])


@attributes.post(PATH, scope=Scope.MANAGE_WORKSPACE, errors=(REFUSED,))
async def create_data_attribute(call: Call, body: NewAttributeBody) -> AttributeAnswer:
    """Create a custom attribute.

    Its key, the `id`, is made of the name.
    """
    type = AttributeType.LIST if body.data_type == "string" and body.options else TYPES[body.data_type]
    _check_options(body, type)
    return _answer(await call.bot.attributes.create(body.name, type, call.by, options=_values(body) or ()))


@attributes.put(f"{PATH}/{{attribute_id}}", scope=Scope.MANAGE_WORKSPACE, errors=(NO_RESOURCE, REFUSED))
async def update_data_attribute(call: Call, body: AttributeEditBody) -> AttributeAnswer:
    """Change a custom attribute.

    Renames it, replaces its options, archives or restores it. Contacts keep their values.
    """
    all = call.bot.attributes
    found = await found_or_404(all.get(call.variable("attribute_id")))
    _check_options(body, found.type)
    options = _values(body)
    if body.label is not None or options is not None:
        kept = found.options if options is None else options
        found = await all.change(found.key, body.label or found.name, call.by, options=kept)
    if body.archived is not None and body.archived is not bool(found.archived_at):
        found = await (all.archive if body.archived else all.restore)(found.key, call.by)
    return _answer(found)


def _check_options(body: AttributeBody, type: AttributeType) -> None:
    """Raises FormWrong."""
    if body.options and type is not AttributeType.LIST:
        raise FormWrong({"options": "Only a list has options. Leave them out."})


def _values(body: AttributeBody) -> list[str] | None:
    return None if body.options is None else [option.value for option in body.options]


def _answer(attribute: Attribute) -> AttributeAnswer:
    return AttributeAnswer(
        id=attribute.key,
        name=attribute.key,
        full_name=f"custom_attributes.{attribute.key}",
        label=attribute.name,
        data_type=ANSWERED[attribute.type],
        options=[*attribute.options] if attribute.type is AttributeType.LIST else None,
        archived=attribute.archived_at is not None,
        created_at=unix(attribute.created_at),
        admin_id=attribute.by,
    )
