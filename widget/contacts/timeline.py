"""A contact's timeline in words: what happened, when, and who did it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from aiohttp import web

from bot.contacts.timeline import Entry, Kind, TimelinePage, time_of
from bot.errors import NotFound
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.audit import AuditAction, AuditEntry
from bot.model.base import iso
from bot.model.contact_import import ImportChange
from bot.model.conversation import Channel, Conversation
from bot.model.delivery import Delivery, DeliveryState
from bot.model.event import ConsentEvent
from bot.model.job import JobItem
from bot.outbound.kinds import KINDS
from widget.contacts.definitions import Definitions
from widget.inbox.details import shown_number
from widget.inbox.history import HistoryEntry, entries_of
from widget.web.http import BOT
from widget.web.teammate_pages import Scope, principal

TABS: Mapping[str, tuple[str, tuple[Kind, ...]]] = {
    "": (_("All"), (*Kind,)),
    "consent": (_("Consent"), (Kind.CONSENT,)),
    "texts": (_("Texts"), (Kind.TEXT,)),
    "conversations": (_("Conversations"), (Kind.CONVERSATION,)),
    "changes": (_("Changes"), (Kind.EDIT, Kind.IMPORT, Kind.TAG)),
}
"""By the value of `show` in the address."""
STATES = {
    DeliveryState.QUEUED: (_("Queued"), "plain"),
    DeliveryState.SENDING: (_("Sending"), "plain"),
    DeliveryState.SENT: (_("Sent"), "good"),
    DeliveryState.FAILED: (_("Failed"), "bad"),
    DeliveryState.BLOCKED: (_("Not sent"), "warn"),
    DeliveryState.UNKNOWN: (_("Unknown"), "warn"),
}
ACTS: Mapping[str, str] = {
    AuditAction.CONTACT_ARCHIVED: _("Archived by %(name)s"),
    AuditAction.CONTACT_UNARCHIVED: _("Unarchived by %(name)s"),
    AuditAction.CONTACT_DATA_DOWNLOADED: _("%(name)s downloaded all data"),
}
FIELDS = {
    "name": _("Name"),
    "external_id": _("User ID"),
    "phone": _("Phone"),
    "email": _("Email"),
    "role": _("Role"),
    "locale": _("Language"),
    "time_zone": _("Time zone"),
    "tags": _("Tags"),
    "attributes": _("Attributes"),
}


IMPORTS = "/contacts/imports/"
OLDER = "older"
"""In the address: the cursor. `before` is that of the panel beside it."""


@dataclass(frozen=True, slots=True)
class TimelineItem:
    id: str
    at: str
    """ISO 8601."""
    title: str = ""
    text: str = ""
    """What somebody wrote."""
    detail: str = ""
    path: str = ""
    """Where more of it is."""
    badge: tuple[str, str] | None = None
    """Words and kind."""
    consent: HistoryEntry | None = None


@dataclass(frozen=True, slots=True)
class TimelineView:
    items: Sequence[TimelineItem]
    tabs: Sequence[Mapping[str, object]]
    shown: str
    next: str
    """The address of earlier entries; empty: there are none."""


async def timeline_of(request: web.Request, contact: str, d: Definitions) -> TimelineView:
    """The page that the address asks for. Raises Invalid and NotFound."""
    shown, here = request.query.get("show", ""), f"/contacts/{contact}"
    if shown not in TABS:
        raise NotFound
    page = await request.app[BOT].timelines.page(contact, request.query.get(OLDER, ""), TABS[shown][1])
    tabs = [
        {"path": f"{here}?show={name}" if name else here, "label": d.say(label), "current": name == shown}
        for name, (label, _kinds) in TABS.items()
    ]
    more = f"{here}/timeline?show={shown}&{OLDER}={quote(page.next)}" if page.next else ""
    may_import = principal(request).may(Scope.BULK_CONTACTS)
    return TimelineView(items_of(page, d, may_import=may_import), tabs, shown, more)


def items_of(page: TimelinePage, d: Definitions, *, may_import: bool) -> list[TimelineItem]:
    """`may_import`: whether the pages of imports are linked."""
    consents = {entry.seq: entry for entry in entries_of(page.history, "", d.say)}
    items = [_item(entry, page, consents, d) for entry in page.entries]
    return items if may_import else [replace(i, path="") if i.path.startswith(IMPORTS) else i for i in items]


def _item(entry: Entry, page: TimelinePage, consents: Mapping[int, HistoryEntry], d: Definitions) -> TimelineItem:
    id, at = f"at-{entry.id.replace(':', '-')}", iso(time_of(entry))
    match entry:
        case ConsentEvent():
            return TimelineItem(id, at, consent=consents[entry.seq])
        case Delivery():
            return _text(id, at, entry, d)
        case Conversation():
            title = d.say("Text messages") if entry.channel is Channel.SMS else d.say("Chat")
            return TimelineItem(id, at, title, entry.preview, path=f"/inbox/{entry.id}")
        case AuditEntry():
            return _edit(id, at, entry, d.say)
        case ImportChange():
            file = page.files.get(entry.job)
            path = f"{IMPORTS}{file.id}" if file else ""
            title = d.say("Created by an import") if entry.created else d.say("Changed by an import")
            detail = " · ".join(_imported(entry, file.file if file else "", d))
            undone = (d.say("Import undone"), "warn") if file and file.undo else None
            return TimelineItem(id, at, title, detail=detail, path=path, badge=undone)
        case JobItem():
            return _tagged(id, at, entry, page, d)


def _text(id: str, at: str, text: Delivery, d: Definitions) -> TimelineItem:
    label, (state, kind) = KINDS[text.kind].label, STATES[text.state]
    about = [d.say(label) if label else "", d.subscription(text.subscription) if text.subscription else ""]
    number = shown_number(text.number) if text.number.startswith("+") else ""
    detail = " · ".join(filter(None, [*about, number]))
    return TimelineItem(
        id,
        at,
        d.say("Text message"),
        text.body or "",
        detail,
        path=f"/outbound/deliveries/{text.id}",
        badge=(d.say(state), kind),
    )


def _edit(id: str, at: str, entry: AuditEntry, say: Translator) -> TimelineItem:
    if words := ACTS.get(entry.action):
        return TimelineItem(id, at, say(words, name=entry.actor_name))
    fields = (say(FIELDS[field]) for field in entry.detail.split(", ") if field in FIELDS)
    return TimelineItem(id, at, say("Edited by %(name)s", name=entry.actor_name), detail=", ".join(fields))


def _imported(change: ImportChange, file: str, d: Definitions) -> Iterator[str]:
    if file:
        yield d.say("%(file)s, line %(line)s", file=file, line=d.say.number(change.line))
    names = [_field(name, d) for name in change.after] + ([d.say("Tags")] if change.tags else [])
    if names:
        yield ", ".join(names)


def _field(name: str, d: Definitions) -> str:
    return d.say(FIELDS[name]) if name in FIELDS else d.attribute(name.rpartition("/")[2])


def _tagged(id: str, at: str, item: JobItem, page: TimelinePage, d: Definitions) -> TimelineItem:
    job = page.jobs[item.job]
    title = d.say("Tag added in bulk") if job.kind == "add_tag" else d.say("Tag removed in bulk")
    return TimelineItem(id, at, title, detail=f"{d.tag(str(job.input.get('tag', '')))} · {job.by_name}")
