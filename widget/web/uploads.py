"""Forms that hold a file: read once, before the access check, which needs the form's CSRF token.

A route that takes files says how much; every other form stays as small as words are.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web

from bot.errors import Invalid
from bot.errors import marked as _
from widget.web.http import WORDS, Handler

MOST_PARTS = 10


@dataclass(slots=True)
class Sent:
    words: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)


FILES = web.RequestKey("files", dict[str, bytes])
"""What was sent, by the name of its field. What the sender says of its name and type is worth nothing, and not kept."""


def taking_files(handler: Handler, *, most: int) -> Handler:
    """Wraps an access check. `most`: bytes of the whole form."""

    async def wrapped(request: web.Request) -> web.StreamResponse:
        if request.content_type == "multipart/form-data":
            sent = await _read(request, most)
            request[WORDS], request[FILES] = sent.words, sent.files
        return await handler(request)

    return wrapped


async def _read(request: web.Request, most: int) -> Sent:
    """Raises Invalid for what is no form, and answers 413 to what is too much."""
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
    except (ValueError, LookupError, AssertionError):
        raise Invalid(_("We can't read that: %(field)s."), field="form") from None
    return sent
