"""Access to the REST API: the same scopes as in the pages, held by a token instead of a session."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from aiohttp import web

from bot.errors import TokenRefused
from bot.workspace.access import Scope
from widget.web.access import principal
from widget.web.http import BOT, Handler, bearer
from widget.web.local import is_local
from widget.web.sessions import PRINCIPAL

__all__ = ["Scope", "principal", "requires"]


def requires(scope: Scope | None = None) -> Callable[[Handler], Handler]:
    """Restricts a route to tokens with this scope; None: any valid token. Otherwise TokenRefused (401) or ScopeMissing
    (403)."""

    def guard(handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: web.Request) -> web.StreamResponse:
            token = bearer(request)
            if token is None:
                raise TokenRefused
            who = await request.app[BOT].tokens.principal(token, is_local=is_local(request))
            if scope:
                who.require(scope)
            request[PRINCIPAL] = who
            return await handler(request)

        return guarded

    return guard
