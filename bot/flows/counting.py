"""Counts what runs do, in memory; written in batches, so that no view and no step costs a write.

Names: `shown`, `started` (the person's first answer), `ended`, `failed`, `reached:<step>`, `passed:<step>` (it waited
and went on), `form:<step>` and `form:<step>/<variant>` (a form was shown). A process that is killed loses the counts of
its last seconds: they are approximate. What people agreed to is counted from the ledger (`bot.flows.outcomes`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime

from bot.errors import StoreUnavailable
from bot.flows.engine import BY_CONTACT, Transition
from bot.flows.script import Script
from bot.flows.steps.base import Event, Started
from bot.model.base import now
from bot.model.flow import Run, RunStatus
from bot.store import Store
from bot.store.flow_days import Counts, FlowDayKey


class FlowCounters:
    def __init__(self, store: Store) -> None:
        self._days = store.flow_days
        self._counts: defaultdict[FlowDayKey, Counter[str]] = defaultdict(Counter)

    def moved(self, script: Script, contact: str, run: Run | None, made: Transition, event: Event) -> None:
        """A run of this contact made a transition. `run`: before it; None: a greeting that isn't stored."""
        names = [f"reached:{step}" for step in made.entered]
        names += [f"form:{form}" for step in made.entered for form in script.form_names(step, contact)]
        if isinstance(event, Started):
            names.append("shown")
        if run and run.state.step and (made.entered or made.state.status is not RunStatus.WAITING):
            names.append(f"passed:{run.state.step}")
        if run and not run.is_answered and isinstance(event, BY_CONTACT):
            names.append("started")
        if made.state.status in {RunStatus.ENDED, RunStatus.FAILED}:
            names.append(made.state.status.value)
        self._counts[FlowDayKey(script.flow, script.version, day_of(now()))].update(names)

    @property
    def pending(self) -> Counts:
        """What isn't written yet."""
        return self._counts

    async def flush(self) -> None:
        """Raises StoreUnavailable; nothing is lost then."""
        counts, self._counts = self._counts, defaultdict(Counter)
        try:
            await self._days.add(counts)
        except StoreUnavailable:
            for key, names in counts.items():
                self._counts[key].update(names)
            raise


def day_of(time: datetime) -> datetime:
    """Midnight in UTC."""
    return time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
