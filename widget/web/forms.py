"""Posted forms of teammate pages, and rendering them again with the submitted values and errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from bot.errors import Conflict, FormWrong, Invalid, SaysoError
from bot.errors import marked as _
from bot.i18n import Translator, translator
from widget.web.csrf import FIELD
from widget.web.http import Handler, read_form, sentence, status_of, wanted_locale

CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class FormInput(BaseModel):
    """Base class of form models: unknown fields are rejected; surrounding spaces and control characters are removed."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @field_validator("*", mode="before")
    @classmethod
    def _seen(cls, typed: object) -> object:
        return CONTROLS.sub("", typed) if isinstance(typed, str) else typed


M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Form:
    """Fills the fields of a template: `form.value("name", subscription.name)`, `form.fault("name")`."""

    typed: Mapping[str, str] | None = None
    """None: nothing was submitted yet, the page shows stored values."""
    faults: Mapping[str, str] = field(default_factory=dict)
    status: int = 200

    def value(self, name: str, stored: str = "") -> str:
        return stored if self.typed is None else self.typed.get(name, "")

    def is_on(self, name: str, stored: bool = False) -> bool:
        """For a toggle, which sends nothing when it is off."""
        return stored if self.typed is None else name in self.typed

    def fault(self, name: str) -> str | None:
        return self.faults.get(name)


FORM = web.RequestKey("form", Form)

PLAIN: dict[str, str] = {
    "missing": _("This field is required."),
    "string_too_short": _("This field is required."),
    "too_short": _("This field is required."),
    "string_too_long": _("Too long. Use up to %(most)s characters."),
    "too_long": _("Too long. Use up to %(most)s characters."),
    "enum": _("Choose an option."),
    "literal_error": _("Choose an option."),
    "extra_forbidden": _("Unexpected field. Reload the page and try again."),
}
"""Messages for pydantic's error types. `too_…`: of a text whose length is checked after another validator."""
REQUIRED = {
    "name": _("Name is required."),
    "title": _("Title is required."),
    "subscription": _("Subscription is required."),
}
"""Messages for empty fields, by field name; other fields have that of `PLAIN`."""
OTHERWISE = _("Invalid value.")


async def fields(request: web.Request) -> dict[str, str]:
    """The submitted fields without the CSRF token."""
    return {name: value for name, value in (await read_form(request)).items() if name != FIELD}


async def read_input(request: web.Request, model: type[M], *, leaving: Collection[str] = ()) -> M:
    """Raises FormWrong with a message for each field; a validator's ValueError brings its own message.

    A field named `translations.es.name` sets that path of the model, and its error has the same name. `leaving`: names
    of other controls in the form, to be ignored.
    """
    sent = {name: value for name, value in (await fields(request)).items() if name not in leaving}
    try:
        return model.model_validate(nested(sent))
    except ValidationError as wrong:
        raise FormWrong(_faults(wrong, translator(wanted_locale(request)))) from None


def nested(flat: Mapping[str, str]) -> dict[str, Any]:
    """`{"a.b": "1"}` becomes `{"a": {"b": "1"}}`. A name that is both a field and a group is dropped."""
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *groups, last = name.split(".")
        place: Any = tree
        for group in groups:
            place = place.setdefault(group, {}) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place[last] = value
    return tree


async def again(request: web.Request, draw: Handler, wrong: SaysoError) -> web.StreamResponse:
    """Renders the form's page again: `draw` finds the submitted values and errors in the template's `form`."""
    say = translator(wanted_locale(request))
    if isinstance(wrong, FormWrong):
        faults = {name: say(text, **wrong.values) for name, text in wrong.faults.items()}
    else:
        faults = {"": sentence(wrong, say)}
    request[FORM] = Form(await fields(request), faults, status_of(wrong))
    return await draw(request)


def redrawn_by(draw: Handler) -> Callable[[Handler], Handler]:
    """Decorates a form handler: when it raises Invalid or Conflict, `draw` renders the page again with the error."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        async def wrapped(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except (Invalid, Conflict) as wrong:
                return await again(request, draw, wrong)

        return wrapped

    return decorate


def _faults(wrong: ValidationError, say: Translator) -> dict[str, str]:
    found: dict[str, str] = {}
    for error in wrong.errors(include_url=False):
        name = ".".join(map(str, error["loc"])) if error["type"] != "extra_forbidden" else ""
        is_empty = error["type"] == "string_pattern_mismatch" and error["input"] == ""
        kind = "missing" if is_empty else error["type"]
        found.setdefault(name, _sentence(kind, name, error.get("ctx", {}), say))
    return found


def _sentence(kind: str, name: str, context: Mapping[str, Any], say: Translator) -> str:
    if kind == "value_error":
        return say(str(context["error"]))
    if kind in {"string_too_long", "too_long"}:
        return say(PLAIN[kind], most=str(context["max_length"]))
    if kind in {"missing", "string_too_short", "too_short"}:
        return say(REQUIRED.get(name.rpartition(".")[2], PLAIN[kind]))
    return say(PLAIN.get(kind, OTHERWISE))
