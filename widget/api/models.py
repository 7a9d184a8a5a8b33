"""Base classes of the API's requests, and its errors."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from bot.shapes.base import ApiAnswer
from bot.workspace.wording import one_line

AnyId = Annotated[
    str,
    BeforeValidator(lambda id: str(id) if type(id) is int else id),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
    Field(examples=["6762f0cd1bb69f9f2193bb7c"]),
]
"""Clients send ids as strings or as numbers."""
Name = Annotated[str, BeforeValidator(one_line), Field(min_length=1, max_length=60)]


class ApiBody(BaseModel):
    """What a program sends: closed and strict, so that a misspelled field is an error and not a silent no."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ApiQuery(BaseModel):
    """The query of an address."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ErrorShape(ApiAnswer):
    code: str = Field(examples=["not_found"])
    message: str | None = Field(examples=["User Not Found"])
    field: str | None = Field(examples=[None])


class ErrorList(ApiAnswer):
    """Every error has this shape."""

    type: Literal["error.list"] = "error.list"
    request_id: str | None = Field(examples=["0d9f4a1ce8b34a5f9c6e7d21"])
    errors: list[ErrorShape]


def example_of(model: type[BaseModel]) -> dict[str, Any]:
    """An example, made of the examples and defaults of its fields."""
    found = {}
    for name, field in model.model_fields.items():
        found[field.alias or name] = field.examples[0] if field.examples else _example(field.annotation, field.default)
    return found


def _example(kind: Any, default: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return example_of(kind)
    if origin is Annotated:
        return _of_annotated(kind, default)
    if origin is list:
        return [_example(inner[0], None)]
    if origin is Literal:
        return inner[0]
    if origin in {Union, UnionType}:
        return _example(inner[0], default)
    return default if isinstance(default, (str, int, float, bool, list, dict)) else None


def _of_annotated(kind: Any, default: Any) -> Any:
    inner, *notes = get_args(kind)
    examples = [note.examples[0] for note in notes if getattr(note, "examples", None)]
    return examples[0] if examples else _example(inner, default)
