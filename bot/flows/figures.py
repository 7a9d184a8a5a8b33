"""The figures of a flow: what people saw, did and agreed to, by day and version.

Views and steps are counted in memory and written in batches, so they may miss the last seconds of other processes.
Sign-ups, confirmations and opt-outs are those of the ledger, up to now.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.flows.counting import FlowCounters, day_of
from bot.flows.outcomes import REGRET, FlowOutcomes
from bot.model.base import now
from bot.store import Store
from bot.store.flow_days import FlowDayKey


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """Of some days, and one version or all."""

    counts: Counter[str]
    days: Mapping[datetime, Counter[str]]
    versions: Mapping[int, Counter[str]]
    settled: Counter[str]
    """Of the days after which seven days have passed: nobody who signed up then can still opt out within seven days."""

    @property
    def shown(self) -> int:
        return self.counts["shown"]

    @property
    def started(self) -> int:
        return self.counts["started"]

    @property
    def completed(self) -> int:
        return forms_of(self.counts, "completed")

    @property
    def confirmed(self) -> int:
        return forms_of(self.counts, "confirmed")

    @property
    def left(self) -> int:
        return forms_of(self.counts, "left")


class FlowFigureReader:
    def __init__(self, store: Store, counters: FlowCounters) -> None:
        self._store = store
        self._counters = counters
        self.outcomes = FlowOutcomes(store)

    async def of(self, flow: str, *, days: int, version: int | None = None) -> FlowFigures:
        """Of the last days, today included."""
        today = day_of(now())
        since = today - timedelta(days=days - 1)
        found: defaultdict[FlowDayKey, Counter[str]] = defaultdict(Counter)
        for day in await self._store.flow_days.of(flow, since):
            found[FlowDayKey(day.flow, day.version, day.day)].update(day.counts)
        for source in (await self.outcomes.newest(), self._counters.pending):
            for key, counts in source.items():
                if key.flow == flow and key.day >= since:
                    found[key].update(counts)
        return _figures({key: n for key, n in found.items() if version in {None, key.version}}, found, today)

    async def totals(self, flows: Sequence[str], *, days: int) -> dict[str, Counter[str]]:
        """Of the last days, by flow. What is counted by step or form is added up."""
        since = day_of(now()) - timedelta(days=days - 1)
        totals = await self._store.flow_days.totals(flows, since)
        for source in (await self.outcomes.newest(), self._counters.pending):
            for key, counts in source.items():
                if key.flow in totals and key.day >= since:
                    for name, n in counts.items():
                        totals[key.flow][name.partition(":")[0]] += n
        return totals


def forms_of(counts: Mapping[str, int], name: str) -> int:
    """Of all forms of the flow."""
    return sum(n for key, n in counts.items() if key.startswith(f"{name}:"))


def of_form(counts: Mapping[str, int], name: str, step: str) -> int:
    """Of one form, whatever variant was shown."""
    return sum(n for key, n in counts.items() if key.partition("/")[0] == f"{name}:{step}")


def _figures(
    chosen: Mapping[FlowDayKey, Counter[str]], all_versions: Mapping[FlowDayKey, Counter[str]], today: datetime
) -> FlowFigures:
    days: defaultdict[datetime, Counter[str]] = defaultdict(Counter)
    versions: defaultdict[int, Counter[str]] = defaultdict(Counter)
    total, settled = Counter[str](), Counter[str]()
    for key, counts in all_versions.items():
        versions[key.version].update(counts)
    for key, counts in chosen.items():
        total.update(counts)
        days[key.day].update(counts)
        if key.day + timedelta(days=1) + REGRET <= today:
            settled.update(counts)
    return FlowFigures(total, dict(sorted(days.items())), dict(sorted(versions.items())), settled)
