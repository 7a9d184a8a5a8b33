"""Checks a flow that someone wrote, and says what is wrong, where, and what to do: pure.

Pages, API and command line show the same faults. The rules are in `bot.flows.rules`; what the format itself refuses is
worded in `bot.flows.refusals`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from bot.errors import marked as _
from bot.flows.document import FlowDocument
from bot.flows.faults import FlowFault
from bot.flows.nodes import Node, Place, nodes_of, texts, walk
from bot.flows.refusals import refusals
from bot.flows.rules import RULES, Surroundings
from bot.flows.steps import MOST_STEPS
from bot.flows.variant_rules import variant_faults
from bot.flows.workspace_rules import missing

MOST_BYTES = 500_000
DEEPEST = 40
"""Lists and objects in each other; a branch takes two or three."""
MOST_FAULTS = 200
TOO_LARGE = _("This file is too large (%(size)s kB). A flow can have up to %(most)s kB.")
NO_JSON = _("This isn't valid JSON: check line %(line)s, column %(column)s.")
NO_UTF8 = _("This file isn't text in UTF-8. Save it again in that encoding.")
LONG_NUMBER = _("A number in this file has too many digits.")
NO_OBJECT = _("This isn't a flow. A flow is a JSON object with steps.")
BROKEN_TEXT = _("A text in this file has a broken character. Write it again.")
TOO_MANY_STEPS = _("A flow can have up to %(most)s steps, and this one has %(count)s. Move some to another flow.")
TOO_DEEP = _("Branches are nested too deeply. Move some of them to another flow.")


@dataclass(frozen=True, slots=True)
class FlowCheck:
    """`document` is None if it has faults that are not warnings."""

    document: FlowDocument | None
    faults: tuple[FlowFault, ...]


def check(text: str | bytes, around: Surroundings | None = None) -> FlowCheck:
    """Of a file. `around`: None if it is not known where the flow will run."""
    if len(text) > MOST_BYTES:
        return _refused(TOO_LARGE, size=f"{len(text) / 1000:,.0f}", most=f"{MOST_BYTES / 1000:,.0f}")
    try:
        raw = json.loads(text)
    except json.JSONDecodeError as error:
        return _refused(NO_JSON, line=str(error.lineno), column=str(error.colno))
    except UnicodeDecodeError:
        return _refused(NO_UTF8)
    except RecursionError:
        return _refused(TOO_DEEP)
    except ValueError:  # what Python's limit for integers refuses
        return _refused(LONG_NUMBER)
    return check_document(raw, around)


def check_document(raw: Any, around: Surroundings | None = None) -> FlowCheck:
    """All faults, those that prevent publishing first."""
    if not isinstance(raw, dict):
        return _refused(NO_OBJECT)
    if is_too_deep(raw):
        return _refused(TOO_DEEP)
    nodes = nodes_of(raw)
    if is_broken(raw):
        return _broken(raw, nodes)
    if (count := sum(1 for _node in walk(nodes))) > MOST_STEPS:
        return _refused(TOO_MANY_STEPS, "steps", most=str(MOST_STEPS), count=str(count))
    document, told = _read(raw)
    for rule in (*RULES, variant_faults):
        told += rule(raw, nodes)
    told += missing(nodes, raw, around) if around else []
    steps = {node.place: node for node in walk(nodes)}
    found = {(f.place, f.text, str(f.values)): _in_step(f, steps) for f in told}
    faults = sorted(found.values(), key=lambda fault: fault.is_warning)
    is_wrong = any(not fault.is_warning for fault in faults)
    return FlowCheck(None if is_wrong else document, tuple(faults[:MOST_FAULTS]))


def _read(raw: dict[str, Any]) -> tuple[FlowDocument | None, list[FlowFault]]:
    try:
        return FlowDocument.model_validate(raw), []
    except ValidationError as error:
        return None, refusals(error, raw)


def _in_step(fault: FlowFault, steps: Mapping[Place, Node]) -> FlowFault:
    inside = (steps[place] for end in range(len(fault.place), 0, -1) if (place := fault.place[:end]) in steps)
    return replace(fault, step=next((node.id for node in inside), ""))


def is_too_deep(raw: Any) -> bool:
    """Without recursion: the document may be deeper than the stack."""
    layer = [raw]
    for _depth in range(DEEPEST):
        layer = [v for value in layer for v in _parts(value) if isinstance(v, dict | list)]
        if not layer:
            return False
    return True


def is_broken(raw: Any) -> bool:
    """Whether a text in it is no Unicode: half of a surrogate pair, which JSON can write and nothing can store."""
    try:
        json.dumps(raw, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _broken(raw: dict[str, Any], nodes: Sequence[Node]) -> FlowCheck:
    """Where the broken texts are, unless the way there is broken itself."""
    steps = {node.place: node for node in walk(nodes) if not is_broken(node.id)}
    places = [place for text, place in texts(raw) if is_broken(text) and not is_broken(place)] or [()]
    return FlowCheck(None, tuple(_in_step(FlowFault(place, BROKEN_TEXT), steps) for place in places[:MOST_FAULTS]))


def _parts(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _refused(text: str, *place: str, **values: str) -> FlowCheck:
    return FlowCheck(None, (FlowFault(place, text, values),))
