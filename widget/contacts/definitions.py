"""The subscriptions, tags and attributes that the list's columns and filters name."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from aiohttp import web

from bot.i18n import Translator
from bot.model.attribute import Attribute
from bot.model.subscription import ConsentType, MessageType, Subscription, SubscriptionState
from bot.model.tag import Tag
from widget.web.http import BOT
from widget.web.teammate_pages import translator_for

Options = list[tuple[str, str]]
"""Pairs of value and words."""
NAMED = [SubscriptionState.LIVE, SubscriptionState.ARCHIVED]
MOST = 500


@dataclass(frozen=True)
class Definitions:
    subscriptions: Mapping[str, Subscription]
    """Those of `NAMED`, by id: an old filter may name an archived one."""
    tags: Mapping[str, Tag]
    attributes: Mapping[str, Attribute]
    countries: tuple[str, ...]
    """Those that the workspace texts."""
    say: Translator

    @classmethod
    async def load(cls, request: web.Request) -> Definitions:
        """Three round trips at the same time."""
        bot = request.app[BOT]
        order = [("state", 1), ("name", 1)]
        subscriptions, tags, attributes, workspace = await asyncio.gather(
            bot.store.subscriptions.find({"state": {"$in": NAMED}}, sort=order, limit=MOST),
            bot.tags.all(),
            bot.attributes.all(),
            bot.workspace(),
        )
        return cls(
            {s.id: s for s in subscriptions},
            {tag.id: tag for tag in tags},
            {attribute.key: attribute for attribute in attributes},
            workspace.countries,
            translator_for(request),
        )

    @cached_property
    def live(self) -> list[Subscription]:
        return [s for s in self.subscriptions.values() if s.is_live]

    def subscription(self, id: str) -> str:
        found = self.subscriptions.get(id)
        return found.words(self.say.locale).name if found else self.say("a deleted subscription")

    def is_opt_out(self, id: str) -> bool:
        """Whether people who never answered get its messages."""
        found = self.subscriptions.get(id)
        return found is not None and found.consent_type is ConsentType.OPT_OUT

    def is_sms(self, id: str) -> bool:
        found = self.subscriptions.get(id)
        return found is None or found.message_type is MessageType.SMS

    def tag(self, id: str) -> str:
        found = self.tags.get(id)
        return found.name if found else self.say("a deleted tag")

    def attribute(self, key: str) -> str:
        found = self.attributes.get(key)
        return found.name if found else key
