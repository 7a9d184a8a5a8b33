"""Links that identify a person: the preference center."""

from __future__ import annotations

from datetime import datetime

from bot.model.base import Document
from bot.model.subscription import MessageType


class PreferenceLink(Document):
    """`_id` is the SHA-256 of the token: the token itself is kept nowhere (law 11)."""

    contact: str
    channel: MessageType
    text: str | None = None
    """The delivery that carried it."""
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
