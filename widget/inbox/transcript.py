"""A conversation as a text file, to keep or to send on: what the contact saw, with the outcome of each opt-in form."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator

from aiohttp import web

from bot.chat.linked_text import LinkedText
from bot.i18n import Translator
from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.conversation import Card, CardState
from widget.inbox import views
from widget.inbox.details import shown_number
from widget.web.downloads import Download, send_file
from widget.web.http import BOT
from widget.web.teammate_pages import translator_for
from widget.web.times import clock

JOINERS = "\t\u200c\u200d"
"""Invisible, but part of ordinary text: Persian words and many emoji need the last two."""


async def download(request: web.Request) -> web.StreamResponse:
    """Notes and events between teammates are left out. Raises NotFound."""
    bot, say = request.app[BOT], translator_for(request)
    conversation = await bot.inbox.get(request.match_info["conversation"])
    contact = await bot.ledger.contact(conversation.contact)
    title = say("Conversation with %(name)s", name=_line(views.name_of(contact, say)))
    head = (title, (await bot.workspace()).name, say("Downloaded %(time)s", time=clock.get().exact(now())))

    async def pieces() -> AsyncIterator[bytes]:
        yield "\n".join((*head, "", "")).encode()
        seq = 0
        while parts := await bot.conversations.after(conversation.id, seq):
            shown = [part for part in parts if part.is_for_contact]
            for entry in await views.entries(request, shown, conversation, contact, say):
                yield f"{_indented(_lines(entry, say))}\n\n".encode()
            seq = parts[-1].seq

    recorded = Download(AuditAction.TRANSCRIPT_DOWNLOADED, conversation.id)
    return await send_file(request, f"conversation-{conversation.id}.txt", "text/plain", pieces(), recorded)


def _lines(entry: views.ThreadEntry, say: Translator) -> str:
    time = clock.get().show(entry.at).exact
    if entry.event:
        return f"[{time}] {_line(entry.event)}"
    text = "\n".join((entry.card.title, *_card(entry, entry.card, say))) if entry.card else _text(entry.text)
    return f"[{time}] {_line(entry.author)}: {text}"


def _indented(text: str) -> str:
    """Only entries begin at the margin, so no text can imitate another person's message."""
    return "\n  ".join(map(_visible, text.splitlines()))


def _line(text: str) -> str:
    return " ".join(text.split())


def _visible(line: str) -> str:
    """Without characters that could reorder or overwrite the line."""
    return "".join(c for c in line if c in JOINERS or unicodedata.category(c) not in {"Cc", "Cf"})


def _card(entry: views.ThreadEntry, card: Card, say: Translator) -> list[str]:
    legal = [say("Legal text: %(text)s", text=_text(entry.legal))] if entry.legal else []
    named = say("Opt-in form for %(name)s", name=entry.subscription)
    return [named, *legal, say("Outcome: %(outcome)s", outcome=_outcome(card, say))]


def _outcome(card: Card, say: Translator) -> str:
    if card.state is CardState.OPEN:
        return say("Not answered")
    if card.state is CardState.CLOSED:
        return say("Closed without an answer")
    number = shown_number(card.number or "")
    if card.asked:
        return say("Confirmation requested from %(number)s", number=number)
    return say("Signed up with %(number)s", number=number)


def _text(segments: tuple[LinkedText, ...]) -> str:
    return "".join(f"{s.text} ({s.href})" if s.href and s.href != s.text else s.text for s in segments)
