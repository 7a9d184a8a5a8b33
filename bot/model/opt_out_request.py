"""A text that is likely a revocation, until a teammate decides or the person opts out otherwise."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from bot.model.base import Document


class RequestState(StrEnum):
    OPEN = "open"
    HONORED = "honored"
    """They are opted out of all texts."""
    DISMISSED = "dismissed"
    """A teammate decided that it was none."""


class OptOutRequest(Document):
    """`_id` is that of the text's entry in its conversation, which has the words."""

    contact: str
    conversation: str
    number: str | None = None
    """That the text came from. Missing after the contact was erased."""
    rule: str
    """What recognized the text (`Reading.rule`)."""
    received_at: datetime
    due_at: datetime
    """When the law wants it honored at the latest."""
    state: RequestState = RequestState.OPEN
    settled_at: datetime | None = None
    by: str | None = None
    """The teammate who decided; missing if the person opted out otherwise."""
