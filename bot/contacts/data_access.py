"""Everything about a person as one ZIP, for a request under data protection law: JSON for programs, HTML to read.

Written page by page, in constant memory.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any

from bot.contacts.imports.uploads import UploadedRows
from bot.contacts.known_by import Held, known_by
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.base import Document
from bot.store import Store

PAGE = 200
TITLES = {
    "contacts": _("Contact"),
    "consent_events": _("Consent history"),
    "stops": _("STOP and START texts"),
    "conversations": _("Conversations"),
    "entries": _("Entries in conversations"),
    "messages": _("Messages sent"),
    "links": _("Links to the preference center"),
    "webhooks": _("Webhook notifications"),
    "imports": _("Changes by imports"),
    "uploads": _("Rows in uploaded files"),
}
"""By section. docs/contacts.md lists them, too."""
TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z")
BY_CONTACT = [("contact", 1), ("updated_at", -1)]
Documents = AsyncIterator[Mapping[str, Any]]
ValueWords = Mapping[str, Mapping[Any, str]]
"""By field: gettext ids by value."""
NO_WORDS: ValueWords = {}
TECHNICAL = {
    "body_hash", "commitments", "format", "hash", "key", "ledger", "policy", "previous", "redacted", "salts", "seq",
    "signature",
}  # fmt: skip
"""Fields that prove that nothing was changed (docs/proof.md), and say nothing about the person."""
FREE = {"attributes", "custom_attributes", "row"}
"""Fields whose inner names and values are the business's own: they are shown as they are."""


class DataAccess:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def archive(self, contact: str, say: Translator, words: ValueWords = NO_WORDS) -> AsyncIterator[bytes]:
        """The pieces of the file. Contacts that were merged into this one are included. `words`: for the page."""
        out = _Pieces()
        ids = await self._ids(contact)
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
            for name, written in (("data.json", self._json(ids)), ("index.html", self._html(ids, say, words))):
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

    async def _html(self, ids: list[str], say: Translator, words: ValueWords) -> AsyncIterator[str]:
        title, reading = escape(say("Data about this person")), _Reading(await self._names(), words, say)
        yield (
            f'<!doctype html><html lang="{say.locale}" dir="{say.direction}"><meta charset="utf-8">'
            f'<title>{title}</title><meta name="viewport" content="width=device-width">'
            '<meta name="color-scheme" content="light dark"><style>body{font:16px/1.5 system-ui;margin:2rem auto;'
            "max-width:60rem;padding:0 1rem}dl{border-top:1px solid #8888;margin:0;padding:.75rem 0}dt{opacity:.7;"
            f"font-size:.875rem}}dd{{margin:0 0 .25rem;overflow-wrap:anywhere}}</style><h1>{title}</h1>\n"
        )
        for name, documents in self._sections(ids).items():
            yield f"<h2>{escape(say(TITLES[name]))}</h2>\n"
            is_empty = True
            async for document in documents:
                lines = (
                    f"<dt><bdi>{escape(k)}</bdi></dt><dd><bdi>{escape(t)}</bdi></dd>"
                    for k, t in reading.lines(document)
                )
                yield f"<dl>{''.join(lines)}</dl>\n"
                is_empty = False
            if is_empty:
                yield f"<p>{escape(say('None'))}</p>\n"
        yield "</html>\n"

    async def _names(self) -> Mapping[str, str]:
        """Of subscriptions and tags, by their ids."""
        subscriptions, tags = await self._store.subscriptions.all(), await self._store.tags.in_use()
        return {one.id: one.name for one in subscriptions} | {tag.id: tag.name for tag in tags}

    def _sections(self, ids: list[str]) -> dict[str, Documents]:
        return {
            "contacts": self._contacts(ids),
            "consent_events": self._events(ids),
            "stops": self._stops(ids),
            "conversations": self._conversations(ids[0]),
            "entries": self._entries(ids[0]),
            "messages": self._messages(ids[0]),
            "links": self._links(ids[0]),
            "webhooks": self._webhooks(ids[0]),
            "imports": self._imports(ids),
            "uploads": self._uploads(ids),
        }

    async def _contacts(self, ids: list[str]) -> Documents:
        for contact in (await self._store.contacts.get_many(ids)).values():
            yield _plain(contact, "user_keys")

    async def _events(self, ids: list[str]) -> Documents:
        for id in ids:
            seq = 0
            while events := await self._store.events.after(id, seq, limit=PAGE):
                for event in events:
                    yield _plain(event)
                seq = events[-1].seq

    async def _stops(self, ids: list[str]) -> Documents:
        """STOPs and STARTs of each number, as long as it was theirs: later ones are somebody else's."""
        for number, until in (await self._numbers(ids)).items():
            name, seq = await self._store.stops.name_of(number), 0
            while entries := await self._store.stop_events.after(name, seq, limit=PAGE):
                for entry in entries:
                    if until is None or entry.at <= until:
                        yield {**_plain(entry, "_id", "key"), "number": number}
                seq = entries[-1].seq

    async def _numbers(self, ids: list[str]) -> Held:
        found: Held = {}
        for id in ids:
            for number, until in (await known_by(self._store, id)).numbers.items():
                earlier = found.get(number, until)
                found[number] = max(earlier, until) if earlier and until else None
        return found

    async def _conversations(self, id: str) -> Documents:
        async for page in self._store.conversations.all_of({"contact": id}, sort=BY_CONTACT):
            for conversation in page:
                yield _plain(conversation, "opening", "run")

    async def _entries(self, id: str) -> Documents:
        async for page in self._store.conversations.all_of({"contact": id}, sort=BY_CONTACT):
            for conversation in page:
                seq = 0
                while parts := await self._store.parts.after(conversation.id, seq, limit=PAGE):
                    for part in parts:
                        yield _plain(part, "words")
                    seq = parts[-1].seq

    async def _messages(self, id: str) -> Documents:
        order = [("contact", 1), ("created_at", 1)]
        async for page in self._store.deliveries.all_of({"contact": id}, sort=order):
            for delivery in page:
                links = [link.url for link in delivery.short_links or ()]
                plain = _plain(delivery, "prefix", "link", "short_links", "worker")
                yield {**plain, "short_links_to": links} if links else plain
        async for copies in self._store.chat_deliveries.all_of({"contact": id}, sort=[("contact", 1), ("message", 1)]):
            for copy in copies:
                yield _plain(copy)

    async def _links(self, id: str) -> Documents:
        """Without what opens them."""
        async for page in self._store.preference_links.all_of({"contact": id}, sort=[]):
            for link in page:
                yield _plain(link, "_id")

    async def _webhooks(self, id: str) -> Documents:
        async for page in self._store.webhook_notifications.all_of({"contact": id}, sort=[]):
            for notification in page:
                yield _plain(notification, "lane", "order", "tries")

    async def _imports(self, ids: list[str]) -> Documents:
        for id in ids:
            async for page in self._store.import_changes.all_of({"contact": id}, sort=[]):
                for change in page:
                    yield _plain(change)

    async def _uploads(self, ids: list[str]) -> Documents:
        for id in ids:
            known = await known_by(self._store, id)
            async for piece, places in UploadedRows(self._store).of(known.current, known.id_keys):
                file = await self._store.contact_imports.get(piece.of)
                labels = file.labels if file else []
                for place in places:
                    cells = piece.rows[place]
                    row = dict(zip((*labels, *map(str, range(len(labels) + 1, len(cells) + 1))), cells, strict=False))
                    yield {"file": file.file if file else "", "line": piece.lines[place], "row": row}


class _Pieces:
    """A stream that a ZIP file is written to. Its bytes are taken as they arrive; it can't seek."""

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


def _plain(document: Document, *without: str) -> Mapping[str, Any]:
    fields = document.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {name: value for name, value in fields.items() if name not in without}


@dataclass(frozen=True, slots=True)
class _Reading:
    """A stored document as lines to read, without what only programs need: that is in the JSON."""

    names: Mapping[str, str]
    """Of ids."""
    words: ValueWords
    say: Translator

    def lines(self, value: Mapping[str, Any], path: str = "", *, is_free: bool = False) -> Iterator[tuple[str, str]]:
        """Values by the path of their names."""
        for key, inner in value.items():
            if inner in ("", [], {}) or (key in TECHNICAL and not is_free):
                continue
            if isinstance(inner, Mapping):
                yield from self.lines(inner, f"{path}{key} · ", is_free=is_free or key in FREE)
            elif isinstance(inner, list) and any(isinstance(item, Mapping) for item in inner):
                for place, item in enumerate(inner, 1):
                    yield from self.lines({str(place): item}, f"{path}{key} · ", is_free=is_free)
            else:
                say = self._plain if is_free else partial(self._text, key)
                texts = [say(one) for one in (inner if isinstance(inner, list) else [inner])]
                yield f"{path}{key}".replace("_", " ").strip(), ", ".join(texts)

    def _text(self, key: str, value: object) -> str:
        text = self._plain(value)
        if word := self.words.get(key, {}).get(text):
            return self.say(word)
        return f"{self.names[text]} ({text})" if text in self.names else text

    def _plain(self, value: object) -> str:
        if isinstance(value, bool):
            return self.say("Yes") if value else self.say("No")
        text = str(int(value) if isinstance(value, float) and value.is_integer() else value)
        return TIME.sub(r"\1 \2 UTC", text)
