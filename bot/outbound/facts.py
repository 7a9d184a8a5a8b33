"""Everything that decides whether texts may be sent now, read at the moment of sending (law 7)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime

from bot.consent.ledger import Ledger
from bot.consent.stop_list import StopList
from bot.model.base import now
from bot.model.delivery import Delivery, MarketingText
from bot.model.job import JobState
from bot.model.workspace import Workspace
from bot.outbound.flood import BOUNDS, Flood
from bot.outbound.kinds import Facts
from bot.outbound.marketing_rules import LONGEST_GAP, MarketingRules, longest_cap
from bot.store import Store
from bot.store.deliveries import Window


class FactReader:
    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        stops: StopList,
        workspace: Callable[[], Awaitable[Workspace]],
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
        ordered = {delivery.message for delivery in deliveries if delivery.message}
        marketed = {delivery.number for delivery in deliveries if delivery.may_be_marketing}
        messages, jobs, workspace, subscriptions = await asyncio.gather(
            self._store.outbound_messages.get_many(ordered),
            self._store.jobs.get_many(ordered),
            self._workspace(),
            self._store.subscriptions.get_many(filter(None, (delivery.subscription for delivery in deliveries))),
        )
        back = longest_cap(subscriptions.values())
        sent, contacts = await asyncio.gather(
            self._marketed(marketed, time - back),
            self._ledger.contacts(filter(None, (delivery.contact for delivery in deliveries))),
        )
        slow = {d.number for d in deliveries if d.may_be_marketing and (c := contacts.get(d.contact)) and c.at_most}
        sent |= await self._marketed(slow, time - max(back, LONGEST_GAP))
        stops = await self._stops.of({delivery.number for delivery in deliveries})
        facts = {
            delivery.id: Facts(
                workspace,
                contacts.get(delivery.contact),
                subscriptions.get(delivery.subscription),
                is_stopped=(stop := stops.get(delivery.number)) is not None and stop.holds,
                revoked_until=stop.revoked_until if stop else None,
                message=messages.get(delivery.message or ""),
                is_paused=(job := jobs.get(delivery.message or "")) is not None and job.state is JobState.PAUSED,
                is_canceled=job is not None and job.state is JobState.CANCELED,
            )
            for delivery in deliveries
        }
        return facts, MarketingRules(sent, quiet_hours=self._quiet_hours)

    async def _marketed(self, numbers: Collection[str], since: datetime) -> dict[str, list[MarketingText]]:
        return await self._store.deliveries.marketed(numbers, since) if numbers else {}
