"""A site with the chat on it."""

from __future__ import annotations

from datetime import datetime

from bot.model.base import Document


class SiteVisit(Document):
    """`_id` is the origin. It is what a page says of itself: a sign that the chat is installed, and no proof."""

    first_at: datetime
    last_at: datetime
