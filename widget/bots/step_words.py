"""The steps of a flow in words: kinds, branches, fields and values, for lists, maps and histories."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import aiohttp_jinja2
from aiohttp import web
from babel.units import format_unit
from jinja2 import Environment

from bot.errors import marked as _
from bot.flows.changes import FieldPath
from bot.flows.layout import OTHERWISE
from bot.flows.steps import Ask, Step
from bot.i18n import Translator
from widget.bots.conditions import words_or_none
from widget.bots.options import FlowOptions
from widget.contacts.words import STATES
from widget.web.http import speaking
from widget.web.languages import language

TEXT = _("Text")
FIELDS = {
    "answer": _("Answer"),
    "assignee": _("Assignee"),
    "attribute": _("Attribute"),
    "audience": _("Audience"),
    "box": _("Consent box"),
    "button": _("Button text"),
    "choices": _("Choices"),
    "event": _("Event"),
    "dismiss": _("Button that dismisses the form"),
    "flow": _("Flow"),
    "is_removed": _("Remove the tag"),
    "label": _("Label"),
    "legal_text": _("Legal text"),
    "locale": _("Language of the texts"),
    "name": _("Name"),
    "office_hours": _("Office hours"),
    "retry": _("If the answer can't be used"),
    "seconds": _("Time"),
    "states": _("States"),
    "step": _("Step"),
    "subscription": _("Subscription"),
    "tag": _("Tag"),
    "text": TEXT,
    "title": _("Title"),
    "tries": _("Attempts"),
    "triggers": _("Triggers"),
    "until": _("Until"),
    "image": _("Image"),
    "links": _("Links"),
    "values": _("Values"),
    "value": _("Value"),
    "when": _("Conditions"),
}
"""A field that isn't listed is named as in the file."""
UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
TRANSLATIONS = "translations"


@dataclass(frozen=True)
class StepWords:
    """In the reader's language."""

    environment: Environment
    options: FlowOptions

    @classmethod
    async def load(cls, request: web.Request) -> StepWords:
        options = await FlowOptions.load(request)
        speaking.set(options.say)  # what templates say as soon as they are loaded
        return cls(aiohttp_jinja2.get_env(request.app), options)

    @property
    def say(self) -> Translator:
        return self.options.say

    def name(self, step: Step) -> str:
        return str(self._kind(step.kind).name)

    def icon(self, step: Step) -> str:
        return str(self._kind(step.kind).icon)

    def summary(self, step: Step) -> str:
        """What it says or does, in one line."""
        written = step.model_dump(mode="json", exclude_defaults=True)
        found = (self.value(name, written.get(name)) for name in self._kind(step.kind).summary)
        return " · ".join(" ".join(words.split()) for words in found if words)

    def branch(self, step: Step, branch: str) -> str:
        if branch == OTHERWISE:
            return self.say("Otherwise")
        kind, _colon, id = branch.partition(":")
        if kind == "choice" and isinstance(step, Ask):
            return next((choice.label for choice in step.choices if choice.id == id), id)
        return str(self._kind(step.kind).branches.get(branch, branch))

    def field(self, path: FieldPath) -> str:
        """Like "Text (Spanish)" or "Choice dark: Label"."""
        named = [name for name in path if name in FIELDS]
        label = self.say(FIELDS[named[-1]]) if named else ".".join(path)
        for name in path:
            if name.endswith(f"_{TRANSLATIONS}"):
                label = self.say(FIELDS.get(name.removesuffix(f"_{TRANSLATIONS}"), name))
            elif name == TRANSLATIONS and not named:
                label = self.say(TEXT)
        if path[0] == "choices" and len(path) > 1:
            label = self.say("Choice %(id)s", id=path[1])
        locale = next((code for name, code in pairwise(path) if name.endswith(TRANSLATIONS)), "")
        return f"{label} ({language(locale, self.say)})" if locale else label

    def value(self, name: str, value: Any) -> str:
        """The value of a field; empty for none."""
        if value is None or value == "" or value == []:
            return ""
        if name in self._readers:
            return self._readers[name](value)
        if isinstance(value, bool):
            return self.say("Yes") if value else self.say("No")
        if isinstance(value, list) and all(isinstance(item, str) for item in value):
            return ", ".join(value)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    @cached_property
    def _readers(self) -> Mapping[str, Callable[[Any], str]]:
        options, definitions = self.options, self.options.definitions
        return {
            "subscription": definitions.subscription,
            "tag": definitions.tag,
            "attribute": definitions.attribute,
            "assignee": lambda id: dict(options.teammates).get(id, id),
            "flow": lambda id: dict(options.flows).get(id, id),
            "locale": lambda code: language(code, self.say),
            "seconds": self._duration,
            "until": lambda until: self.say("Office hours") if until == "office_hours" else str(until),
            "states": lambda states: ", ".join(self.say(STATES[state]) for state in states),
            "when": self._who,
            "audience": self._audience,
            "triggers": self._triggers,
            "office_hours": self._hours,
            "image": lambda image: " · ".join(filter(None, (image.get("alt"), image["url"]))),
            "links": lambda links: " · ".join(f"{link['label']} ({link['url']})" for link in links),
            "values": lambda values: ", ".join(f"{key}: {text}" for key, text in values.items()),
        }

    def _kind(self, kind: str) -> Any:
        """The template of the kind, which has its words. Loaded each time: a kept module would keep one language."""
        return _template(self.environment, f"bots/steps/{kind}.html")

    def _duration(self, seconds: int) -> str:
        size, unit = next((size, unit) for size, unit in UNITS if not seconds % size)
        return format_unit(seconds // size, f"duration-{unit}", locale=self.say.locale)

    def _who(self, who: dict[str, Any]) -> str:
        conditions = [self._condition(raw) for raw in who.get("conditions", [])]
        joined = f" {self.say('or')} " if who.get("match") == "any" else " · "
        return joined.join(conditions) or self.say("Everyone")

    def _condition(self, raw: dict[str, Any]) -> str:
        return words_or_none(raw, self.options.definitions) or json.dumps(raw, ensure_ascii=False)

    def _audience(self, audience: dict[str, Any]) -> str:
        flags = {
            "once": _("At most once per person"),
            "joins_teammates": _("Also while a teammate is in the conversation"),
            "in_hours": _("Only during office hours"),
        }
        return " · ".join(
            [self._who(audience), *(self.say(words) for name, words in flags.items() if audience.get(name))]
        )

    def _triggers(self, triggers: list[dict[str, Any]]) -> str:
        drawn = (
            _template(self.environment, f"bots/triggers/{t['kind']}.html").words(t, self.options) for t in triggers
        )
        return " · ".join(str(words) for words in drawn)

    def _hours(self, hours: dict[str, Any]) -> str:
        days = hours.get("days", {})
        spans = {day: ", ".join(f"{s['opens']}-{s['closes']}" for s in some) for day, some in days.items()}
        told = [f"{self.say(day.capitalize())} {times}" for day, times in spans.items()]
        more = [hours.get("time_zone", ""), hours.get("holidays", ""), *hours.get("closed", [])]
        return " · ".join(str(words) for words in [*told, *more] if words)


def _template(environment: Environment, name: str) -> Any:
    return environment.get_template(name).make_module()
