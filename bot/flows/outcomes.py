"""What flows led to, counted from the ledger: sign-ups, confirmations, and opt-outs within seven days.

Behind a cursor that a transaction moves together with the counts, so each event counts exactly once, whichever process
reads it and whatever crashes. The ledger is read in the order of the events' ids; events of the last minute may still
come between others, so a reader adds them itself (`newest`).

Names: `completed:<form>` (the form was submitted), `confirmed:<form>` (the consent counts), and on the day of the
consent `left:<form>`: it was revoked within seven days.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.flows.counting import day_of
from bot.model.base import new_ulid, now
from bot.model.event import Action, ConsentEvent, ConsentState, Source
from bot.store import Store
from bot.store.flow_days import Counts, FlowDayKey

REGRET = timedelta(days=7)
SKEW = timedelta(minutes=1)
"""How far event ids may be out of commit order."""
BATCH = 1000
MOST_BATCHES = 20
"""Of one call."""
LOOKED_BACK = 200
"""Events of a contact before an opt-out."""
AT_ONCE = 50
"""Opt-outs that are looked up at the same time."""
LAST = "~"
"""After all ids."""


class FlowOutcomes:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def count(self) -> None:
        """Counts what the ledger recorded since the last count."""
        end = new_ulid(now() - SKEW)
        for _batch in range(MOST_BATCHES):
            place = await self._store.outcome_cursors.place()
            outlines = await self._store.events.outlines_between(place, end, limit=BATCH)
            if not outlines:
                return
            found = await self._outcomes(outlines)
            await self._store.flow_days.add_from(self._store.outcome_cursors, place, outlines[-1]["event"], found)

    async def newest(self) -> Counts:
        """What isn't counted yet."""
        place = await self._store.outcome_cursors.place()
        return await self._outcomes(await self._store.events.outlines_between(place, LAST, limit=BATCH))

    async def _outcomes(self, outlines: Sequence[Mapping[str, Any]]) -> Counts:
        wanted = [raw["_id"] for raw in outlines if raw.get("flow") or raw.get("state") == ConsentState.OPTED_OUT]
        counts: defaultdict[FlowDayKey, Counter[str]] = defaultdict(Counter)
        events = [*(await self._store.events.get_many(wanted)).values()]
        for event in events:
            if event.flow and _is_submission(event):
                counts[_key(event, event.at)][f"completed:{_form(event)}"] += 1
            if event.flow and _is_grant(event):
                counts[_key(event, event.at)][f"confirmed:{_form(event)}"] += 1
        for grant in await self._grants_before([event for event in events if _is_opt_out(event)]):
            if grant:
                counts[_key(grant, grant.at)][f"left:{_form(grant)}"] += 1
        return counts

    async def _grants_before(self, events: Sequence[ConsentEvent]) -> list[ConsentEvent | None]:
        found: list[ConsentEvent | None] = []
        for first in range(0, len(events), AT_ONCE):
            found += await asyncio.gather(*map(self._grant_before, events[first : first + AT_ONCE]))
        return found

    async def _grant_before(self, event: ConsentEvent) -> ConsentEvent | None:
        """The consent that this event revokes, if a flow asked for it in the seven days before."""
        earlier = await self._store.events.before(event.contact, event.seq, limit=LOOKED_BACK)
        mine = (e for e in earlier if e.subscription == event.subscription and _is_grant(e))
        grant = max(mine, key=lambda e: e.seq, default=None)
        return grant if grant and grant.flow and event.at - grant.at <= REGRET else None


def _is_submission(event: ConsentEvent) -> bool:
    """Of the form in a chat, or with a YES by text."""
    is_yes = event.action in {Action.OPT_IN, Action.REQUEST_CONFIRMATION}
    return event.source in {Source.FORM, Source.KEYWORD} and is_yes and not event.stopped


def _is_grant(event: ConsentEvent) -> bool:
    return event.changes_state and event.state is ConsentState.OPTED_IN


def _is_opt_out(event: ConsentEvent) -> bool:
    was_in = event.changes_state and event.was is ConsentState.OPTED_IN
    return was_in and event.state is ConsentState.OPTED_OUT


def _form(event: ConsentEvent) -> str:
    return event.flow_step or ""


def _key(event: ConsentEvent, at: datetime) -> FlowDayKey:
    return FlowDayKey(event.flow or "", event.flow_version or 0, day_of(at))
