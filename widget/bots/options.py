"""What the fields of a flow can name: subscriptions, tags, attributes, teammates, flows, languages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import available_timezones

from aiohttp import web
from holidays import list_supported_countries

from bot.i18n import Translator
from bot.model.flow import Flow
from bot.model.segment import Segment
from bot.model.teammate import Teammate
from widget.contacts.definitions import Definitions, Options
from widget.contacts.words import STATES
from widget.web.http import BOT
from widget.web.languages import all_languages
from widget.web.teammate_pages import translator_for


@dataclass(frozen=True)
class FlowOptions:
    """Pairs of value and words, as `ui.select` takes them. Templates of steps and triggers get it as `options`."""

    definitions: Definitions
    others: list[Flow]
    team: list[Teammate]
    saved: list[Segment]
    """Segments in use."""
    say: Translator

    @classmethod
    async def load(cls, request: web.Request, flow: str = "") -> FlowOptions:
        """`flow`: the one that is edited."""
        bot = request.app[BOT]
        definitions, flows, team, saved = await asyncio.gather(
            Definitions.load(request), bot.store.flows.in_use(), bot.teammates.all(), bot.segments.all()
        )
        others = [other for other in flows if other.id != flow and other.state == "live"]
        return cls(definitions, others, team, saved, translator_for(request))

    @cached_property
    def subscriptions(self) -> Options:
        return [(s.id, s.words(self.say.locale).name) for s in self.definitions.live]

    @cached_property
    def tags(self) -> Options:
        return [(tag.id, tag.name) for tag in self.definitions.tags.values()]

    @cached_property
    def attributes(self) -> Options:
        return [(key, attribute.name) for key, attribute in self.definitions.attributes.items()]

    @cached_property
    def segments(self) -> Options:
        return [(segment.id, segment.name) for segment in self.saved]

    @cached_property
    def flows(self) -> Options:
        return [(flow.id, flow.name) for flow in self.others]

    @cached_property
    def teammates(self) -> Options:
        return [(teammate.id, teammate.name) for teammate in self.team if not teammate.removed_at]

    @cached_property
    def states(self) -> Options:
        return [(str(state), self.say(words)) for state, words in STATES.items()]

    @cached_property
    def languages(self) -> Options:
        return [*all_languages(self.say)]

    @cached_property
    def time_zones(self) -> Options:
        return named_zones()

    @cached_property
    def holiday_countries(self) -> Options:
        """Those whose public holidays are known."""
        return sorted(((code, self.say.country(code)) for code in list_supported_countries()), key=lambda pair: pair[1])

    def subscription(self, id: str) -> str:
        return self.definitions.subscription(id)

    def segment(self, id: str) -> str:
        return dict(self.segments).get(id, id)


def named_zones() -> Options:
    return [(zone, zone.replace("_", " ")) for zone in sorted(available_timezones())]
