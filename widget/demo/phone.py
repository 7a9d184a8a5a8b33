"""The simulated phone: shows the texts that a number received, and sends replies."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.chat.linked_text import LinkedText, segments
from bot.consent.numbers import national, read_number
from bot.errors import Invalid
from bot.i18n import translator
from bot.model.base import iso, new_id
from bot.model.delivery import PhoneText
from widget.web.http import BOT, page, read_form, sentence, status_of, wanted_locale
from widget.web.local import only_local


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    number: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class TextView:
    incoming: bool
    body: tuple[LinkedText, ...]
    at: str


async def phone(request: web.Request) -> web.Response:
    return await _phone(request, request.query.get("number") or None)


async def reply(request: web.Request) -> web.Response:
    """Sends a text from the simulated phone."""
    form = await read_form(request)
    number, body = form.get("number", ""), form.get("body", "")
    bot, locale = request.app[BOT], wanted_locale(request)
    try:
        workspace = await bot.workspace()
        e164 = read_number(number, workspace.default_region, workspace.texted).e164
        text = await bot.phone.reply(e164, body, form.get("key", "") or new_id())
        await bot.receive(e164, text.body, text.id)
    except Invalid as error:
        words = sentence(error, translator(locale))
        return await _phone(request, number or None, error=words, status=status_of(error))
    raise web.HTTPSeeOther(f"/demo/phone?number=%2B{e164[1:]}")


async def _phone(
    request: web.Request, wanted: str | None, *, error: str | None = None, status: int = 200
) -> web.Response:
    phone, programs = request.app[BOT].phone, await request.app[BOT].programs.all()
    numbers = await phone.numbers()
    current = wanted if wanted in numbers else (numbers[0] if numbers and not wanted else None)
    found = await phone.texts(current) if current else []
    return await page(
        request,
        "demo/phone.html",
        wanted_locale(request),
        status=status,
        numbers=[PhoneNumber(n, national(n), len(found) if n == current else 0) for n in numbers],
        current=current,
        current_label=national(current) if current else None,
        is_other=bool(wanted) and not current,
        replies=["YES", "STOP", "START", "HELP", *(row.program.keyword for row in programs if row.is_live)],
        texts=[_view(text) for text in found],
        error=error,
    )


def _view(text: PhoneText) -> TextView:
    return TextView(text.incoming, segments(text.body, named=False), iso(text.at))


def add_routes(app: web.Application) -> None:
    app.router.add_get("/demo/phone", only_local(phone))
    app.router.add_post("/demo/phone", only_local(reply))
