"""Conditions of audiences and branches, in a dialog of the editor: those of contact filters that a flow can ask."""

from __future__ import annotations

import json
from typing import Any, get_args

from aiohttp import web
from multidict import MultiMapping
from pydantic import Field, TypeAdapter, ValidationError

from bot.errors import Invalid
from bot.errors import marked as _
from bot.flows.matching import OfficeHoursAre, PersonCondition
from bot.model.filter import Condition
from widget.bots.pages import PATH
from widget.contacts.chips import words_of
from widget.contacts.definitions import Definitions, Options
from widget.contacts.editors import ATTRIBUTE, editor, kind_of, kinds
from widget.contacts.filters import form_of
from widget.contacts.fragments import fragment
from widget.contacts.query import ContactsQuery
from widget.web.forms import FORM
from widget.web.input import JsonInput, read_json
from widget.web.teammate_pages import Scope, requires

EDIT, APPLY, WORDS = f"{PATH}/-/conditions", f"{PATH}/-/conditions/apply", f"{PATH}/-/conditions/words"
CONDITION: TypeAdapter[PersonCondition] = TypeAdapter(PersonCondition)
FIELDS = {kind.model_fields["field"].default for kind in get_args(get_args(PersonCondition)[0])}
HOURS = (("office_hours", _("During office hours")), ("no_office_hours", _("Outside office hours")))


class Given(JsonInput):
    conditions: tuple[dict[str, Any], ...] = Field(max_length=2000)


async def edit(request: web.Request) -> web.StreamResponse:
    """The editor of `?value=`, of a new one of `?kind=`, or the choice of a kind. Raises Invalid and NotFound."""
    d, value = await Definitions.load(request), _condition(request.query.get("value", ""))
    kind = request.query.get("kind", "") or (kind_of(value) if value else "")
    if not kind:
        groups = _kinds(d)
        paths = {
            kind: f"{APPLY if kind in dict(HOURS) else EDIT}?kind={kind}" for _t, some in groups for kind, _n in some
        }
        return await fragment(request, "contacts/_kinds.html", d.say("Add condition"), groups=groups, paths=paths)
    return await _editor(request, d, kind, value)


async def apply(request: web.Request) -> web.StreamResponse:
    """Hands the condition to the page by an event; draws the editor again if something is missing."""
    d, kind = await Definitions.load(request), request.query.get("kind", "")
    try:
        made = _made(kind, d, request.query)
    except Invalid as wrong:
        return await _editor(request, d, kind, None, wrong)
    detail = {"condition": made.model_dump(mode="json", exclude_defaults=True), "words": _words(made, d)}
    return web.Response(status=204, headers={"HX-Trigger": json.dumps({"condition-made": detail})})


async def words(request: web.Request) -> web.StreamResponse:
    """Each condition in words, in the order in which they were sent; empty for one that isn't valid."""
    given, d = await read_json(request, Given), await Definitions.load(request)
    return web.json_response([words_or_none(raw, d) for raw in given.conditions])


def _kinds(d: Definitions) -> list[tuple[str, Options]]:
    groups = [(title, [(k, n) for k, n in some if k in FIELDS or k.startswith(ATTRIBUTE)]) for title, some in kinds(d)]
    return [*groups, (d.say("Office hours"), [(kind, d.say(name)) for kind, name in HOURS])]


def _made(kind: str, d: Definitions, given: MultiMapping[str]) -> Condition | OfficeHoursAre:
    """Raises Invalid and NotFound."""
    if kind in dict(HOURS):
        return OfficeHoursAre(is_not=kind == HOURS[1][0])
    return editor(kind, d).read(kind, given)


async def _editor(
    request: web.Request, d: Definitions, kind: str, value: Any, wrong: Invalid | None = None
) -> web.StreamResponse:
    made = editor(kind, d, value)
    if wrong:
        made, request[FORM] = made.filled(request.query), form_of(wrong, d)
    shared = {"asked": ContactsQuery(), "at": {"kind": kind}, "action": APPLY, "apply": d.say("Apply")}
    return await fragment(request, "contacts/_editor.html", made.name, editor=made, **shared)


def _condition(text: str) -> Any:
    """Raises Invalid."""
    if not text:
        return None
    try:
        return CONDITION.validate_json(text)
    except ValidationError:
        raise Invalid(_("This condition is invalid. Remove it and add it again.")) from None


def _words(condition: Condition | PersonCondition, d: Definitions) -> str:
    if isinstance(condition, OfficeHoursAre):
        return d.say(HOURS[condition.is_not][1])
    return str(words_of(condition, d))


def words_or_none(raw: dict[str, Any], d: Definitions) -> str:
    try:
        return _words(CONDITION.validate_python(raw, strict=False), d)
    except ValidationError:
        return ""


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_FLOWS)
    app.router.add_get(EDIT, manages(edit))
    app.router.add_get(APPLY, manages(apply))
    app.router.add_post(WORDS, manages(words))
