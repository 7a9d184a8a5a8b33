"""The steps of a flow that may be faulty, as they are written: pure.

Whatever looks like a step is one, so that all faults of a document are found at once, not only the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.flows.steps import KINDS
from bot.flows.steps.base import StepBase

Place = tuple[str | int, ...]
"""Where something is: keys and indexes from the document down."""


@dataclass(slots=True)
class Node:
    raw: dict[str, Any]
    place: Place
    branches: list[list[Node]] = field(default_factory=list)

    @property
    def id(self) -> str:
        id = self.raw.get("id")
        return id if isinstance(id, str) else ""

    @property
    def kind(self) -> type[StepBase] | None:
        kind = self.raw.get("kind")
        return KINDS.get(kind) if isinstance(kind, str) else None

    @property
    def target(self) -> str:
        """The step that a go-to names."""
        target = self.raw.get("step") if self.raw.get("kind") == "go_to" else ""
        return target if isinstance(target, str) else ""

    @property
    def is_end(self) -> bool:
        return self.kind is not None and self.kind.is_end

    @property
    def always_waits(self) -> bool:
        is_timed = self.raw.get("kind") == "wait" and bool(self.raw.get("seconds"))
        return self.kind is None or self.kind.always_waits or is_timed


def nodes_of(document: dict[str, Any]) -> list[Node]:
    return _nodes(document.get("steps"), ("steps",))


def walk(nodes: Sequence[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        for branch in node.branches:
            yield from walk(branch)


def _nodes(raw: Any, place: Place) -> list[Node]:
    steps = raw if isinstance(raw, list) else []
    return [_node(step, (*place, i)) for i, step in enumerate(steps) if isinstance(step, dict)]


def _node(raw: dict[str, Any], place: Place) -> Node:
    """Each list of steps in it is a branch, also the one of each choice."""
    branches = []
    for key, value in raw.items():
        items = value if isinstance(value, list) else []
        if any(isinstance(item, dict) and "kind" in item for item in items):
            branches.append(_nodes(value, (*place, key)))
        for i, item in enumerate(items):
            if isinstance(item, dict) and "kind" not in item and "steps" in item:
                branches.append(_nodes(item["steps"], (*place, key, i, "steps")))
    return Node(raw, place, [branch for branch in branches if branch])


def texts(raw: Any, place: Place = ()) -> Iterator[tuple[str, Place]]:
    """All texts in a document or a part of it."""
    if isinstance(raw, str):
        yield raw, place
    elif isinstance(raw, dict):
        for key, value in raw.items():
            yield from texts(value, (*place, key))
    elif isinstance(raw, list):
        for i, value in enumerate(raw):
            yield from texts(value, (*place, i))
