"""A chat message as the messenger shows it to somebody in its default language, with disabled controls."""

from __future__ import annotations

from aiohttp import web
from markupsafe import Markup

from bot.model.base import now
from bot.model.contact import Contact
from bot.model.conversation import OUTBOUND, OpeningEntry
from bot.model.outbound_message import OutboundMessage
from bot.outbound.chat_rules import contents
from bot.outbound.kinds.outbound import variables
from widget.messenger import views
from widget.outbound.views import SAMPLE_NAME
from widget.web.http import BOT

NOBODY = "0" * 24


def sample(locale: str) -> Contact:
    """Somebody who never answered, and whose number isn't known."""
    time = now()
    return Contact(id=NOBODY, name=SAMPLE_NAME, locale=locale, created_at=time, updated_at=time, is_stored=False)


async def preview_of(request: web.Request, message: OutboundMessage) -> Markup:
    """Empty: nothing is written yet."""
    contact = sample(message.language)
    said = contents(message, message.language, variables(contact, await request.app[BOT].workspace()))
    entries = [OpeningEntry(author=OUTBOUND, content=content, at=now(), key=key) for key, content in said]
    parts = [entry.part(NOBODY, seq) for seq, entry in enumerate(entries, start=1)]
    return Markup("\n").join(Markup(html) for html in await views.entries(request, parts, contact))  # noqa: S704 (our own)
