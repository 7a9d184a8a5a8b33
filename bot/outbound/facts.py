"""Everything that decides whether texts may be sent now, read at the moment of sending (law 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from bot.consent.ledger import Ledger
from bot.consent.stop_list import StopList
from bot.model.base import now
from bot.model.delivery import Delivery, MarketingText
from bot.model.job import Job, JobState
from bot.model.outbound_message import OutboundMessage
from bot.model.stop import Stop
from bot.model.subscription import Subscription
from bot.model.workspace import Workspace
from bot.outbound.flood import BOUNDS, Flood
from bot.outbound.kinds import Facts
from bot.outbound.marketing_rules import LONGEST_GAP, MarketingRules, longest_cap
from bot.store import Store
from bot.store.deliveries import Window


class RecentWorkspace(Protocol):
    """The workspace as pages read it: at most a second old, until it is cleared."""

    def __call__(self) -> Awaitable[Workspace]: ...

    def cache_clear(self) -> None: ...


class FactReader:
    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        stops: StopList,
        workspace: RecentWorkspace,
        *,
        quiet_hours: bool,
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._stops = stops
        self._workspace = workspace
        self._quiet_hours = quiet_hours

    async def of(self, deliveries: Sequence[Delivery]) -> tuple[dict[str, Facts], Flood, MarketingRules]:
        """The facts by delivery, and how many texts their numbers got lately."""
        time = now()
        windows = {name: Window(bound.kinds, bound.since(time)) for name, bound in BOUNDS.items()}
        (facts, rules), counts = await asyncio.gather(
            self.permission(deliveries),
            self._store.deliveries.counts({delivery.number for delivery in deliveries}, windows),
        )
        return facts, Flood(counts), rules

    async def permission(self, deliveries: Sequence[Delivery]) -> tuple[dict[str, Facts], MarketingRules]:
        """The facts by delivery, however many there are in a few queries. Stops are read last: nothing is awaited
        after them."""
        time = now()
        marketed = {delivery.number for delivery in deliveries if delivery.may_be_marketing}
        shared, workspace = await asyncio.gather(self._shared(deliveries), self._workspace())
        back = longest_cap(shared.subscriptions.values())
        sent, contacts = await asyncio.gather(
            self._marketed(marketed, time - back),
            self._ledger.contacts(filter(None, (delivery.contact for delivery in deliveries))),
        )
        slow = {d.number for d in deliveries if d.may_be_marketing and (c := contacts.get(d.contact)) and c.at_most}
        sent |= await self._marketed(slow, time - max(back, LONGEST_GAP))
        stops = await self.stops(deliveries)
        facts = {
            delivery.id: Facts(
                workspace,
                contacts.get(delivery.contact),
                **shared.of(delivery),
                **stop_facts(stops.get(delivery.number)),
            )
            for delivery in deliveries
        }
        return facts, MarketingRules(sent, quiet_hours=self._quiet_hours)

    async def stops(self, deliveries: Sequence[Delivery]) -> dict[str, Stop]:
        """By number."""
        return await self._stops.of({delivery.number for delivery in deliveries})

    async def unchanged(self, judged: Sequence[tuple[Delivery, Facts]]) -> set[str]:
        """The deliveries of which everything is as it was judged by, but for stops and texts that left meanwhile.
        Cheaper than reading all of it again: of the ledger, only whether it has a newer event."""
        contacts = {contact.id: contact for _, facts in judged if (contact := facts.contact)}
        is_same_workspace, shared, unrecorded, newer = await asyncio.gather(
            self._are_rules_of({id(facts.workspace): facts.workspace for _, facts in judged}.values()),
            self._shared([delivery for delivery, _ in judged]),
            self._store.contacts.unrecorded(contacts),
            self.with_newer_events([facts for _, facts in judged]),
        )
        if not is_same_workspace:
            return set()
        same = {
            id for id, contact in contacts.items() if unrecorded.get(id) == (contact.time_zone, contact.archived_at)
        } - newer
        return {
            delivery.id
            for delivery, facts in judged
            if delivery.contact in same | {""}
            and all(getattr(facts, name) == value for name, value in shared.of(delivery).items())
        }

    async def with_newer_events(self, judged: Sequence[Facts]) -> set[str]:
        """The contacts with an event in the ledger that is newer than these facts."""
        contacts = [facts.contact for facts in judged if facts.contact]
        following = {self._store.events.entry_id(one.id, one.ledger.seq + 1): one.id for one in contacts}
        return {following[event] for event in await self._store.events.existing(following)} if following else set()

    async def since_judged(self, judged: Sequence[tuple[Delivery, Facts]]) -> MarketingRules:
        """The rules with the marketing texts that the numbers got, now. `judged`: as far as it didn't change."""
        marketing = [(delivery, facts) for delivery, facts in judged if delivery.may_be_marketing]
        back = longest_cap(facts.program for _, facts in marketing)
        if any(facts.contact and facts.contact.at_most for _, facts in marketing):
            back = max(back, LONGEST_GAP)
        sent = await self._marketed({delivery.number for delivery, _ in marketing}, now() - back)
        return MarketingRules(sent, quiet_hours=self._quiet_hours)

    async def _shared(self, deliveries: Sequence[Delivery]) -> _Shared:
        ordered = {delivery.message for delivery in deliveries if delivery.message}
        return _Shared(
            *await asyncio.gather(
                self._store.subscriptions.get_many(filter(None, (delivery.subscription for delivery in deliveries))),
                self._store.outbound_messages.get_many(ordered),
                self._store.jobs.get_many(ordered),
            )
        )

    async def _are_rules_of(self, workspaces: Collection[Workspace]) -> bool:
        """Whether these have the countries and senders that are stored now."""
        stored = await self._store.workspaces.get("workspace")
        is_same = stored is not None and all(rules_of(one) == rules_of(stored) for one in workspaces)
        if not is_same:
            self._workspace.cache_clear()
        return is_same

    async def _marketed(self, numbers: Collection[str], since: datetime) -> dict[str, list[MarketingText]]:
        return await self._store.deliveries.marketed(numbers, since) if numbers else {}


@dataclass(frozen=True, slots=True)
class _Shared:
    """Facts that many deliveries share."""

    subscriptions: Mapping[str, Subscription]
    messages: Mapping[str, OutboundMessage]
    jobs: Mapping[str, Job]

    def of(self, delivery: Delivery) -> dict[str, Any]:
        """Those fields of its `Facts`."""
        job = self.jobs.get(delivery.message or "")
        return {
            "subscription": self.subscriptions.get(delivery.subscription),
            "message": self.messages.get(delivery.message or ""),
            "is_paused": job is not None and job.state is JobState.PAUSED,
            "is_canceled": job is not None and job.state is JobState.CANCELED,
        }


def rules_of(workspace: Workspace) -> tuple[object, ...]:
    """What it decides about texts."""
    return workspace.texted, workspace.senders


def stop_facts(stop: Stop | None) -> dict[str, Any]:
    """Those fields of `Facts`. `stop`: the number's entry in the stop list."""
    return {
        "is_stopped": stop is not None and stop.holds,
        "revoked_until": stop.revoked_until if stop else None,
    }
