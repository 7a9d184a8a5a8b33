"""What people did after an outbound message, for its report: who opted out because of it, and who wrote back.

An opt-out belongs to the message whose link led to it. Otherwise, and for a reply, it is the newest message that they
got within `WITHIN`; an opt-out also has to be from the same subscription. Each copy keeps the first time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.model.base import now
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.event import FOR_MANY, Action, ConsentEvent, Source
from bot.store import Store

WITHIN = timedelta(days=3)
NOT_THEIR_ACT = FOR_MANY | {Source.SYSTEM}


class Outcomes:
    def __init__(self, store: Store) -> None:
        self._deliveries = store.deliveries

    async def opted_out(self, events: Sequence[ConsentEvent]) -> None:
        """Notes the opt-outs among recorded events. Idempotent."""
        caused = await self._caused(events)
        await self._deliveries.note_first([(copy.id, "opted_out_at", event.at) for event, copy in caused])

    async def not_noted(self, events: Sequence[ConsentEvent]) -> list[ConsentEvent]:
        """Those that `opted_out` would note."""
        return [event for event, copy in await self._caused(events) if copy.opted_out_at is None]

    async def replied(self, number: str) -> None:
        """Notes a text from this number that isn't just a keyword."""
        time = now()
        found = await self._deliveries.copies_on(number, time - WITHIN)
        if newest := _newest(found):
            await self._deliveries.note_first([(newest.id, "replied_at", time)])

    async def _caused(self, events: Sequence[ConsentEvent]) -> list[tuple[ConsentEvent, Delivery]]:
        """Opt-outs with the copy that led to each, in at most two queries."""
        own = [event for event in events if event.action is Action.OPT_OUT and event.source not in NOT_THEIR_ACT]
        if not own:
            return []
        linked = await self._deliveries.get_many(event.context.text for event in own if event.context.text)
        since = min(event.at for event in own) - WITHIN
        copies = await self._deliveries.copies_to({event.contact for event in own}, since)
        found = [(event, _of_link(event, linked) or _before(event, copies)) for event in own]
        return [(event, copy) for event, copy in found if copy]


def _of_link(event: ConsentEvent, linked: Mapping[str, Delivery]) -> Delivery | None:
    text = linked.get(event.context.text or "")
    is_copy = text is not None and text.kind is DeliveryKind.OUTBOUND and text.subscription == event.subscription
    return text if is_copy else None


def _before(event: ConsentEvent, copies: Sequence[Delivery]) -> Delivery | None:
    return _newest(
        [
            copy
            for copy in copies
            if (copy.contact, copy.subscription) == (event.contact, event.subscription)
            and copy.handed_at
            and event.at - WITHIN <= copy.handed_at <= event.at
        ]
    )


def _newest(copies: Sequence[Delivery]) -> Delivery | None:
    return max(copies, key=lambda copy: copy.handed_at or copy.created_at, default=None)
