"""Everything about a person as one ZIP, for a request under data protection law: JSON for programs, HTML to read.

It is written page by page, so that a long life takes no more memory than a short one.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import AsyncIterator, Iterator, Mapping
from html import escape
from typing import Any

from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.base import Document
from bot.store import Store

PAGE = 200
MOST = 5000
"""Conversations, and messages."""
TITLES = {
    "contacts": _("Contact"),
    "consent_events": _("Consent history"),
    "conversations": _("Conversations"),
    "entries": _("Entries in conversations"),
    "messages": _("Messages sent"),
}
Documents = AsyncIterator[Mapping[str, Any]]


class DataAccess:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def archive(self, contact: str, say: Translator) -> AsyncIterator[bytes]:
        """The pieces of the file. Contacts that were merged into this one are included."""
        out = _Pieces()
        ids = await self._ids(contact)
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
            for name, written in (("data.json", self._json(ids)), ("index.html", self._html(ids, say))):
                with file.open(name, "w") as entry:
                    async for text in written:
                        entry.write(text.encode())
                        yield out.take()
        yield out.take()

    async def _ids(self, contact: str) -> list[str]:
        ids = [contact]
        for id in ids:  # grows while it is walked
            ids += [merged.id for merged in await self._store.contacts.merged_into(id) if merged.id not in ids]
        return ids

    async def _json(self, ids: list[str]) -> AsyncIterator[str]:
        yield "{"
        for place, (name, documents) in enumerate(self._sections(ids).items()):
            yield f'{"," if place else ""}\n"{name}": ['
            comma = ""
            async for document in documents:
                yield f"{comma}\n{json.dumps(document, ensure_ascii=False)}"
                comma = ","
            yield "\n]"
        yield "\n}\n"

    async def _html(self, ids: list[str], say: Translator) -> AsyncIterator[str]:
        title = escape(say("Data about this person"))
        yield (
            f'<!doctype html><html lang="{say.locale}" dir="auto"><meta charset="utf-8"><title>{title}</title>'
            '<meta name="viewport" content="width=device-width"><style>body{font:16px/1.5 system-ui;margin:2rem auto;'
            "max-width:60rem;padding:0 1rem}dl{border-top:1px solid #8888;margin:0;padding:.75rem 0}dt{opacity:.7;"
            f"font-size:.875rem}}dd{{margin:0 0 .25rem;overflow-wrap:anywhere}}</style><h1>{title}</h1>\n"
        )
        for name, documents in self._sections(ids).items():
            yield f"<h2>{escape(say(TITLES[name]))}</h2>\n"
            is_empty = True
            async for document in documents:
                lines = (f"<dt>{escape(key)}</dt><dd dir=auto>{escape(text)}</dd>" for key, text in _flat(document))
                yield f"<dl>{''.join(lines)}</dl>\n"
                is_empty = False
            if is_empty:
                yield f"<p>{escape(say('None'))}</p>\n"
        yield "</html>\n"

    def _sections(self, ids: list[str]) -> dict[str, Documents]:
        return {
            "contacts": self._contacts(ids),
            "consent_events": self._events(ids),
            "conversations": self._conversations(ids[0]),
            "entries": self._entries(ids[0]),
            "messages": self._messages(ids[0]),
        }

    async def _contacts(self, ids: list[str]) -> Documents:
        for contact in (await self._store.contacts.get_many(ids)).values():
            yield _plain(contact)

    async def _events(self, ids: list[str]) -> Documents:
        for id in ids:
            seq = 0
            while events := await self._store.events.after(id, seq, limit=PAGE):
                for event in events:
                    yield _plain(event)
                seq = events[-1].seq

    async def _conversations(self, id: str) -> Documents:
        for conversation in await self._store.conversations.of_contact(id, limit=MOST):
            yield {key: value for key, value in _plain(conversation).items() if key not in {"opening", "run"}}

    async def _entries(self, id: str) -> Documents:
        for conversation in await self._store.conversations.of_contact(id, limit=MOST):
            seq = 0
            while parts := await self._store.parts.after(conversation.id, seq, limit=PAGE):
                for part in parts:
                    yield {key: value for key, value in _plain(part).items() if key != "words"}
                seq = parts[-1].seq

    async def _messages(self, id: str) -> Documents:
        for delivery in await self._store.deliveries.to_contact(id, limit=MOST):
            yield {key: value for key, value in _plain(delivery).items() if key not in {"origins", "link", "worker"}}


class _Pieces:
    """What a ZIP file is written to: bytes that are taken away as they come. It can't go back."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, data: bytes) -> int:
        self._bytes += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """There is nothing to close."""

    def take(self) -> bytes:
        taken, self._bytes = bytes(self._bytes), bytearray()
        return taken


def _plain(document: Document) -> Mapping[str, Any]:
    return document.model_dump(mode="json", by_alias=True, exclude_none=True)


def _flat(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Names and values to read, by the path of their names."""
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{path}{key} · ")
        elif isinstance(inner, list) and any(isinstance(item, Mapping) for item in inner):
            for place, item in enumerate(inner, 1):
                yield from _flat({str(place): item}, f"{path}{key} · ")
        elif inner not in ("", [], {}):
            text = ", ".join(map(str, inner)) if isinstance(inner, list) else str(inner)
            yield f"{path}{key}", text
