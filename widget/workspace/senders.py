"""Settings > Senders: the SMS provider, the addresses of its webhooks, and the senders of countries."""

from __future__ import annotations

from aiohttp import web
from babel.numbers import format_currency

from bot.config import Settings
from bot.consent.numbers import saved_number
from bot.errors import Invalid
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.country_sender import CountrySender, Registration
from bot.model.segment_price import SegmentPrice
from bot.model.workspace import Workspace
from bot.outbound.gateways import GatewayError, NoAnswer
from bot.outbound.gateways.twilio import INBOUND_PATH, TwilioGateway
from bot.outbound.senders import rate_of, sender_refusal
from bot.workspace.prices import PriceForm
from bot.workspace.senders import SenderForm
from widget.web.http import BOT
from widget.web.teammate_pages import (
    Scope,
    by,
    done,
    read_input,
    redrawn_by,
    requires,
    teammate_page,
    translated,
    translator_for,
)
from widget.webhooks.probe import webhook_fault
from widget.workspace.brand import regions

PATH = "/settings/senders"
REGISTRATIONS = {
    Registration.NOT_NEEDED: _("Not required"),
    Registration.REGISTERED: _("Registered"),
    Registration.PENDING: _("Pending"),
    Registration.UNREGISTERED: _("Not registered"),
}
REFUSALS = {
    "sender_not_registered": _("No texts are sent: this country requires registered names."),
    "sender_cannot_receive": _("Can't receive STOP: only texts with a preference center link are sent."),
}
"""Why texts from a sender may be refused; the second only those without a link."""


async def show(request: web.Request) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    workspace = await bot.workspace()
    return await teammate_page(
        request,
        "workspace/senders.html",
        section="settings",
        title=say("Senders"),
        part="senders",
        is_real=bot.settings.gateway == "twilio",
        halted=bot.sender.results.halted,
        account=bot.settings.twilio_account_sid,
        default_sender=_default(bot.settings),
        inbound_url=f"{bot.public_url}{INBOUND_PATH}#rc=3&rp=all",
        rows=[
            (sender, say.country(sender.country), _warning(sender), say.number(rate_of(sender)))
            for sender in workspace.senders
        ],
        regions=[(code, name) for code, name, _calling in regions(say.locale)],
        default_region=workspace.default_region,
        registrations=[(state.value, say(words)) for state, words in REGISTRATIONS.items()],
        registration_names=REGISTRATIONS,
        prices=[
            (price.country, say.country(price.country), _money(price, workspace, say)) for price in workspace.prices
        ],
        currency=workspace.currency,
    )


def _money(price: SegmentPrice, workspace: Workspace, say: Translator) -> str:
    return format_currency(price.amount, workspace.currency, locale=say.locale, decimal_quantization=False)


def _default(settings: Settings) -> str:
    numbers = [known.e164 if (known := saved_number(n)) else n for n in settings.twilio_numbers.split()]
    return settings.twilio_service or ", ".join(numbers)


def _warning(sender: CountrySender) -> str:
    """What doesn't work with it, a gettext id."""
    reason = sender_refusal(sender, has_link=False)
    return REFUSALS[reason] if reason else ""


@redrawn_by(show)
async def save(request: web.Request) -> web.StreamResponse:
    await request.app[BOT].senders.save(await read_input(request, SenderForm), by(request))
    raise done(PATH, translated(request, "Saved."))


async def remove(request: web.Request) -> web.StreamResponse:
    await request.app[BOT].senders.remove(request.match_info["country"], by(request))
    raise done(PATH, translated(request, "Sender removed."))


@redrawn_by(show)
async def save_price(request: web.Request) -> web.StreamResponse:
    await request.app[BOT].prices.save(await read_input(request, PriceForm), by(request))
    raise done(PATH, translated(request, "Saved."))


async def remove_price(request: web.Request) -> web.StreamResponse:
    await request.app[BOT].prices.remove(request.match_info["country"], by(request))
    raise done(PATH, translated(request, "Price removed."))


@redrawn_by(show)
async def test(request: web.Request) -> web.StreamResponse:
    """Asks the provider for the account, and posts ourselves a signed webhook."""
    bot = request.app[BOT]
    if not isinstance(bot.gateway, TwilioGateway):
        raise Invalid(_("No SMS provider is set up."))
    try:
        name = await bot.gateway.account_name()
    except GatewayError as error:
        raise Invalid(_("Twilio refused the credentials or the service (%(code)s)."), code=error.code) from None
    except NoAnswer:
        raise Invalid(_("Twilio didn't answer. Try again.")) from None
    if fault := await webhook_fault(bot.public_url, bot.webhook_signatures):
        raise Invalid(fault)
    raise done(PATH, translated(request, "Connected to the Twilio account %(name)s. Webhooks arrive.", name=name))


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_WORKSPACE)
    app.router.add_get(PATH, manages(show))
    app.router.add_post(PATH, manages(save))
    app.router.add_post(f"{PATH}/test", manages(test))
    app.router.add_post(f"{PATH}/{{country:[A-Z]{{2}}}}/remove", manages(remove))
    app.router.add_post(f"{PATH}/prices", manages(save_price))
    app.router.add_post(f"{PATH}/prices/{{country:[A-Z]{{2}}}}/remove", manages(remove_price))
