"""The menu of views: everybody, the usual ones, and the segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.i18n import Translator
from bot.model.contact import Role
from bot.model.filter import Filter, RoleIs
from bot.model.segment import Segment
from widget.contacts.query import ContactsQuery


@dataclass(frozen=True, slots=True)
class ViewLink:
    name: str
    path: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Views:
    usual: tuple[ViewLink, ...]
    segments: tuple[ViewLink, ...]
    current: str
    """The name of the current one."""


def views_of(asked: ContactsQuery, segments: Sequence[Segment], say: Translator) -> Views:
    """Columns and order stay as they are."""
    filters = {
        say("All contacts"): Filter(),
        say("Users"): Filter.of(RoleIs(roles=(Role.USER,))),
        say("Leads"): Filter.of(RoleIs(roles=(Role.LEAD,))),
    }
    usual = tuple(
        ViewLink(name, _path(asked, filter, None), asked.segment is None and asked.filter == filter)
        for name, filter in filters.items()
    )
    saved = tuple(
        ViewLink(s.name, _path(asked, s.filter, s), asked.segment is not None and asked.segment.id == s.id)
        for s in segments
    )
    current = next((view.name for view in (*usual, *saved) if view.is_current), say("Filtered contacts"))
    return Views(usual, saved, current)


def _path(asked: ContactsQuery, filter: Filter, segment: Segment | None) -> str:
    return replace(asked, filter=filter, segment=segment).address()
