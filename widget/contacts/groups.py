"""Changing one place in a filter: pure. A place is `2.0`, the first condition of the third group; `2.` is behind its
conditions, and an empty text a new group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from bot.errors import Invalid
from bot.errors import marked as _
from bot.model.filter import MOST_TEXT, Condition, ConditionGroup, Filter, Match

TOO_LONG = _("This filter has too many conditions. Remove some of them.")
OTHER = {Match.ALL: Match.ANY, Match.ANY: Match.ALL}


@dataclass(frozen=True, slots=True)
class Place:
    """`group` None: a new group. `condition` None: a new condition."""

    group: int | None = None
    condition: int | None = None

    @classmethod
    def parse(cls, text: str) -> Place:
        """Raises Invalid."""
        numbers = text.split(".") if text else []
        if len(numbers) > 2 or not all(number.isdecimal() or (number == "" and i) for i, number in enumerate(numbers)):
            raise Invalid(_("This filter is invalid. Remove it and add its conditions again."))
        group, condition = [*(int(number) if number else None for number in numbers), None, None][:2]
        return cls(group, condition)

    def __str__(self) -> str:
        return "" if self.group is None else f"{self.group}.{'' if self.condition is None else self.condition}"

    def condition_in(self, filter: Filter) -> Condition | None:
        """Raises Invalid: the filter has no such place."""
        if self.group is None:
            return None
        try:
            conditions = filter.groups[self.group].conditions
            return None if self.condition is None else conditions[self.condition]
        except IndexError:
            raise Invalid(_("This filter has changed. Reload the page.")) from None


def put(filter: Filter, place: Place, condition: Condition) -> Filter:
    """With the condition in this place. Raises Invalid."""
    place.condition_in(filter)
    groups = [(group.match, [*group.conditions]) for group in filter.groups]
    if place.group is None:
        groups.append((Match.ALL, [condition]))
    elif place.condition is None:
        groups[place.group][1].append(condition)
    else:
        groups[place.group][1][place.condition] = condition
    try:
        made = _with(filter, [ConditionGroup(match=match, conditions=tuple(some)) for match, some in groups])
    except ValidationError:
        raise Invalid(TOO_LONG) from None
    if len(made.as_text()) > MOST_TEXT:
        raise Invalid(TOO_LONG)
    return made


def without(filter: Filter, place: Place) -> Filter:
    """Also removes a group that has no conditions left."""
    groups = []
    for i, group in enumerate(filter.groups):
        kept = [c for j, c in enumerate(group.conditions) if (i, j) != (place.group, place.condition)]
        if kept:
            groups.append(ConditionGroup(match=group.match, conditions=tuple(kept)))
    return _with(filter, groups)


def turned(filter: Filter, group: int | None = None) -> Filter:
    """Switches between all and any, in this group or between groups."""
    if group is None:
        return filter.model_copy(update={"match": OTHER[filter.match]})
    groups = [*filter.groups]
    groups[group] = groups[group].model_copy(update={"match": OTHER[groups[group].match]})
    return _with(filter, groups)


def _with(filter: Filter, groups: Sequence[ConditionGroup]) -> Filter:
    return Filter(query=filter.query, match=filter.match, groups=tuple(groups))
