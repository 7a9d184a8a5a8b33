"""View models of the filter: groups of chips, each with the addresses that change it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.i18n import Translator
from bot.model.filter import Filter, Match
from widget.contacts.chips import ConditionWords, words_of
from widget.contacts.definitions import Definitions
from widget.contacts.groups import Place, turned, without
from widget.contacts.query import ContactsQuery

EDITOR = "/contacts/filter"


@dataclass(frozen=True, slots=True)
class Joint:
    """The word between conditions or groups, and the address that switches it."""

    word: str
    action: str
    path: str


@dataclass(frozen=True, slots=True)
class Chip:
    words: ConditionWords
    path: str
    """Of its editor."""
    without: str


@dataclass(frozen=True, slots=True)
class ChipGroup:
    chips: tuple[Chip, ...]
    joint: Joint
    add: str
    """The address to add a condition."""


@dataclass(frozen=True, slots=True)
class FilterView:
    groups: tuple[ChipGroup, ...]
    joint: Joint
    add: str
    """The address to add a group."""
    clear: str


def filter_view(asked: ContactsQuery, d: Definitions) -> FilterView:
    filter, say = asked.filter, d.say
    groups = tuple(_group(asked, i, d) for i in range(len(filter.groups)))
    return FilterView(
        groups,
        _joint(filter.match, _leads(asked, turned(filter)), say),
        editor_path(asked, Place()),
        _leads(asked, Filter(query=filter.query)),
    )


def editor_path(asked: ContactsQuery, place: Place) -> str:
    return asked.address(EDITOR, at=str(place))


def _group(asked: ContactsQuery, at: int, d: Definitions) -> ChipGroup:
    group = asked.filter.groups[at]
    chips = tuple(
        Chip(words_of(condition, d), editor_path(asked, place), _leads(asked, without(asked.filter, place)))
        for place, condition in ((Place(at, i), c) for i, c in enumerate(group.conditions))
    )
    joint = _joint(group.match, _leads(asked, turned(asked.filter, at)), d.say)
    return ChipGroup(chips, joint, editor_path(asked, Place(at)))


def _leads(asked: ContactsQuery, filter: Filter) -> str:
    return asked.with_filter(filter).address()


def _joint(match: Match, path: str, say: Translator) -> Joint:
    if match is Match.ALL:
        return Joint(say("and"), say("and (change to or)"), path)
    return Joint(say("or"), say("or (change to and)"), path)


def sentence_of(filter: Filter, d: Definitions) -> str:
    """The whole filter in one line."""
    groups = [_line([str(words_of(c, d)) for c in group.conditions], group.match, d.say) for group in filter.groups]
    if len(groups) > 1:
        groups = [f"({group})" for group in groups]
    words = [f"“{filter.query}”"] if filter.query else []
    return " · ".join([*words, *([_line(groups, filter.match, d.say)] if groups else [])]) or d.say("All contacts")


def _line(parts: list[str], match: Match, say: Translator) -> str:
    word = say("and") if match is Match.ALL else say("or")
    return f" {word} ".join(parts)
