"""What stands beside a public form: its program page, its poster, its QR code."""

from __future__ import annotations

from aiohttp import web
from markupsafe import Markup

from bot.chat.card_words import card_words, say_of
from bot.chat.linked_text import segments
from bot.chat.public_forms import PublicForm
from bot.chat.tap_to_text import POSTER
from bot.consent.program_page import program_page
from bot.errors import NotFound
from bot.i18n import translator
from bot.model.subscription import MessageType
from widget.forms.pages import gone
from widget.forms.qr import picture, svg
from widget.forms.visit import locale_of
from widget.web.http import BOT, page

TYPES = {"svg": "image/svg+xml", "png": "image/png"}


async def terms(request: web.Request) -> web.Response:
    try:
        form = await _form(request)
    except NotFound:
        return await gone(request)
    locale = locale_of(request)
    program = program_page(form.subscription, await request.app[BOT].workspace(), translator(locale))
    sections = [(section.title, segments(section.text)) for section in program.sections]
    return await page(request, "forms/terms.html", locale, form=form, program=program, sections=sections)


async def poster(request: web.Request) -> web.Response:
    """To print: with all that the form says. Its QR code opens the text that signs up, or else the form."""
    try:
        form = await _form(request)
    except NotFound:
        return await gone(request)
    bot = request.app[BOT]
    workspace, said = await bot.workspace(), say_of(form.card, translator(locale_of(request)))
    is_text = form.subscription.message_type is MessageType.SMS
    tap = await bot.taps.offer(form, workspace, said, POSTER) if is_text else None
    words = card_words(form.card, form.subscription, said)
    return await page(
        request,
        "forms/poster.html",
        said.locale,
        form=form,
        words=words,
        lang=words.locale.replace("_", "-"),
        legal=segments(words.legal_text),
        tap=tap,
        address=f"{bot.public_url}/f/{form.id}",
        qr=Markup(svg(tap.href if tap else f"{bot.public_url}/f/{form.id}")),  # noqa: S704 (our own)
    )


async def qr_code(request: web.Request) -> web.Response:
    """Opens the form."""
    form, kind = await _form(request), request.match_info["format"]
    body = picture(f"{request.app[BOT].public_url}/f/{form.id}", kind)
    return web.Response(body=body, content_type=TYPES[kind], headers={"Cache-Control": "max-age=3600"})


async def _form(request: web.Request) -> PublicForm:
    return await request.app[BOT].public_forms.get(request.match_info["id"])
