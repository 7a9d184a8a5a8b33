"""Caches fragments that many people share: rendered once per shared content, with personal values inserted afterwards.

Measured: of 1.0 ms for a preference center, rendering the template took 0.6 ms.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping

from aiohttp import web
from markupsafe import escape

from bot.model.base import new_id
from widget.web.http import BOT, render

MOST = 512
"""Entries, some kilobytes each. A business has about thirty subscriptions; few of their combinations are common."""


class FragmentCache:
    def __init__(self) -> None:
        self._kept: dict[Hashable, str] = {}
        self._secret = new_id()

    def mark(self, name: str) -> str:
        """The placeholder for a personal value. It is unguessable, so that no user's text can contain it."""
        return f"{self._secret}-{name}-"

    async def __call__(
        self, request: web.Request, template: str, locale: str, personal: Mapping[str, str], **shared: Hashable
    ) -> str:
        """`template` finds `personal` and `shared` by name. Personal values are escaped unless they are markup."""
        workspace = await request.app[BOT].workspace()
        key = (template, locale, workspace, *sorted(shared.items()))
        text = self._kept.get(key)
        if text is None:
            marks = {name: self.mark(name) for name in personal}
            text = await render(request, template, locale, **marks, **shared)
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[key] = text
        for name, word in personal.items():
            text = text.replace(self.mark(name), escape(word))
        return text


FRAGMENT_CACHE = web.AppKey("drawn", FragmentCache)
