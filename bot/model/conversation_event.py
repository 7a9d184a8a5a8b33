"""Entries about events: what happened in a conversation without anybody writing."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from bot.model.base import Value


class ConversationEventName(StrEnum):
    SIGNED_UP = "signed_up"
    ASKED = "asked"
    WITHHELD = "withheld"
    """They were asked to confirm, but a limit kept us from texting the number."""
    STOPPED = "stopped"
    """They tried to sign up with a number that is on the stop list."""
    WITHDRAWN = "withdrawn"
    """A teammate withdrew an open card."""
    HANDED_OVER = "handed_over"
    """A flow brings the conversation to the inbox, perhaps `to` a teammate."""
    STARTED_FLOW = "started_flow"
    """A teammate started a bot flow."""
    ASSIGNED = "assigned"
    CLOSED = "closed"
    REOPENED = "reopened"
    SNOOZED = "snoozed"
    WOKE = "woke"
    """Its snooze ended."""
    TEXTED_STOP = "texted_stop"
    TEXTED_START = "texted_start"
    TEXTED_YES = "texted_yes"
    TEXTED_NO = "texted_no"
    """The effect of a keyword, in a conversation by text."""
    MAYBE_STOP = "maybe_stop"
    """Their text is likely a revocation: a teammate decides, `until` the law wants it done."""
    OPT_OUT_HONORED = "opt_out_honored"
    OPT_OUT_DISMISSED = "opt_out_dismissed"
    """What the teammate decided."""


SHOWN_TO_CONTACT = {
    ConversationEventName.SIGNED_UP,
    ConversationEventName.ASKED,
    ConversationEventName.WITHHELD,
    ConversationEventName.STOPPED,
}
"""Shown to the contact too; the rest only to teammates."""


class ConversationEvent(Value):
    """An entry about an event. Clients render `part` again when they get it."""

    kind: Literal["event"] = "event"
    name: ConversationEventName
    part: int = 0
    subscription: str = ""
    to: str = ""
    """Of an assignment or a handover: the teammate; empty: unassigned."""
    until: datetime | None = None
    """Of one that was snoozed, or of a likely revocation."""
