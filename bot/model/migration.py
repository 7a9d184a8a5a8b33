"""What was done once to bring a database to the present version."""

from __future__ import annotations

from datetime import datetime

from bot.model.base import Document


class Migration(Document):
    """`_id` names the step."""

    done_at: datetime
