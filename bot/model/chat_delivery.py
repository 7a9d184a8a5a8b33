"""One contact's copy of a chat message."""

from __future__ import annotations

from datetime import datetime

from bot.model.base import Document


class ChatDelivery(Document):
    """Claims the message for a contact before its entries are written: they get it once, whichever page or process is
    first. Its id is `<message>:<contact>`, also after the contact was merged into another."""

    message: str
    contact: str
    conversation: str
    """Where it is shown. Decided with the claim, so that another process finishes it in the same one."""
    part: str | None = None
    """Its last entry; None: not all of them are written yet."""
    at: datetime
    dismissed_at: datetime | None = None
    """When the contact dismissed it: it isn't shown again. Visitors who aren't stored can dismiss it, too."""
    lapses_at: datetime | None = None
    """Of a visitor that nothing else is stored of: when it is forgotten, unless they are stored by then."""
    expires_at: datetime | None = None
    """The database deletes it then."""

    @classmethod
    def id_of(cls, message: str, contact: str) -> str:
        return f"{message}:{contact}"
