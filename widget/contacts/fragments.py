"""What opens in a dialog over the list, and is a page of its own without JavaScript."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from widget.web.csrf import session_token
from widget.web.forms import FORM, Form
from widget.web.http import html_page, render, wanted_locale
from widget.web.layout import with_page_headers
from widget.web.teammate_pages import is_htmx, teammate_page


async def fragment(request: web.Request, template: str, title: str, **context: Any) -> web.StreamResponse:
    """`template` draws the body; its `title` becomes that of the dialog."""
    if not is_htmx(request):
        return await teammate_page(
            request, "contacts/fragment.html", section="contacts", title=title, body=template, **context
        )
    csrf, form = await session_token(request), request.get(FORM, Form())
    html = await render(request, template, wanted_locale(request), title=title, csrf=csrf, form=form, **context)
    return with_page_headers(html_page(request, html, status=form.status))
