"""Sensitive changes require a recent password: someone else could be using an open session.

`manages(proved(create))` lets a form through within ten minutes of a sign-in, or of the password on this page.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import wraps

from aiohttp import web
from aiohttp_session import get_session
from yarl import URL

from bot.errors import ProofMissing
from bot.i18n import translator
from bot.model.base import now
from widget.web.access import ACCOUNT, SIGN_IN_SETTINGS
from widget.web.flash import done
from widget.web.http import Handler, sentence, split_address, wanted_locale, wants_page
from widget.web.next_page import own_path

LASTS = timedelta(minutes=10)
PATH = f"{ACCOUNT}/confirm"


async def is_proved(request: web.Request) -> bool:
    proved_at: datetime = (await get_session(request))["proved"]
    return now() - proved_at < LASTS


def confirm_address(where: str) -> str:
    """The page that asks for the password, and then leads to `where`."""
    return str(URL(PATH).with_query(next=where))


def proved(handler: Handler) -> Handler:
    """Goes under `requires`. Raises ProofMissing to scripts."""

    @wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        if await is_proved(request):
            return await handler(request)
        if not wants_page(request):
            raise ProofMissing
        said = sentence(ProofMissing(), translator(wanted_locale(request)))
        raise done(confirm_address(_sender(request)), said, "bad")

    return guarded


def _sender(request: web.Request) -> str:
    """The page with the form."""
    path = split_address(request.headers.get("Referer", "")).path
    return own_path(path) if path.startswith("/settings/") else SIGN_IN_SETTINGS
