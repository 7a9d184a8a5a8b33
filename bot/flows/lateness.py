"""Which messages of a flow by SMS may come too late to be a reply, so that they aren't sent: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bot.flows.nodes import Node, walk

REPLY_SECONDS = 24 * 3600
"""A message that comes later after the person's last text is no reply to it."""
_EVER = REPLY_SECONDS + 1
_TALKING = {"say", "ask", "opt_in_form", "hand_over"}
_Way = tuple[Node, int, bool]
"""Where it leads, the seconds until then, and whether the person wrote meanwhile."""


def late_nodes(nodes: Sequence[Node]) -> list[Node]:
    """Those that write something more than a day after the person's last text, on at least one way."""
    every = {id(node): node for node in walk(nodes)}
    ways = dict(_ways(nodes, None, {node.id: node for node in every.values()}))
    at = {id(node): 0 for node in nodes[:1]}
    for turn in range(2 * len(every) + 1):
        grown: dict[int, int] = {}
        for node, seconds in at.items():
            for then, more, is_heard in ways[node]:
                worst = min(more if is_heard else seconds + more, _EVER)
                if worst > max(at.get(id(then), -1), grown.get(id(then), -1)):
                    # Growing for as many turns as there are steps, they repeat without an answer.
                    grown[id(then)] = _EVER if turn > len(every) else worst
        at |= grown
        if not grown:
            break
    return [node for key, node in every.items() if at.get(key, 0) > REPLY_SECONDS and _writes(node)]


def _ways(nodes: Sequence[Node], behind: Node | None, by_id: dict[str, Node]) -> Iterator[tuple[int, list[_Way]]]:
    for i, node in enumerate(nodes):
        then = nodes[i + 1] if i + 1 < len(nodes) else behind
        yield id(node), list(_ways_of(node, then, by_id))
        for branch in node.branches:
            yield from _ways(branch, then, by_id)


def _ways_of(node: Node, then: Node | None, by_id: dict[str, Node]) -> Iterator[_Way]:
    kind, raw = str(node.raw.get("kind")), node.raw
    if node.target:
        then = by_id.get(node.target)
    is_asking = kind in {"ask", "opt_in_form"}
    late = _seconds(raw.get("seconds"), _EVER if kind == "wait_for_consent" else 0)
    for branch in node.branches:
        is_late_branch = branch[0].place[: len(node.place) + 1] == (*node.place, "no_answer")
        yield (branch[0], late, False) if is_late_branch or not is_asking else (branch[0], 0, True)
    if then is None or (node.is_end and not node.target):
        return
    if is_asking:
        yield then, 0, True
        if not raw.get("seconds") or raw.get("no_answer"):
            return
    yield then, _EVER if kind == "wait" and raw.get("until") else late, False


def _writes(node: Node) -> bool:
    kind = str(node.raw.get("kind"))
    return kind in _TALKING and (kind != "hand_over" or bool(node.raw.get("text")))


def _seconds(value: Any, otherwise: int) -> int:
    return min(int(value), _EVER) if isinstance(value, int | float) and value > 0 else otherwise
