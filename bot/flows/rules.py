"""The rules of a flow beyond its format, which also judge what the format refuses: pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bot.consent.placeholders import variables_in
from bot.errors import marked as _
from bot.flows.faults import FlowFault
from bot.flows.graph import Graph
from bot.flows.lateness import late_nodes
from bot.flows.nodes import Node, Place, texts, walk
from bot.flows.steps.base import LONGEST_BY_TEXT, is_personal
from bot.model.conversation import LONGEST_LABEL
from bot.model.subscription import Subscription
from bot.model.workspace import Workspace

OPENING = {"messenger_opened", "page_address", "time_on_page"}
"""Triggers for which a visitor needn't do anything."""
LOCALE = re.compile(r"[A-Za-z]{2,3}([_-][A-Za-z0-9]{2,8}){0,3}")
HTML = re.compile(r"</?[a-zA-Z][^<>]*>|<!--")
WRITTEN = {"text", "title", "button", "legal_text", "box", "label", "retry", "dismiss", "name", "value", "alt"}
"""Fields whose texts people read."""
SAME_ID = _('Another step has the ID "%(id)s". Use a unique ID.')
NO_TARGET = _('There is no step "%(id)s" in this flow. Choose another step.')
LOOP = _('This repeats the steps from "%(id)s" on without waiting. Add a question, a form or a wait between them.')
UNREACHABLE = _("No one reaches this step. Remove it, or move it before the step that ends the flow.")
NO_BRANCH = _("Add steps for at least one outcome of this condition.")
NEVER_DISMISSED = _('No one reaches these steps. Add "dismiss", the label of the button that leads to them.')
NEVER_LATE = _('No one reaches these steps. Add "seconds", the time to wait for an answer.')
MARKUP = _("HTML isn't supported: remove %(tag)s from this text.")
UNKNOWN_VARIABLE = _(
    'Unknown variable "%(name)s". Use the ID of a step that asks, first_name, name, email, '
    "or attribute_ and the key of an attribute."
)
NO_FALLBACK = _("Not everyone has a value for %(name)s here. Add a fallback, like {{%(name)s|there}}.")
NO_TEXT = _("Enter text.")
LONG_TEXT = _("Shorten this text to %(most)s characters.")
FIXED_LABEL = _("Buttons can't have variables. Remove %(name)s from this label.")
NO_LANGUAGE = _('"%(name)s" isn\'t a language code. Use one like en or es_MX.')
NO_HOURS = _('Add "office_hours" to the flow.')
LONG_BY_TEXT = _("By SMS, a message can have up to %(most)s characters. Shorten this text.")
LATE_BY_TEXT = _(
    "In an SMS conversation, this isn't sent more than 24 hours after the person's last text. Shorten the wait, or "
    'use a "Text message" step, which requires permission.'
)
NO_TRIGGER = _("Nothing starts this flow. Add a trigger, or start it from another flow.")
NO_ALT = _("Describe the image in a few words, for people who can't see it.")
BEGINS_WITH_HANDOVER = _("This sends every chat to your team as soon as it's opened. Add a question first.")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What exists in the workspace where the flow is to run, by id."""

    subscriptions: Mapping[str, Subscription]
    tags: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    flows: frozenset[str] = frozenset()
    image_hosts: frozenset[str] = frozenset()
    """Of images that may be shown."""
    segments: frozenset[str] = frozenset()
    keywords: frozenset[str] = frozenset()
    """Of the programs that people can text."""
    workspace: Workspace | None = None
    """The business whose legal texts are checked; None: no check."""
    has_flow_endpoint: bool = False
    """A webhook endpoint wants the events of flows."""


def _ids(raw: dict[str, Any], nodes: Sequence[Node]) -> Iterator[FlowFault]:
    counts: Counter[str] = Counter()
    for node in walk(nodes):
        counts[node.id] += 1
        if node.id and counts[node.id] > 1:
            yield FlowFault((*node.place, "id"), SAME_ID, {"id": node.id})


def _ways(raw: dict[str, Any], nodes: Sequence[Node]) -> Iterator[FlowFault]:
    graph = Graph(nodes)
    for node in walk(nodes):
        if node.target and node.target not in graph.by_id:
            yield FlowFault((*node.place, "step"), NO_TARGET, {"id": node.target})
        elif node.target and graph.is_loop(node):
            yield FlowFault(node.place, LOOP, {"id": node.target})
    for node in graph.unreached():
        yield FlowFault(node.place, UNREACHABLE, is_warning=True)


def _outcomes(raw: dict[str, Any], nodes: Sequence[Node]) -> Iterator[FlowFault]:
    for node in walk(nodes):
        if node.raw.get("kind") == "condition" and not node.branches:
            yield FlowFault(node.place, NO_BRANCH, is_warning=True)
        if node.raw.get("dismissed") and not node.raw.get("dismiss"):
            yield FlowFault((*node.place, "dismissed"), NEVER_DISMISSED, is_warning=True)
        if node.raw.get("no_answer") and not node.raw.get("seconds"):
            yield FlowFault((*node.place, "no_answer"), NEVER_LATE, is_warning=True)


def _markup(raw: dict[str, Any], nodes: Sequence[Node]) -> Iterator[FlowFault]:
    for text, place in _written(raw):
        if found := HTML.search(text):
            yield FlowFault(place, MARKUP, {"tag": found[0][:40]})


def _languages(raw: dict[str, Any], nodes: Sequence[Node]) -> Iterator[FlowFault]:
    """The keys of translations are stored as field names, so they can't be just anything."""
    for _text, place in texts(raw):
        keys = [*place, ""]
        for key, name in pairwise(keys):
            if isinstance(key, str) and key.endswith("translations") and not LOCALE.fullmatch(str(name)):
                yield FlowFault(place[: keys.index(key) + 1], NO_LANGUAGE, {"name": repr(name)[1:-1][:40]})


def _variables(raw: dict[str, Any], nodes: Sequence[Node]) -> Iterator[FlowFault]:
    asks = {node.id for node in walk(nodes) if node.raw.get("kind") == "ask"}
    yield from _variables_of(nodes, asks, frozenset())


def _variables_of(nodes: Sequence[Node], asks: set[str], asked: frozenset[str]) -> Iterator[FlowFault]:
    """`asked`: steps that everyone has answered who gets here."""
    for node in nodes:
        own = {key: value for key, value in node.raw.items() if not _holds_steps(value)}
        for text, place in _written(own, node.place):
            for name, fallback in variables_in(text).items():
                if name not in asks and not is_personal(name):
                    yield FlowFault(place, UNKNOWN_VARIABLE, {"name": name})
                elif name not in asked and not fallback:
                    yield FlowFault(place, NO_FALLBACK, {"name": name}, is_warning=True)
        here = asked | {node.id} if node.id in asks and not node.raw.get("seconds") else asked
        for branch in node.branches:
            yield from _variables_of(branch, asks, here)
        asked = here


def _labels(raw: dict[str, Any], nodes: Sequence[Node]) -> Iterator[FlowFault]:
    """A label is the same for everyone, as it is what they answer."""
    for text, place in _written(raw):
        if not _is_label(place):
            continue
        if not text.strip() and (text or place[-1] != "dismiss"):  # without a text, it has no such button
            yield FlowFault(place, NO_TEXT)
        if len(text) > LONGEST_LABEL:
            yield FlowFault(place, LONG_TEXT, {"most": str(LONGEST_LABEL)})
        for name in variables_in(text):
            yield FlowFault(place, FIXED_LABEL, {"name": f"{{{{{name}}}}}"})


def _is_label(place: Place) -> bool:
    """Of a quick reply, in any language."""
    if place[-1] in {"label", "dismiss"} or place[-2:-1] == ("dismiss_translations",):
        return True
    return place[-2:-1] == ("translations",) and place[-4:-3] in {("choices",), ("links",)}


def _holds_steps(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) and "kind" in item for item in value)


def _hours(raw: dict[str, Any], nodes: Sequence[Node]) -> Iterator[FlowFault]:
    if raw.get("office_hours"):
        return
    audience = raw.get("audience")
    if isinstance(audience, dict) and audience.get("in_hours"):
        yield FlowFault(("audience", "in_hours"), NO_HOURS)
    for text, place in texts(raw):
        if text == "office_hours" and place[-1] in {"until", "field"}:
            yield FlowFault(place, NO_HOURS)


def _by_text(raw: dict[str, Any], nodes: Sequence[Node]) -> Iterator[FlowFault]:
    """What a flow that talks by SMS can't do. One that only teammates start may also be meant for chats."""
    if not may_talk_by_text(raw):
        return
    for node in walk(nodes):
        text = node.raw.get("text")
        if isinstance(text, str) and len(text) > LONGEST_BY_TEXT:
            most = {"most": str(LONGEST_BY_TEXT)}
            yield FlowFault((*node.place, "text"), LONG_BY_TEXT, most, is_warning=not talks_by_text(raw))
    for node in late_nodes(nodes):
        yield FlowFault(node.place, LATE_BY_TEXT, is_warning=True)


def talks_by_text(raw: dict[str, Any]) -> bool:
    return any(trigger.get("kind") == "sms_keyword" or trigger.get("by_text") is True for trigger in _listed(raw))


def may_talk_by_text(raw: dict[str, Any]) -> bool:
    """A teammate can start it in a conversation by text, too."""
    return talks_by_text(raw) or any(trigger.get("kind") == "started_by_teammate" for trigger in _listed(raw))


def _listed(raw: dict[str, Any]) -> list[dict[str, Any]]:
    triggers = raw.get("triggers")
    return [trigger for trigger in triggers if isinstance(trigger, dict)] if isinstance(triggers, list) else []


def _triggers(raw: dict[str, Any], nodes: Sequence[Node]) -> Iterator[FlowFault]:
    if not raw.get("triggers"):
        yield FlowFault(("triggers",), NO_TRIGGER, is_warning=True)


def _written(raw: Any, place: Place = ()) -> Iterator[tuple[str, Place]]:
    """Texts that people read, in all languages."""
    for text, at in texts(raw, place):
        names = [key for key in at if isinstance(key, str)]
        is_translation = any(name.endswith("translations") for name in names)
        if names and (names[-1] in WRITTEN or is_translation or names[-2:-1] == ["values"]):
            yield text, at


def _openings(raw: dict[str, Any], nodes: Sequence[Node]) -> Iterator[FlowFault]:
    """A chat would come to the inbox before the visitor said anything."""
    if not any(str(trigger.get("kind")) in OPENING for trigger in _listed(raw)):
        return
    for node in nodes:
        if node.raw.get("kind") == "hand_over":
            yield FlowFault(node.place, BEGINS_WITH_HANDOVER)
        if node.branches or node.is_end or node.target or node.always_waits:
            return


def _images(raw: dict[str, Any], nodes: Sequence[Node]) -> Iterator[FlowFault]:
    for node in walk(nodes):
        image = node.raw.get("image")
        if isinstance(image, dict) and image.get("url") and not image.get("alt"):
            yield FlowFault((*node.place, "image"), NO_ALT, is_warning=True)


Rule = Callable[[dict[str, Any], Sequence[Node]], Iterator[FlowFault]]
RULES: tuple[Rule, ...] = (
    _ids,
    _ways,
    _outcomes,
    _markup,
    _languages,
    _variables,
    _labels,
    _openings,
    _images,
    _hours,
    _by_text,
    _triggers,
)
