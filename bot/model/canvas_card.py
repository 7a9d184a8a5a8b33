"""An opt-in form that was inserted in Intercom's Messenger."""

from __future__ import annotations

from datetime import datetime

from bot.model.base import Document, Value
from bot.model.conversation import Card


class CanvasCard(Document):
    """Its id is unguessable. Everyone who sees it has a card of their own in Sayso, from their first act on."""

    card: Card
    workspace: str = ""
    """Intercom's id of the workspace."""
    created_at: datetime


class CanvasSecret(Value):
    """The client secret of the app in Intercom's Developer Hub. Verifying takes the key itself, so it is stored as it
    is."""

    id: str
    secret: str
    created_at: datetime
    created_by: str = ""
    """The teammate's name."""
