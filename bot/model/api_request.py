"""A request to the API with an `Idempotency-Key`, and what was answered."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from bot.model.base import Document


class ApiRequest(Document):
    """`_id` is a hash of token and key. Deleted after a day."""

    request: str
    """A hash of method, address and body."""
    claim: str
    """Identifies the process that is handling the request."""
    claimed_until: datetime
    answer: str | None = None
    """The body; None: not answered yet."""
    status: int = 0
    contacts: tuple[str, ...] = Field(default=())
    """Whose data the answer contains."""
    at: datetime
