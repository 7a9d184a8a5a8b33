"""The demo workspace's pages: a shop with the widget, and a phone that gets its texts. Only `sayso demo` has them."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.chat.links import Segment, segments
from bot.consent.numbers import national, read_number
from bot.errors import Invalid
from bot.i18n import translator
from bot.model.base import iso, new_id
from bot.model.delivery import PhoneText
from widget.http import BOT, page, read_form, sentence, status_of, wanted_locale


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    number: str
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class TextView:
    incoming: bool
    body: tuple[Segment, ...]
    at: str


async def shop(request: web.Request) -> web.Response:
    """The shop may stand on another site than Sayso (`localhost` and `127.0.0.1`), as a real one does."""
    url = request.app[BOT].public_url
    response = await page(request, "demo/shop.html", wanted_locale(request), widget_src=f"{url}/widget.js")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self' {url}; connect-src {url}; frame-src {url}; style-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return response


async def legal(request: web.Request) -> web.Response:
    locale = wanted_locale(request)
    say = translator(locale)
    title = say("Terms") if request.path.endswith("terms") else say("Privacy")
    message = say("This is a demo shop: here stand the words of a real one.")
    return await page(request, "demo/legal.html", locale, title=title, message=message)


async def phone(request: web.Request) -> web.Response:
    return await _phone(request, request.query.get("number") or None)


async def reply(request: web.Request) -> web.Response:
    """What the person at the phone writes back."""
    form = await read_form(request)
    number, body = form.get("number", ""), form.get("body", "")
    bot, locale = request.app[BOT], wanted_locale(request)
    try:
        workspace = await bot.workspace()
        e164 = read_number(number, workspace.default_region, workspace.texted).e164
        text = await bot.simulator.reply(e164, body, form.get("key", "") or new_id())
        await bot.receive(e164, text.body, text.id)
    except Invalid as error:
        words = sentence(error, translator(locale))
        return await _phone(request, number or None, error=words, status=status_of(error))
    raise web.HTTPSeeOther(f"/demo/phone?number=%2B{e164[1:]}")


async def _phone(
    request: web.Request, wanted: str | None, *, error: str | None = None, status: int = 200
) -> web.Response:
    texts = request.app[BOT].store.phone_texts
    numbers = await texts.numbers()
    current = wanted if wanted in numbers else (numbers[0] if numbers and not wanted else None)
    found = await texts.of(current) if current else []
    return await page(
        request,
        "demo/phone.html",
        wanted_locale(request),
        status=status,
        numbers=[PhoneNumber(n, national(n), len(found) if n == current else 0) for n in numbers],
        current=current,
        current_label=national(current) if current else None,
        texts=[_view(text) for text in found],
        error=error,
    )


def _view(text: PhoneText) -> TextView:
    return TextView(text.incoming, segments(text.body, named=False), iso(text.at))


def add_routes(app: web.Application) -> None:
    app.router.add_get("/demo", shop)
    app.router.add_get("/demo/terms", legal)
    app.router.add_get("/demo/privacy", legal)
    app.router.add_get("/demo/phone", phone)
    app.router.add_post("/demo/phone", reply)
