"""Which steps of a flow follow which, also in one that is faulty: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.flows.nodes import Node, walk


class Graph:
    def __init__(self, nodes: Sequence[Node]) -> None:
        self._nodes = nodes
        self.by_id: dict[str, Node] = {}
        for node in walk(nodes):
            self.by_id.setdefault(node.id, node)
        self._next: dict[int, list[Node]] = {}
        self._link(nodes, None)

    def _link(self, nodes: Sequence[Node], behind: Node | None) -> None:
        """`behind`: what follows the list."""
        for i, node in enumerate(nodes):
            then = nodes[i + 1] if i + 1 < len(nodes) else behind
            following = [branch[0] for branch in node.branches]
            if node.target:
                following += [self.by_id[node.target]] if node.target in self.by_id else []
            elif then and not node.is_end and not _always_branches(node):
                following.append(then)
            self._next[id(node)] = following
            for branch in node.branches:
                self._link(branch, then)

    def is_loop(self, go_to: Node) -> bool:
        """Whether a run can come back to this step without waiting for anything."""
        return any(node is go_to for node in self._reach(self._next[id(go_to)], stops_at_waits=True))

    def unreached(self) -> Iterator[Node]:
        """Of each stretch of steps that no run reaches, the first."""
        reached = {id(node) for node in self._reach(self._nodes[:1])}
        yield from self._unreached(self._nodes, reached)

    def _unreached(self, nodes: Sequence[Node], reached: set[int]) -> Iterator[Node]:
        is_last_reached = True
        for node in nodes:
            if id(node) in reached:
                for branch in node.branches:
                    yield from self._unreached(branch, reached)
            elif is_last_reached:
                yield node
            is_last_reached = id(node) in reached

    def _reach(self, start: Sequence[Node], *, stops_at_waits: bool = False) -> Iterator[Node]:
        todo, seen = [*start], set[int]()
        while todo:
            node = todo.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            yield node
            if not (stops_at_waits and node.always_waits):
                todo += self._next[id(node)]


def _always_branches(node: Node) -> bool:
    """Whether each outcome has steps of its own."""
    raw = node.raw
    is_late = not raw.get("seconds") or bool(raw.get("no_answer"))
    match raw.get("kind"):
        case "condition":
            return bool(raw.get("then") and raw.get("otherwise"))
        case "ask":
            choices = raw.get("choices")
            named = choices if isinstance(choices, list) else []
            answered = bool(named) and all(isinstance(choice, dict) and choice.get("steps") for choice in named)
            return answered and bool(raw.get("otherwise")) and is_late
        case "opt_in_form":
            is_dismissed = not raw.get("dismiss") or bool(raw.get("dismissed"))
            return bool(raw.get("completed")) and is_dismissed and is_late
        case "wait_for_consent":
            return bool(raw.get("changed") and raw.get("no_answer"))
    return False
