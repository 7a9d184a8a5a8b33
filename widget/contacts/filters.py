"""Adding and changing a condition: a dialog over the list; without JavaScript, pages of their own."""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from bot.errors import FormWrong, Invalid
from widget.contacts.definitions import Definitions
from widget.contacts.editors import editor, kind_of, kinds
from widget.contacts.filter_view import EDITOR
from widget.contacts.fragments import fragment
from widget.contacts.groups import Place, put
from widget.contacts.query import ContactsQuery, asked_of
from widget.web.forms import FORM, Form
from widget.web.http import sentence, status_of
from widget.web.teammate_pages import Scope, is_htmx, requires

APPLY = f"{EDITOR}/apply"


async def edit(request: web.Request) -> web.StreamResponse:
    """The editor of the condition at `?at=`; for a new one, of the kind that was chosen, or the choice."""
    d, asked = await asyncio.gather(Definitions.load(request), asked_of(request))
    return await _editor(request, asked, d)


async def apply(request: web.Request) -> web.StreamResponse:
    """Leads to where the changed filter is shown; draws the editor again if something is missing."""
    d, asked = await asyncio.gather(Definitions.load(request), asked_of(request))
    kind, place = request.query.get("kind", ""), Place.parse(request.query.get("at", ""))
    try:
        condition = editor(kind, d).read(kind, request.query)
        path = asked.with_filter(put(asked.filter, place, condition)).address()
    except Invalid as wrong:
        return await _editor(request, asked, d, wrong)
    if is_htmx(request):
        if asked.draft:
            return web.Response(status=204, headers={"HX-Trigger": json.dumps({"filter-applied": {"path": path}})})
        return web.Response(headers={"HX-Redirect": path})
    raise web.HTTPSeeOther(path)


async def _editor(
    request: web.Request, asked: ContactsQuery, d: Definitions, wrong: Invalid | None = None
) -> web.StreamResponse:
    """Raises Invalid and NotFound: the filter has no such place, or there is no such kind."""
    place = Place.parse(request.query.get("at", ""))
    value = place.condition_in(asked.filter)
    kind = request.query.get("kind", "") or (kind_of(value) if value else "")
    at = {"at": str(place), "kind": kind}
    shared = {"asked": asked, "at": at, "action": APPLY}
    if not kind:
        paths = {k: asked.address(EDITOR, **{**at, "kind": k}) for _title, some in kinds(d) for k, _name in some}
        return await fragment(
            request, "contacts/_kinds.html", d.say("Add filter"), groups=kinds(d), paths=paths, **shared
        )
    made = editor(kind, d, value)
    if wrong:
        made, request[FORM] = made.filled(request.query), form_of(wrong, d)
    return await fragment(request, "contacts/_editor.html", made.name, editor=made, **shared)


def form_of(wrong: Invalid, d: Definitions) -> Form:
    """What is wrong with a condition that was submitted."""
    faults = wrong.faults if isinstance(wrong, FormWrong) else {"": sentence(wrong, d.say)}
    return Form({}, {name: d.say(text, **wrong.values) for name, text in faults.items()}, status_of(wrong))


def add_routes(app: web.Application) -> None:
    reads = requires(Scope.READ_CONTACTS)
    app.router.add_get(EDITOR, reads(edit))
    app.router.add_get(APPLY, reads(apply))
