"""Requests of Intercom, read laxly: documents, examples and recorded requests differ in how they spell things."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.chat.canvas import CanvasPerson
from bot.i18n import choose_locale


class Lax(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)


class CanvasContact(Lax):
    """`user_id` and `external_id` are two names of one thing."""

    id: str = Field(default="", max_length=200)
    external_id: str | None = Field(default=None, max_length=320)
    user_id: str | None = Field(default=None, max_length=320)
    role: str | None = None
    type: str | None = None
    name: str | None = None
    email: str | None = None

    @property
    def is_user(self) -> bool:
        """The user id of a lead or visitor is one that Intercom made up."""
        return (self.role or self.type or "contact") in {"user", "contact"}

    def person(self, locale: str, *, is_proven: bool) -> CanvasPerson:
        """`is_proven`: the user id is, else it is only claimed and counts for nothing."""
        said = self.external_id or self.user_id
        return CanvasPerson(
            id=self.id or said or "",
            external_id=said if is_proven and self.is_user and said and said.strip() else None,
            name=(self.name or "")[:320] or None,
            email=self.email or None,
            locale=locale,
        )


class CanvasContext(Lax):
    locale: str | None = None


class CanvasRequest(Lax):
    """Any of the requests."""

    workspace_id: str = ""
    component_id: str | None = None
    admin: dict[str, Any] | None = None
    context: CanvasContext = CanvasContext()
    card_creation_options: dict[str, Any] = Field(default_factory=dict)
    current_canvas: dict[str, Any] = Field(default_factory=dict)
    input_values: dict[str, Any] = Field(default_factory=dict)
    user: CanvasContact | None = None
    contact: CanvasContact | None = None
    customer: CanvasContact | None = None

    @field_validator("context", "card_creation_options", "current_canvas", "input_values", mode="before")
    @classmethod
    def _something(cls, value: Any) -> Any:
        return {} if value is None else value

    def person(self, *, is_proven: bool) -> CanvasPerson | None:
        """Who acts, or who sees it. None: the request names nobody."""
        found = self.user or self.contact or self.customer
        person = found.person(self.locale, is_proven=is_proven) if found else None
        return person if person and person.id else None

    @property
    def locale(self) -> str:
        return choose_locale((self.context.locale or "",))

    @property
    def stored_data(self) -> dict[str, Any]:
        """Of the current canvas, which some requests wrap once more."""
        inner = self.current_canvas.get("current_canvas")
        canvas = inner if isinstance(inner, dict) else self.current_canvas
        data = canvas.get("stored_data")
        return data if isinstance(data, dict) else {}

    def value(self, name: str) -> str | None:
        """What was typed or chosen."""
        found = self.input_values.get(name)
        return str(found) if isinstance(found, str | int) else None

    @property
    def is_box_ticked(self) -> bool:
        ticked = self.input_values.get("box")
        return "on" in ticked if isinstance(ticked, list) else ticked == "on"
