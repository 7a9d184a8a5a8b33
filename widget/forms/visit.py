"""Who visits a public form.

A page carries a signed name for its visitor, so that submitting it twice signs up one person. A cookie recognizes them
later; it is set by a sign-up alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from itsdangerous import BadData, URLSafeTimedSerializer

from bot.chat.public_forms import PublicForm
from bot.errors import Invalid, NotFromHere
from bot.errors import marked as _
from bot.model.base import new_id
from bot.model.contact import Contact
from widget.web.csrf import is_our_page
from widget.web.http import BOT, wanted_locale
from widget.web.sessions import cookie_name, is_secure

COOKIE, PURPOSE = "sayso_form", "public_form"
OPEN_SECONDS = 12 * 3600
"""How long a page can be submitted after it was opened."""
EXPIRED = _("This page was open for too long. Check the form and try again.")


@dataclass(frozen=True, slots=True)
class Visit:
    form: PublicForm
    contact: Contact
    token: str
    """Names form and contact, signed: what the page submits."""


async def look(request: web.Request) -> Visit:
    """A visitor who opens the page. Raises NotFound: there is no such form."""
    form = await request.app[BOT].public_forms.get(request.match_info["id"])
    return await _visit(request, form, known(request), locale_of(request))


async def look_anew(request: web.Request, visit: Visit) -> Visit:
    """The same page for somebody else."""
    return await _visit(request, visit.form, "", visit.contact.locale)


async def sent(request: web.Request, token: str) -> Visit:
    """The visitor whose page sent this. Raises NotFound, NotFromHere, and Invalid: the page is too old."""
    if not is_our_page(request):
        raise NotFromHere
    form = await request.app[BOT].public_forms.get(request.match_info["id"])
    try:
        of, contact, locale = _serializer(request).loads(token, max_age=OPEN_SECONDS)
    except (BadData, ValueError, TypeError):
        raise Invalid(EXPIRED) from None
    if of != form.id:
        raise Invalid(EXPIRED)
    return await _visit(request, form, contact, locale)


async def act(request: web.Request, token: str) -> Visit:
    """The same, if they may act. Raises Invalid also for a page that somebody else left in this browser."""
    visit = await sent(request, token)
    if not await is_theirs(request, visit):
        raise Invalid(EXPIRED)
    return visit


async def is_theirs(request: web.Request, visit: Visit) -> bool:
    """Whether this browser may act for the page's visitor. Once they signed up, only its cookie proves that: on a
    shared device, an old page is not enough (law 11). Before that, the browser must not know anybody else."""
    recognized, contact = known(request), visit.contact
    if recognized == contact.id or contact.ledger.seq:
        return recognized == contact.id
    return not recognized or (await request.app[BOT].public_forms.contact(recognized, "en")).id != recognized


def remember(request: web.Request, response: web.StreamResponse, contact: str) -> None:
    bot = request.app[BOT]
    response.set_cookie(
        cookie_name(bot, COOKIE),
        bot.visitors.token(contact),
        max_age=bot.settings.visitor_days * 86_400,
        httponly=True,
        samesite="Lax",
        secure=is_secure(bot),
    )


def drop(request: web.Request, response: web.StreamResponse) -> None:
    bot = request.app[BOT]
    response.del_cookie(cookie_name(bot, COOKIE), secure=is_secure(bot), httponly=True, samesite="Lax")


def locale_of(request: web.Request) -> str:
    """`?lang=es` asks for a language, so that a shop can print a poster in each."""
    return wanted_locale(request, request.query.get("lang", "")[:20] or None)


async def _visit(request: web.Request, form: PublicForm, id: str, locale: str) -> Visit:
    contact = await request.app[BOT].public_forms.contact(id or new_id(), locale)
    return Visit(form, contact, str(_serializer(request).dumps([form.id, contact.id, locale])))


def known(request: web.Request) -> str:
    """The contact that the browser's cookie names; empty: none."""
    bot = request.app[BOT]
    return bot.visitors.arrival(request.cookies.get(cookie_name(bot, COOKIE)))[0]


def _serializer(request: web.Request) -> URLSafeTimedSerializer:
    return request.app[BOT].signatures.serializer(PURPOSE)
