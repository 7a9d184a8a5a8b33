"""Migration steps that were run on a database."""

from __future__ import annotations

from datetime import datetime

from bot.model.base import Document


class Migration(Document):
    """`_id` names the step."""

    done_at: datetime
