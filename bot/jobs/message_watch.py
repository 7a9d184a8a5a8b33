"""Stops a message by itself when too many people opt out, or too many texts fail or are filtered."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from bot.errors import StoreUnavailable
from bot.jobs.rules import SOURCES, TARGETS, JobAction
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.outbound_message import AutomaticPause, OutboundMessage, PauseCause
from bot.model.teammate import By
from bot.outbound.figures import Figures, MessageFigures
from bot.store import Store
from bot.workspace.audit import AuditLog

log = logging.getLogger("sayso.outbound")

SAYSO = By("", "Sayso")


@dataclass(frozen=True, slots=True)
class PauseLimits:
    """In percent of a message's texts, once there are `after`; 0: no limit."""

    opt_outs: float
    failures: float
    filtered: float
    after: int


class MessageWatch:
    def __init__(self, store: Store, figures: Figures, limits: PauseLimits) -> None:
        self._store = store
        self._figures = figures
        self._audit = AuditLog(store)
        self._after = limits.after
        self._most = {
            PauseCause.OPT_OUTS: limits.opt_outs,
            PauseCause.FAILURES: limits.failures,
            PauseCause.FILTERED: limits.filtered,
        }

    async def check(self, message: OutboundMessage) -> bool:
        """Pauses the message's job if it is beyond a limit that nobody has lifted. True: it is paused.

        A count that fails, as that of a large message may for a while, stops nothing: the next one tells.
        """
        try:
            figures = await self._figures.of(message.id)
        except StoreUnavailable:  # the count has logged it
            return False
        lifted = {pause.cause for pause in message.pauses if pause.resumed_at}
        found = [pause for pause in self._exceeded(figures) if pause.cause not in lifted]
        for pause in found:
            if pause.cause not in {earlier.cause for earlier in message.pauses}:
                await self._store.outbound_messages.note_pause(message.id, pause)
                log.warning("message %s paused itself: %s, %s of %s", message.id, pause.cause, pause.count, pause.of)
                await self._audit.record(
                    SAYSO, AuditAction.MESSAGE_HELD, message.name, detail=pause.cause, key=f"{message.id}:{pause.cause}"
                )
        if found:
            await self._store.jobs.move(message.id, SOURCES[JobAction.PAUSE], TARGETS[JobAction.PAUSE], None)
        return bool(found)

    def _exceeded(self, figures: MessageFigures) -> Iterator[AutomaticPause]:
        of, time = figures.sent + figures.failed, now()
        if of < self._after:
            return
        counts = {
            PauseCause.OPT_OUTS: figures.opted_out,
            PauseCause.FAILURES: figures.failed,
            PauseCause.FILTERED: figures.filtered,
        }
        for cause, count in counts.items():
            most = self._most[cause]
            if most and 100 * count > most * of:
                yield AutomaticPause(cause=cause, count=count, of=of, most=most, at=time)
