"""Published scripts: read once a process, and which of them starts at a moment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from async_lru import alru_cache

from bot.consent.country import visitor_region
from bot.flows.matching import PersonFacts, matches
from bot.flows.script import Script
from bot.flows.triggers import SegmentEntered, TimeOnPage
from bot.flows.triggers.base import MessengerOpens, Moment
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.conversation import Conversation
from bot.model.flow import version_id
from bot.model.workspace import Workspace
from bot.store import Store

CACHE_SECONDS = 1.0
KEPT = 256
"""Cached scripts: versions never change."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """A moment at which flows may start, and the person it is about."""

    moment: Moment
    contact: Contact
    conversation: Conversation | None = None
    """The one in which it would start; None: a new one."""
    shown: Collection[str] = ()
    """Flows that a visitor who isn't stored has met."""


class Scripts:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept: dict[str, Script] = {}
        self.live = alru_cache(maxsize=1, ttl=CACHE_SECONDS)(self._live)
        """`await scripts.live()`: the live flows in their order; a second old at most."""

    async def get(self, flow: str, version: int) -> Script | None:
        id = version_id(flow, version)
        if id not in self._kept:
            found = await self._store.flow_versions.get(id)
            if found is None:
                return None
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[id] = Script.of(found)
        return self._kept[id]

    async def starting(self, occasion: Occasion) -> Script | None:
        """The first live flow that starts on this occasion."""
        for script in await self.live():
            if any(trigger.starts(occasion.moment) for trigger in script.triggers) and await self._is_for(
                script, occasion
            ):
                return script
        return None

    async def may_start(self, moment: Moment) -> bool:
        """Whether a live flow starts at this moment, for whomever."""
        return any(trigger.starts(moment) for script in await self.live() for trigger in script.triggers)

    async def stays(self) -> list[TimeOnPage]:
        """The times on pages after which live flows start."""
        return [t for script in await self.live() for t in script.triggers if isinstance(t, TimeOnPage)]

    async def segments(self) -> set[str]:
        """Those that live flows wait for."""
        return {t.segment for script in await self.live() for t in script.triggers if isinstance(t, SegmentEntered)}

    async def greets_by_itself(self, flow: str, version: int) -> bool:
        """Whether this version is live and starts after a time on a page."""
        live = next((s for s in await self.live() if (s.flow, s.version) == (flow, version)), None)
        return live is not None and any(isinstance(trigger, TimeOnPage) for trigger in live.triggers)

    async def greeting(self, contact: Contact) -> Script | None:
        """The flow that opens a conversation of this contact, whatever page they are on."""
        return await self.starting(Occasion(MessengerOpens(), contact))

    async def facts(self, script: Script, contact: Contact, at: datetime) -> PersonFacts:
        """What the script's steps may ask about the contact."""
        found = await self._store.subscriptions.get_many(script.subscriptions)
        workspace = await self._store.workspaces.get("workspace") or Workspace(name="")
        region = visitor_region(contact.time_zone, (), workspace.texted) or workspace.default_region
        types = {id: subscription.consent_type for id, subscription in found.items()}
        return PersonFacts(contact, at, types, script.office_hours, region, workspace.texted)

    async def _is_for(self, script: Script, occasion: Occasion) -> bool:
        audience = script.audience
        if _has_teammate(occasion.conversation) and not audience.joins_teammates:
            return False
        if audience.is_everyone:
            return True
        if audience.once and script.flow in await self._met(occasion):
            return False
        facts = await self.facts(script, occasion.contact, now())
        is_open = facts.hours is None or not audience.in_hours or facts.hours.is_open(facts.at)
        return is_open and matches(audience, facts)

    async def _met(self, occasion: Occasion) -> Collection[str]:
        if not occasion.contact.is_stored:
            return occasion.shown
        return {*occasion.shown, *await self._store.conversations.flows_of(occasion.contact.id)}

    async def _live(self) -> list[Script]:
        found = [await self.get(flow.id, flow.version) for flow in await self._store.flows.live()]
        return [script for script in found if script]


def _has_teammate(conversation: Conversation | None) -> bool:
    return conversation is not None and bool(conversation.assignee or conversation.replied_seq)
