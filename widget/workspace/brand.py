"""Settings > Brand and compliance: look, contact details, countries, and standard wording."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from aiohttp import web
from pydantic import ValidationError

from bot.chat.card_view import CardView, card_view
from bot.consent.numbers import all_regions, calling_code
from bot.consent.placeholders import fill
from bot.errors import FormWrong
from bot.errors import marked as _
from bot.i18n import Translator, translator
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.conversation import Card
from bot.model.subscription import ConsentType, MessageType, Subscription, SubscriptionState
from bot.model.workspace import FREQUENCY, OPT_OUT, IncompleteWording, ReplyTime, Workspace
from bot.workspace.brand import Brand
from widget.web.forms import FORM, nested
from widget.web.http import BOT, PAGE_POLICY, page, wanted_locale
from widget.web.languages import all_languages
from widget.web.look import contrast, ink_on
from widget.web.teammate_pages import (
    Form,
    Scope,
    by,
    done,
    fields,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translated,
    translator_for,
)
from widget.web.uploads import FILES, taking_files

REPLY_TIMES = {
    ReplyTime.UNSAID: _("Not shown"),
    ReplyTime.MINUTES: _("A few minutes"),
    ReplyTime.HOUR: _("An hour"),
    ReplyTime.HOURS: _("A few hours"),
    ReplyTime.DAY: _("A day"),
}
PATH = "/settings/brand"
MOST_BYTES = 1024 * 1024
"""For the form with the logo: four times the limit of a picture, so that a larger file gets an error message instead of
a closed connection."""


async def show(request: web.Request) -> web.StreamResponse:
    say, workspace = translator_for(request), await request.app[BOT].workspace()
    return await teammate_page(
        request,
        "workspace/brand.html",
        section="settings",
        title=say("Brand and compliance"),
        part="brand",
        workspace=workspace,
        regions=regions(say.locale),
        reply_times=[(time.value, say(words)) for time, words in REPLY_TIMES.items()],
        own_frequency="" if workspace.frequency == FREQUENCY else workspace.frequency,
        own_opt_out="" if workspace.opt_out_text == OPT_OUT else workspace.opt_out_text,
        standard_frequency=say(FREQUENCY),
        standard_opt_out=say(OPT_OUT),
        incomplete_choices=_incomplete_choices(say),
        all_languages=all_languages(say),
    )


def _incomplete_choices(say: Translator) -> list[dict[str, str]]:
    texts = {
        IncompleteWording.OFF: (say("Allow"), say("Forms are inserted without a warning.")),
        IncompleteWording.WARN: (say("Warn"), say("Teammates see what's missing and have to confirm.")),
        IncompleteWording.BLOCK: (say("Block for agents"), say("Only admins can confirm.")),
    }
    return [{"value": value, "label": label, "text": text} for value, (label, text) in texts.items()]


@redrawn_by(show)
async def save(request: web.Request) -> web.StreamResponse:
    await request.app[BOT].brand.save(await read_input(request, Brand), by(request))
    raise done(PATH, translated(request, "Saved."))


async def preview(request: web.Request) -> web.StreamResponse:
    """The card in the brand's colors: as stored or, for a posted form, as typed. Stores nothing."""
    stored, say = await request.app[BOT].workspace(), translator_for(request)
    typed = await fields(request) if request.method == "POST" else None
    brand = stored if typed is None else _drafted(stored, typed)
    response = await page(
        request,
        "workspace/brand_preview.html",
        wanted_locale(request),
        brand=brand,
        card=_card(brand, say),
        contrast=f"{contrast(brand.brand, ink_on(brand.brand)):.1f}",
        last=fill(say(brand.opt_out_text), {"brand": brand.name, "link": f"{request.app[BOT].public_url}/p/…"}),
    )
    response.headers["Content-Security-Policy"] = PAGE_POLICY + "'self'"
    return response


async def upload(request: web.Request) -> web.StreamResponse:
    try:
        await request.app[BOT].brand.save_logo(request.get(FILES, {}).get("logo", b""), by(request))
    except FormWrong as wrong:
        say = translator_for(request)
        # The other form's fields show what is stored.
        request[FORM] = Form(None, {name: say(text) for name, text in wrong.faults.items()}, 422)
        return await show(request)
    raise done(f"{PATH}#logo-title", translated(request, "Logo saved."))


async def remove(request: web.Request) -> web.StreamResponse:
    await request.app[BOT].brand.remove_logo(by(request))
    raise done(f"{PATH}#logo-title", translated(request, "Logo removed."))


def _drafted(stored: Workspace, typed: dict[str, str]) -> Workspace:
    """The workspace with the typed values that are valid."""
    wanted = {name: value for name, value in nested(typed).items() if name in Brand.model_fields}
    for _attempt in range(2):
        try:
            return Brand.model_validate(wanted).on(stored)
        except ValidationError as wrong:
            for name in {str(error["loc"][0]) for error in wrong.errors()}:
                wanted[name] = getattr(stored, name)
    return stored


def _card(brand: Workspace, say: Translator) -> CardView:
    """As an unknown visitor sees it."""
    time, say = now(), translator(brand.legal_language)
    asked = Subscription(
        id="preview", name=say("News and offers"), message_type=MessageType.SMS, consent_type=ConsentType.OPT_IN,
        state=SubscriptionState.LIVE, created_at=time, updated_at=time,
    )  # fmt: skip
    card = Card(
        subscription=asked.id,
        title=say("Get our news by text"),
        legal_text=brand.legal_text,
        locale=brand.legal_language,
    )
    somebody = Contact(id="preview", created_at=time, updated_at=time)
    return card_view(card, "preview", somebody, asked, brand, say)


@lru_cache(maxsize=16)
def regions(locale: str) -> tuple[tuple[str, str, str], ...]:
    """Code, name and calling code, sorted by name without accents."""
    say = translator(locale)
    named = ((code, say.country(code), calling_code(code)) for code in all_regions())
    return tuple(sorted(named, key=lambda region: _bare(region[1])))


def _bare(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_WORKSPACE)
    app.router.add_get(PATH, manages(show))
    app.router.add_post(PATH, manages(save))
    app.router.add_get(f"{PATH}/preview", manages(preview))
    app.router.add_post(f"{PATH}/preview", manages(preview))
    app.router.add_post(f"{PATH}/logo", taking_files(manages(upload), most=MOST_BYTES))
    app.router.add_post(f"{PATH}/logo/remove", manages(remove))
