"""JSON input from our own scripts: closed and strict. Form input is in `widget/web/forms.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.paging import Cursor, Key


class JsonInput(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=BaseModel)


def cursor_of(request: web.Request, *kinds: type[Key]) -> Cursor | None:
    """The cursor in the URL (`?before=`). Raises Invalid."""
    return Cursor.parse(request.query.get("before", ""), *kinds)


async def read_json(request: web.Request, model: type[M]) -> M:
    """The body of a request that our own script sent. Raises Invalid.

    Only JSON declared as such: a page of another site can't send that without a CORS preflight, which fails.
    """
    raw = await request.read()
    if request.content_type != "application/json":
        raise Invalid(_("Invalid value: %(field)s."), field="Content-Type")
    return parse(model, raw)


def parse(model: type[M], raw: str | bytes) -> M:
    """Raises Invalid, which names the field."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise Invalid(_("Invalid value: %(field)s."), field=_place(error)) from None


def parse_fields(model: type[M], fields: Mapping[str, str]) -> M:
    """Raises Invalid, which names the field."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise Invalid(_("Invalid value: %(field)s."), field=_place(error)) from None


def _place(error: ValidationError) -> str:
    fault = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in fault["loc"]) or "body"
    return f"{where}: {fault['msg']}"
