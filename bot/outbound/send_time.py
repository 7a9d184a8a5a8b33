"""When a message is sent: now, at a time, or at the same time on each recipient's own clock. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from zoneinfo import ZoneInfo

from bot.compliance.whereabouts import Whereabouts
from bot.model.outbound_message import OutboundMessage

FIRST_ZONE, LAST_ZONE = "Etc/GMT-14", "Etc/GMT+12"
"""Where a day begins first, and where last."""


@dataclass(frozen=True, slots=True)
class SendTime:
    at: datetime | None = None
    """None: now."""
    local: str = ""
    """As in `OutboundMessage.local_at`."""

    def __post_init__(self) -> None:
        """Raises ValueError at either end of the calendar, where another zone has no such day."""
        for time in (self.at, datetime.fromisoformat(self.local) if self.local else None):
            if time and not MINYEAR < time.year < MAXYEAR:
                raise ValueError("No such time everywhere")

    @classmethod
    def of(cls, message: OutboundMessage) -> SendTime:
        return cls(message.send_at, message.local_at)

    @property
    def starts_at(self) -> datetime | None:
        """When the first recipients can get it; None: now."""
        return self._in(FIRST_ZONE) if self.local else self.at

    @property
    def is_over_at(self) -> datetime | None:
        """When that time is over everywhere."""
        return self._in(LAST_ZONE) if self.local else self.at

    def instant(self, where: Whereabouts, now: datetime) -> datetime:
        """When somebody there gets it, `now` at the earliest. On their own clock: once it is that time in every zone
        that they may be in; if nobody knows a zone, once it is that time everywhere."""
        if not self.local:
            return max(self.at or now, now)
        return max(now, *(self._in(zone) for zone in where.zones or (LAST_ZONE,)))

    def _in(self, zone: str) -> datetime:
        return datetime.fromisoformat(self.local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


NOW = SendTime()
