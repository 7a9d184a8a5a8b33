"""Forms with a file: read once before the access check, which needs the form's CSRF token.

Each upload route sets its own size limit; all other forms stay small.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web

from bot.errors import Invalid
from bot.errors import marked as _
from widget.web.http import UNREADABLE, WORDS, Handler

MOST_PARTS = 10


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
