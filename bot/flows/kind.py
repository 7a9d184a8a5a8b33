"""Parts of a flow that come in kinds: steps and triggers. Pure."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict, model_serializer
from pydantic_core.core_schema import SerializerFunctionWrapHandler

from bot.model.base import Value


class KindBase(Value):
    """As people write it: unknown fields are mistakes. Subclasses have a field `kind` that tells them apart."""

    model_config = ConfigDict(extra="forbid")

    @model_serializer(mode="wrap")
    def _with_kind(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """`kind` is kept when defaults are left out."""
        return {"kind": type(self).model_fields["kind"].default, **handler(self)}
