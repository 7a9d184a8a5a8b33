"""What changed between two versions of a flow, by step: pure.

Steps match by ID and kind, wherever they are. A step has moved if it is in another branch or in another order; as few
steps as possible count as moved.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from bot.flows.document import FlowDocument
from bot.flows.steps import Step

SETTINGS = ("name", "locale", "triggers", "audience", "office_hours")
FieldPath = tuple[str, ...]
"""Like `("text",)`, `("translations", "es")` or `("choices", "dark", "label")`."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A step's position. `inside` and `branch`: the step and branch that contain it; both are empty at the top level.
    `behind`: the previous step in the same list; empty for the first."""

    inside: str = ""
    branch: str = ""
    behind: str = ""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """None: the value is missing on that side."""

    path: FieldPath
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class StepChange:
    """`what`: a step that moved and changed has one of each."""

    what: Literal["added", "removed", "moved", "changed"]
    step: Step
    """The new version; for a removed step, the old one."""
    spot: Spot
    """The new position; for a removed step, the old one."""
    before: Spot | None = None
    """The old position of a moved step."""
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class FlowChanges:
    settings: tuple[FieldChange, ...]
    steps: tuple[StepChange, ...]

    def __bool__(self) -> bool:
        return bool(self.settings or self.steps)


def changes(before: FlowDocument, after: FlowDocument) -> FlowChanges:
    """Those of the flow itself, and those of its steps: what was removed first, the others in their order."""
    settings = [FieldChange((name,), _value(before, name), _value(after, name)) for name in SETTINGS]
    old, new = _Placed(before), _Placed(after)
    return FlowChanges(
        tuple(change for change in settings if change.before != change.after),
        (*_removed(old, new), *_others(old, new)),
    )


class _Placed:
    """The steps of a document by ID and kind, in order, with their positions."""

    def __init__(self, document: FlowDocument) -> None:
        self.steps: dict[tuple[str, str], Step] = {}
        self.spots: dict[tuple[str, str], Spot] = {}
        self._place(document.steps, "", "")

    def _place(self, steps: Sequence[Step], inside: str, branch: str) -> None:
        behind = ""
        for step in steps:
            key = step.id, step.kind
            self.steps[key], self.spots[key] = step, Spot(inside, branch, behind)
            behind = step.id
            for name, inner in step.branches().items():
                self._place(inner, step.id, name)

    def lists(self) -> dict[tuple[str, str], list[tuple[str, str]]]:
        """The keys of the steps of each list."""
        found: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for key, spot in self.spots.items():
            found.setdefault((spot.inside, spot.branch), []).append(key)
        return found


def _removed(old: _Placed, new: _Placed) -> Iterator[StepChange]:
    for key, step in old.steps.items():
        if key not in new.steps:
            yield StepChange("removed", step, old.spots[key])


def _others(old: _Placed, new: _Placed) -> Iterator[StepChange]:
    moved = _moved(old, new)
    for key, step in new.steps.items():
        spot = new.spots[key]
        if key not in old.steps:
            yield StepChange("added", step, spot)
            continue
        if key in moved:
            yield StepChange("moved", step, spot, old.spots[key])
        if fields := tuple(_fields(old.steps[key], step)):
            yield StepChange("changed", step, spot, fields=fields)


def _moved(old: _Placed, new: _Placed) -> set[tuple[str, str]]:
    was, moved = old.lists(), set[tuple[str, str]]()
    for where, keys in new.lists().items():
        places = {key: place for place, key in enumerate(was.get(where, []))}
        stayed = [key for key in keys if key in places]
        kept = _longest_rising([places[key] for key in stayed])
        moved |= {key for key in stayed if places[key] not in kept}
        moved |= {key for key in keys if key in old.steps and key not in places}
    return moved


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """A longest rising subsequence: the steps that kept their order."""
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        place = bisect_left(ends, number)
        before[number] = ends[place - 1] if place else None
        ends[place : place + 1] = [number]
    kept, last = set[int](), ends[-1] if ends else None
    while last is not None:
        kept.add(last)
        last = before[last]
    return kept


def _fields(before: Step, after: Step) -> Iterator[FieldChange]:
    was, new = own_fields(before), own_fields(after)
    for path in dict.fromkeys([*was, *new]):
        if was.get(path) != new.get(path):
            yield FieldChange(path, was.get(path), new.get(path))


def own_fields(step: Step) -> dict[FieldPath, Any]:
    """What the step says and does itself, without its branches: each text and value by its path, those that are left
    out as defaults not at all."""
    written = step.model_dump(mode="json", exclude_defaults=True, exclude={"id", "kind", *_branch_fields(step)})
    return dict(_leaves(written, ()))


def _branch_fields(step: Step) -> set[str]:
    """The names of branches that are fields; those of choices are inside of them."""
    return {name for name in step.branches() if name in type(step).model_fields}


def _leaves(values: Mapping[str, Any], path: FieldPath) -> Iterator[tuple[FieldPath, Any]]:
    for name, value in values.items():
        here = (*path, name)
        if name == "choices":
            yield here, [choice["id"] for choice in value]
            for choice in value:
                own = {key: text for key, text in choice.items() if key not in {"id", "steps"}}
                yield from _leaves(own, (*here, choice["id"]))
        elif name.endswith("translations") or path[-1:] == ("translations",):
            yield from _leaves(value, here) if isinstance(value, dict) else iter([(here, value)])
        else:
            yield here, value


def _value(document: FlowDocument, name: str) -> Any:
    return document.written().get(name)
