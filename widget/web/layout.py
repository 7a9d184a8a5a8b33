"""The frame around every page of teammates: navigation, title, what was said, and the headers that they all carry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.teammate import Teammate
from widget.web.csrf import session_token
from widget.web.flash import forget_said, read_said
from widget.web.forms import FORM, Form
from widget.web.http import PAGE_POLICY, page, wanted_locale
from widget.web.sessions import ME

POLICY = f"frame-src 'self'; {PAGE_POLICY}'none'"
"""As for all pages, and a frame of our own: the preview of the preference center."""


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation, or of a sub-navigation."""

    section: str
    path: str
    name: str
    """A gettext id."""
    icon: str = ""
    for_agents: bool = False


NAVIGATION = (
    Place("inbox", "/inbox", _("Inbox"), "inbox", for_agents=True),
    Place("contacts", "/contacts", _("Contacts"), "people", for_agents=True),
    Place("outbound", "/outbound", _("Outbound"), "outbound"),
    Place("bots", "/bots", _("Bots"), "bot"),
    Place("settings", "/settings/subscriptions", _("Settings"), "gear"),
)
SETTINGS = (
    Place("subscriptions", "/settings/subscriptions", _("Subscriptions")),
    Place("brand", "/settings/brand", _("Brand and compliance")),
    Place("styleguide", "/settings/styleguide", _("Style guide")),
)


def open_to(me: Teammate, places: tuple[Place, ...]) -> list[Place]:
    """Those that this teammate may open: nobody is shown a door that is locked to them."""
    return [place for place in places if me.is_admin or place.for_agents]


async def shell_page(
    request: web.Request, template: str, *, section: str, title: str, status: int = 200, **context: Any
) -> web.Response:
    """A page that extends `shell/page.html`. `section` names its entry in the navigation, `title` is its heading.

    Every template has `me`, `csrf`, `section`, `title`, `brand`, and `form`: what was typed and what is wrong with it.
    """
    me, form = request[ME], request.get(FORM, Form())
    response = await page(
        request,
        template,
        wanted_locale(request),
        status=status if status != 200 else form.status,
        section=section,
        title=title,
        me=me,
        csrf=await session_token(request),
        form=form,
        said=read_said(request),
        navigation=open_to(me, NAVIGATION),
        settings_navigation=open_to(me, SETTINGS),
        **context,
    )
    forget_said(request, response)
    return safe(response)


def safe(response: web.Response) -> web.Response:
    """The headers of a teammate's page. Its forms tell our own server, and nobody else, where they came from."""
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def named(places: list[Place], say: Translator) -> list[tuple[str, str]]:
    """Path and name of each, in the reader's language."""
    return [(place.path, say(place.name)) for place in places]
