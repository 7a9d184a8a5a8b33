"""Positions of the steps on a flow's map: pure.

Steps run from top to bottom. Branches are side by side below their step; those that continue meet again above the next
step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.flows.document import FlowDocument
from bot.flows.steps import Ask, Condition, GoTo, OptInForm, Step

WIDTH, HEIGHT = 200, 60
"""Of a step, in pixels, like all figures here."""
EMPTY = 132
"""Width of a branch without steps: as much as its label needs."""
BESIDE, BELOW = 24, 32
"""Between branches, and between steps."""
FORK = 56
"""Between a step and its branches: the label of each is there."""
MARGIN = 16


@dataclass(frozen=True, slots=True)
class Box:
    step: Step
    x: int
    y: int
    """Coordinates of the top left corner."""


@dataclass(frozen=True, slots=True)
class BranchLabel:
    step: Step
    branch: str
    """As `Step.branches` names it."""
    x: int
    """The middle, from the left."""
    y: int


Line = tuple[tuple[int, int], ...]
"""Its corners."""


@dataclass(slots=True)
class FlowMap:
    width: int = 0
    height: int = 0
    boxes: list[Box] = field(default_factory=list)
    labels: list[BranchLabel] = field(default_factory=list)
    arrows: list[Line] = field(default_factory=list)
    """Lines that lead to a step."""
    lines: list[Line] = field(default_factory=list)
    """Lines that lead to where branches meet."""


OTHERWISE = ""
"""The path of those who take no other branch: they continue with the next step."""


def shown_branches(step: Step) -> Mapping[str, Sequence[Step]]:
    """Those with steps, those that people choose, and both of a condition; and `OTHERWISE`, if a run can continue
    without them."""
    named = {name: steps for name, steps in step.branches().items() if steps or _is_always_shown(step, name)}
    return {**named, OTHERWISE: ()} if named and _passes(step) else named


def _is_always_shown(step: Step, branch: str) -> bool:
    return isinstance(step, Condition) or branch.startswith("choice:")


def _passes(step: Step) -> bool:
    """Whether some outcome has no branch of its own on the map."""
    match step:
        case Condition():
            return False
        case Ask():
            return not (step.choices and step.otherwise) or bool(step.seconds and not step.no_answer)
        case OptInForm():
            is_dismissed = step.dismiss and not step.dismissed
            return not step.completed or bool(is_dismissed or (step.seconds and not step.no_answer))
    return not all(step.branches().values())


def flow_map(document: FlowDocument) -> FlowMap:
    drawing = _Drawing()
    width = drawing.width(document.steps)
    height, _is_open = drawing.place(document.steps, MARGIN + width // 2, MARGIN)
    drawing.map.width, drawing.map.height = width + 2 * MARGIN, height + MARGIN
    return drawing.map


class _Drawing:
    def __init__(self) -> None:
        self.map = FlowMap()
        self._widths: dict[str, int] = {}

    def width(self, steps: Sequence[Step]) -> int:
        return max((self._width(step) for step in steps), default=EMPTY)

    def _width(self, step: Step) -> int:
        if step.id not in self._widths:
            branches = [self.width(steps) for steps in shown_branches(step).values()]
            self._widths[step.id] = max(WIDTH, sum(branches) + BESIDE * (len(branches) - 1))
        return self._widths[step.id]

    def place(self, steps: Sequence[Step], middle: int, top: int) -> tuple[int, bool]:
        """Where the list ends, and whether a run can continue after it."""
        bottom, is_open = top, True
        for i, step in enumerate(steps):
            if i:
                if is_open:
                    self.map.arrows.append(((middle, bottom), (middle, bottom + BELOW)))
                bottom += BELOW
            self.map.boxes.append(Box(step, middle - WIDTH // 2, bottom))
            bottom, is_open = self._fork(step, middle, bottom + HEIGHT)
        return bottom, is_open

    def _fork(self, step: Step, middle: int, top: int) -> tuple[int, bool]:
        """The branches below the step, which ends at `top`."""
        branches, open_ends = shown_branches(step), list[tuple[int, int]]()
        if not branches:
            return top, not (step.is_end or isinstance(step, GoTo))
        widths = {name: self.width(steps) for name, steps in branches.items()}
        left, bottom = middle - (sum(widths.values()) + BESIDE * (len(widths) - 1)) // 2, top + FORK
        for name, steps in branches.items():
            center = left + widths[name] // 2
            end, is_open = self._branch(step, name, steps, middle, center, top)
            open_ends += [(center, end)] if is_open else []
            bottom, left = max(bottom, end), left + widths[name] + BESIDE
        for end_of in open_ends:
            self.map.lines.append(_meeting(end_of, middle, bottom + BELOW // 2))
        return bottom + (BELOW // 2 if open_ends else 0), bool(open_ends)

    def _branch(
        self, step: Step, name: str, steps: Sequence[Step], middle: int, center: int, top: int
    ) -> tuple[int, bool]:
        bend = top + BELOW // 2
        self.map.labels.append(BranchLabel(step, name, center, bend + BELOW // 2))
        way = ((middle, top), (middle, bend), (center, bend), (center, top + FORK))
        (self.map.arrows if steps else self.map.lines).append(way)
        return self.place(steps, center, top + FORK) if steps else (top + FORK, True)


def _meeting(end: tuple[int, int], middle: int, bottom: int) -> Line:
    return (end, (end[0], bottom), (middle, bottom))
