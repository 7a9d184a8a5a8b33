"""How many marketing texts a sender may send now."""

from __future__ import annotations

from bot.model.base import Document


class SenderPace(Document):
    """The id is the sender; empty: the default one."""

    free_at: float
    """When the next text may leave: milliseconds since 1970."""
    granted: int
    """Texts that the last request was granted."""
