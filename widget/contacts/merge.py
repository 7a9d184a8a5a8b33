"""Merging another contact into this one, after a preview of what stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from bot.contacts.merge import MergePreview
from bot.errors import FormWrong
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.audit import AuditAction
from bot.model.contact import ConsentState, Contact
from bot.model.event import Actor, Context, Source
from bot.model.filter import Filter
from bot.model.subscription import Subscription
from widget.contacts.profile import PROFILE
from widget.inbox.details import name_of, shown_number
from widget.web.forms import FORM, Form
from widget.web.http import BOT, client_ip, user_agent
from widget.web.teammate_pages import (
    FormInput,
    Scope,
    by,
    done,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translator_for,
)

FOUND = 20
WORD = _("MERGE")
STATES = {
    ConsentState.NONE: _("No response yet"),
    ConsentState.PENDING: _("Waiting for YES"),
    ConsentState.OPTED_IN: _("Opted in"),
    ConsentState.OPTED_OUT: _("Opted out"),
}
ISOLATED = "\u2068{}\u2069"
"""Keeps the parts of a number in order in a sentence that runs from right to left."""
LOST = {
    "phone": _("The phone number %(value)s won't be kept."),
    "email": _("The email address %(value)s won't be kept."),
    "external_id": _("The user ID %(value)s won't be kept. If this user signs in again, they become a new contact."),
}


class MergeChoice(FormInput):
    other: Annotated[str, Field(pattern="^[0-9a-f]{24}$")]
    word: Annotated[str, Field(max_length=40)] = ""


@dataclass(frozen=True, slots=True)
class MergeRow:
    """One line of the preview: both contacts' values, and the result."""

    label: str
    kept: str
    other: str
    after: str


async def show(request: web.Request) -> web.StreamResponse:
    """A search for the other contact, then the preview."""
    bot, say, id = request.app[BOT], translator_for(request), request.match_info["contact"]
    other = request.get(FORM, Form()).value("other", request.query.get("with", ""))
    query = request.query.get("q", "").strip()[:200]
    values: dict[str, Any] = {"rows": [], "found": [], "lost": [], "other": ""}
    if other == id:
        other, request[FORM] = "", Form(faults={"q": say("Choose another contact.")}, status=422)
    contact = await bot.merge.living(id)
    if other:
        preview = await bot.merge.preview(id, other)
        subscriptions = {subscription.id: subscription for subscription in await bot.store.subscriptions.all()}
        values |= {
            "rows": [*_rows(preview, subscriptions, say)],
            "other": other,
            "other_name": name_of(preview.other, say),
            "lost": [
                say(LOST[name], value=ISOLATED.format(_shown(preview.other, name))) for name in preview.merger.lost
            ],
        }
    elif query:
        page = await bot.finder.page(Filter(query=query), limit=FOUND)
        values["found"] = [_candidate(c, say) for c in page.items if c.id != id]
    name = name_of(contact, say)
    title = say("Merge into %(contact)s", contact=name)
    values |= {"here": f"/contacts/{id}", "name": name, "query": query, "word": say(WORD)}
    return await teammate_page(request, "contacts/merge.html", section="contacts", title=title, **values)


@redrawn_by(show)
async def merge(request: web.Request) -> web.StreamResponse:
    bot, say, id = request.app[BOT], translator_for(request), request.match_info["contact"]
    wanted = await read_input(request, MergeChoice)
    if wanted.word.casefold() != say(WORD).casefold():
        raise FormWrong({"word": say("Type %(word)s to confirm.", word=say(WORD))})
    who = by(request)
    context = Context(ip=client_ip(request), user_agent=user_agent(request))
    await bot.merge.merge(id, wanted.other, Actor(kind="teammate", id=who.id), Source.PROFILE, context)
    await bot.audit.record(who, AuditAction.CONTACT_MERGED, id, detail=wanted.other, key=wanted.other)
    raise done(f"/contacts/{id}", say("Contacts merged."))


def _candidate(contact: Contact, say: Translator) -> tuple[str, str, str]:
    known = [contact.email, shown_number(contact.phone) if contact.phone else None]
    return contact.id, name_of(contact, say), " · ".join(filter(None, known))


def _rows(preview: MergePreview, subscriptions: dict[str, Subscription], say: Translator) -> list[MergeRow]:
    kept, other, merger = preview.kept, preview.other, preview.merger
    after = kept.model_copy(update={"phone": merger.phone, "email": merger.email, **merger.values})
    labels = {"name": say("Name"), "phone": say("Phone"), "email": say("Email"), "external_id": say("User ID")}
    rows = [
        MergeRow(label, *(_shown(contact, name) for contact in (kept, other, after))) for name, label in labels.items()
    ]
    ids = dict.fromkeys(c.subscription for c in (*kept.consents, *other.consents))
    for id in ids:
        named = subscriptions.get(id)
        states = _state(kept, id), _state(other, id), merger.after(id, kept)
        rows.append(MergeRow(named.words(say.locale).name if named else id, *(say(STATES[state]) for state in states)))
    return rows


def _state(contact: Contact, subscription: str) -> ConsentState:
    consent = contact.consent(subscription)
    return consent.state if consent else ConsentState.NONE


def _shown(contact: Contact, name: str) -> str:
    value = getattr(contact, name) or ""
    return shown_number(value) if name == "phone" and value else value


def add_routes(app: web.Application) -> None:
    writes = requires(Scope.WRITE_CONTACTS)
    app.router.add_get(f"{PROFILE}/merge", writes(show))
    app.router.add_post(f"{PROFILE}/merge", writes(merge))
