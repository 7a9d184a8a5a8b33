"""A site with the chat on it."""

from __future__ import annotations

from datetime import datetime

from bot.model.base import Document


class SiteVisit(Document):
    """`_id` is the origin, as the page reports it: a sign that the chat is installed, not proof."""

    first_at: datetime
    last_at: datetime
