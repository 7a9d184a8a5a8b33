"""Forms with a file: read once before the access check, which needs the form's CSRF token.

Each upload route sets its own size limit; all other forms stay small. A large file is not read before that check: its
fields come first, and the handler reads the file to disk with `spooled`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import BinaryIO

from aiohttp import BodyPartReader, web

from bot.errors import FormWrong, Invalid
from bot.errors import marked as _
from widget.web.http import UNREADABLE, WORDS, Handler

MOST_PARTS = 10
MOST_WORDS = 64 * 1024
"""Bytes of the fields of a form beside its file."""
PIECE = 256 * 1024


@dataclass(slots=True)
class Sent:
    words: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


FILES = web.RequestKey("files", dict[str, bytes])
"""Files by field name. Their claimed names and types are ignored."""


def taking_files(handler: Handler, *, most: int) -> Handler:
    """Wraps an access check. `most`: bytes of the whole form."""

    async def wrapped(request: web.Request) -> web.StreamResponse:
        if request.content_type == "multipart/form-data":
            sent = await _read(request, most)
            request[WORDS], request[FILES] = sent.words, sent.files
        return await handler(request)

    return wrapped


PART = web.RequestKey("part", BodyPartReader)
"""A file that is not read yet."""
NOT_SENT = _("Choose a file.")


def taking_large_file(handler: Handler, *, most: int) -> Handler:
    """Wraps an access check of a form whose last field is a file of up to `most` bytes."""

    async def wrapped(request: web.Request) -> web.StreamResponse:
        if (length := request.content_length or 0) > most + MOST_WORDS:
            raise web.HTTPRequestEntityTooLarge(most, length)
        if request.content_type == "multipart/form-data":
            await _read_words(request, most)
        return await handler(request)

    return wrapped


async def _read_words(request: web.Request, most: int) -> None:
    """Reads up to the file. Raises Invalid for a malformed form."""
    words: dict[str, str] = {}
    request[WORDS] = words
    try:
        async for part in await request.clone(client_max_size=most).multipart():
            if not isinstance(part, BodyPartReader) or len(words) == MOST_PARTS:
                raise ValueError
            if part.filename is not None:
                request[PART] = part
                return
            words[part.name or ""] = await _short(part)
    except UNREADABLE:
        raise Invalid(_("Invalid value: %(field)s."), field="form") from None


async def _short(part: BodyPartReader) -> str:
    """A field before the file. The access check comes later, so no more than the limit is read."""
    data = b""
    while piece := await part.read_chunk():
        data += piece
        if len(data) > MOST_WORDS:
            raise ValueError
    return data.decode()


async def spooled(request: web.Request, file: BinaryIO, most: int) -> tuple[str, int]:
    """Writes the file of the form into `file`. Returns its name and size. Raises FormWrong, and 413 if it is too
    large."""
    part, size = request.get(PART), 0
    if part is None or not part.filename:
        raise FormWrong({"file": NOT_SENT})
    while piece := await part.read_chunk(PIECE):
        size += len(piece)
        if size > most:
            raise web.HTTPRequestEntityTooLarge(most, size)
        await asyncio.to_thread(file.write, piece)
    return part.filename, size


async def _read(request: web.Request, most: int) -> Sent:
    """Raises Invalid for a malformed form, and 413 for one that is too large."""
    sent, left = Sent(), most
    try:
        async for part in await request.clone(client_max_size=most).multipart():
            if not isinstance(part, BodyPartReader) or len(sent.words) + len(sent.files) == MOST_PARTS:
                raise ValueError
            data = bytes(await part.read())
            left -= len(data)
            if left < 0:
                raise web.HTTPRequestEntityTooLarge(most)
            if part.filename is None:
                sent.words[part.name or ""] = data.decode()
            else:
                sent.files[part.name or ""] = data
    except UNREADABLE:
        raise Invalid(_("Invalid value: %(field)s."), field="form") from None
    return sent
