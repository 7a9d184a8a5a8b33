"""Numbers that opted out of all texts, and the log of their STOPs and STARTs."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from bot.model.base import Document


class StopAction(StrEnum):
    STOP = "stop"
    START = "start"


class StopEvent(Document):
    """One STOP or START of a number (E.164). Append-only; `_id` is `<number>:<seq>`. Once a person who had it was
    erased, the keyed hash of the number replaces it everywhere here, and `text` is empty."""

    number: str
    seq: int
    action: StopAction
    at: datetime
    text: str
    """The text, word for word."""
    key: str
    """`<number>:<the id of the text>`."""
    policy: str | None = None
    """Of a STOP: the version of the revocation policy in force (`bot/compliance/revocation.py`)."""
    rule: str | None = None
    """What recognized the text (`Reading.rule`)."""

    def renamed(self, name: str) -> StopEvent:
        """A copy under another name, without the texted words."""
        id, key = (f"{name}{value.removeprefix(self.number)}" for value in (self.id, self.key))
        return self.model_copy(update={"id": id, "number": name, "key": key, "text": ""})


class Stop(Document):
    """`_id` is the number (E.164), or its keyed hash. It applies to anyone with the number, until the number itself
    texts START.

    It is written before the number's log, and holds the newest entry so that a crash in between loses none.
    """

    at: datetime
    text: str
    """The text that caused it, word for word."""
    text_id: str = ""
    lifted_at: datetime | None = None
    seq: int = 0
    """Of the newest entry."""
    newest: StopEvent | None = None
    is_untold: bool | None = None
    """True until the SMS provider knows of the newest entry."""

    @property
    def holds(self) -> bool:
        return self.lifted_at is None

    @property
    def revoked_until(self) -> datetime | None:
        """When the last STOP was lifted: consent for the number from before that no longer counts."""
        return self.lifted_at if self.lifted_at and self.at < self.lifted_at else None

    def renamed(self, name: str) -> Stop:
        """A copy under another name, without the texted words."""
        newest = self.newest.renamed(name) if self.newest else None
        return self.model_copy(update={"id": name, "text": "", "newest": newest})


def stop_after(before: Stop | None, event: StopEvent) -> Stop:
    """The stop after this entry, the next one of the number. A second STOP leaves the first one in force."""
    text_id, newest = event.key.partition(":")[2], {"seq": event.seq, "newest": event, "is_untold": True}
    if event.action is StopAction.STOP and not (before and before.holds):
        return Stop(id=event.number, at=event.at, text=event.text, text_id=text_id, **newest)
    if before is None:  # a START of a number that was never stopped
        return Stop(id=event.number, at=event.at, text=event.text, text_id=text_id, lifted_at=event.at, **newest)
    is_lifted = event.action is StopAction.START and before.holds
    lifted = {"lifted_at": max(event.at, before.at + timedelta(milliseconds=1))} if is_lifted else {}
    return before.model_copy(update={**newest, **lifted})
