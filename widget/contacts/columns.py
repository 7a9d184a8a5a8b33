"""The columns of the list: their names, how they sort, and what they show of a contact."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.consent.numbers import saved_number
from bot.consent.status import ConsentStatus, statuses
from bot.contacts.finder import SortBy
from bot.contacts.permission_answer import permission_answer
from bot.model.contact import ConsentState, Contact
from bot.model.stop import Stop
from bot.model.subscription import MessageType, Subscription
from widget.contacts.definitions import Definitions
from widget.contacts.verdicts import rule_of
from widget.contacts.words import ROLES
from widget.inbox.consent_status import note_of
from widget.inbox.details import attribute_text, isolated, name_of

SUBSCRIPTION, TEXTABLE, ATTRIBUTE = "subscription:", "textable:", "attribute:"
Stops = Mapping[str, Stop]
"""By number, those that ever texted STOP."""
MOST = 20
"""Columns at the same time, next to the name."""
MOST_SUBSCRIPTIONS = 2
"""Shown unless somebody chooses columns."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A badge. `kind`: as in `ui.badge`."""

    text: str
    kind: str = "plain"
    note: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    text: str = ""
    at: datetime | None = None
    marks: tuple[Mark, ...] = ()
    is_ltr: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    label: str
    cell: Callable[[Contact, Stops], Cell]
    sort: SortBy | None = None


@dataclass(frozen=True, slots=True)
class ContactRow:
    id: str
    version: str
    """The last event and edit that it shows."""
    name: str
    external_id: str
    cells: tuple[Cell, ...]


def version_of(contact: Contact) -> str:
    """Another one whenever a row may show something else: the last event, and the time of the last change."""
    return f"{contact.ledger.seq}:{int(contact.updated_at.timestamp() * 1000)}"


def all_columns(d: Definitions) -> dict[str, Column]:
    """By key, without the name, which is always there."""
    return {column.key: column for column in _columns(d)}


def usual_columns(d: Definitions) -> tuple[str, ...]:
    return ("phone", *(f"{SUBSCRIPTION}{s.id}" for s in d.live[:MOST_SUBSCRIPTIONS]), "last_seen", "created")


def row_of(contact: Contact, columns: Sequence[Column], stops: Stops, d: Definitions) -> ContactRow:
    cells = tuple(column.cell(contact, stops) for column in columns)
    return ContactRow(contact.id, version_of(contact), name_of(contact, d.say), contact.external_id or "", cells)


def _columns(d: Definitions) -> Iterator[Column]:
    say = d.say
    yield Column("phone", say("Phone"), lambda c, _: _phone(c, d))
    yield Column("email", say("Email"), lambda c, _: Cell(c.email or "", is_ltr=True))
    yield Column("role", say("Role"), lambda c, _: Cell(say(ROLES[c.role])))
    for s in d.live:
        yield Column(f"{SUBSCRIPTION}{s.id}", d.subscription(s.id), _consent(s, d))
    for s in d.live:
        if d.is_sms(s.id):
            name = say("Can be texted now: %(name)s", name=d.subscription(s.id))
            yield Column(f"{TEXTABLE}{s.id}", name, _textable(s, d))
    yield Column("last_seen", say("Last seen"), lambda c, _: Cell(at=c.last_seen_at), SortBy.LAST_SEEN)
    yield Column("created", say("Created"), lambda c, _: Cell(at=c.created_at), SortBy.CREATED)
    yield Column("tags", say("Tags"), lambda c, _: _tags(c, d))
    yield Column("external_id", say("User ID"), lambda c, _: Cell(c.external_id or "", is_ltr=True))
    for key, attribute in d.attributes.items():
        yield Column(f"{ATTRIBUTE}{key}", attribute.name, _attribute(key, d))


def _phone(contact: Contact, d: Definitions) -> Cell:
    number = saved_number(contact.phone)
    if number:
        return Cell(isolated(number.national))
    return Cell(contact.phone, marks=(Mark(d.say("Invalid"), "warn"),), is_ltr=True) if contact.phone else Cell()


def _tags(contact: Contact, d: Definitions) -> Cell:
    return Cell(marks=tuple(Mark(d.tags[id].name) for id in contact.tags if id in d.tags))


def _attribute(key: str, d: Definitions) -> Callable[[Contact, Stops], Cell]:
    def cell(contact: Contact, stops: Stops) -> Cell:
        value = contact.attributes.get(key)
        return Cell("" if value is None else attribute_text(value, d.say))

    return cell


def _consent(subscription: Subscription, d: Definitions) -> Callable[[Contact, Stops], Cell]:
    def cell(contact: Contact, stops: Stops) -> Cell:
        (status,) = statuses(contact, [subscription], stopped={number for number, stop in stops.items() if stop.holds})
        text, kind = _state(status, d)
        return Cell(marks=(Mark(text, kind, note_of(status, d.say)),) if text else ())

    return cell


def _textable(subscription: Subscription, d: Definitions) -> Callable[[Contact, Stops], Cell]:
    """As the filter of that name, and the reason."""

    def cell(contact: Contact, stops: Stops) -> Cell:
        answer = permission_answer(contact, subscription, stops.get(contact.phone or ""))
        words = d.say("Yes") if answer.permission.allowed else d.say("No")
        return Cell(marks=(Mark(words, "good" if answer.permission.allowed else "plain", rule_of(answer, d.say)),))

    return cell


def _state(status: ConsentStatus, d: Definitions) -> tuple[str, str]:
    """Words and the kind of badge; empty: they never answered, and nothing is sent."""
    say, state = d.say, status.consent.state if status.consent else ConsentState.NONE
    if status.state == "stopped":
        return say("Texted STOP"), "bad"
    if state is ConsentState.OPTED_OUT:
        return say("Opted out"), "plain"
    if state is ConsentState.PENDING:
        return say("Pending"), "warn"
    if status.on:
        return (say("On by default"), "plain") if status.is_default else (say("Opted in"), _trust(status))
    if state is ConsentState.OPTED_IN:
        is_text = status.subscription.message_type is MessageType.SMS
        if status.state == "unreachable":
            return (say("No valid number") if is_text else say("No valid email address")), "warn"
        return (say("Different number") if is_text else say("Different address")), "warn"
    return "", "plain"


def _trust(status: ConsentStatus) -> str:
    return "warn" if status.is_weak else "good"
