"""The preference center: where people see and change what they said. No sign-in; looking changes nothing (law 10)."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from bot.consent.numbers import address_of, masked
from bot.consent.preferences import Choice, choices, words_of
from bot.errors import Invalid, Moved, NotFound, WordsChanged
from bot.i18n import Translator, translator
from bot.model.base import new_id
from bot.model.contact import Contact
from bot.model.event import Context
from bot.model.link import PreferenceLink
from bot.model.subscription import MessageType
from widget.http import BOT, client_ip, page, read_form, sentence, status_of, user_agent, wanted_locale


@dataclass(frozen=True, slots=True)
class Item:
    id: str
    name: str
    description: str
    state: str
    on: bool
    note: str | None
    version: str


@dataclass(frozen=True, slots=True)
class Group:
    channel: str
    title: str
    items: list[Item]


async def show(request: web.Request) -> web.Response:
    try:
        link, contact = await request.app[BOT].preferences.open(request.match_info["token"])
    except NotFound:
        return await _gone(request)
    return await _page(request, link, contact)


async def change(request: web.Request) -> web.Response:
    """One subscription on or off, or all texts off. The page that comes back shows what is stored then."""
    bot = request.app[BOT]
    try:
        link, contact = await bot.preferences.open(request.match_info["token"])
    except NotFound:
        return await _gone(request)
    say = translator(contact.locale)
    try:
        saved = await _change(request, contact, await read_form(request), say)
    except (Invalid, Moved, WordsChanged) as error:
        contact = await bot.ledger.contact(contact.id) or contact
        return await _page(request, link, contact, status=status_of(error), error=sentence(error, say))
    contact = await bot.ledger.contact(contact.id) or contact
    return await _page(request, link, contact, saved=saved)


async def _change(request: web.Request, contact: Contact, form: dict[str, str], say: Translator) -> str:
    """Carries it out and answers what was done, in words."""
    preferences = request.app[BOT].preferences
    key = form.get("key", "")[:64] or new_id()
    context = Context(ip=client_ip(request), user_agent=user_agent(request))
    wanted = form.get("change", "")
    if wanted == "stop_all":
        await preferences.stop_all(contact, key=key, say=say, context=context)
        return say("Saved. All texts are turned off.")
    found = await preferences.change(
        contact,
        form.get("subscription", ""),
        wanted,
        version=form.get("version", ""),
        key=key,
        say=say,
        context=context,
    )
    name = found.words(say.locale).name
    if wanted == "opt_in":
        return say("Saved. You will get %(name)s.", name=name)
    return say("Saved. You will not get %(name)s any more.", name=name)


async def _page(
    request: web.Request,
    link: PreferenceLink,
    contact: Contact,
    *,
    status: int = 200,
    error: str | None = None,
    saved: str | None = None,
) -> web.Response:
    say = translator(contact.locale)
    found = choices(contact, await request.app[BOT].preferences.live())
    number = address_of(contact, MessageType.SMS)
    return await page(
        request,
        "preferences/page.html",
        contact.locale,
        status=status,
        action=request.path,
        key=new_id(),
        number=masked(number) if number else None,
        email=_masked_email(contact.email) if contact.email else None,
        groups=_groups(found, link.channel, say),
        can_stop_all=any(c.state != "off" and c.subscription.message_type is MessageType.SMS for c in found),
        error=error,
        saved=saved,
    )


def _groups(found: list[Choice], first: MessageType, say: Translator) -> list[Group]:
    """The channel that the link came by stands first."""
    titles = {MessageType.SMS: say("Texts"), MessageType.EMAIL: say("Emails")}
    order = sorted(MessageType, key=lambda channel: channel is not first)
    groups = [
        Group(channel, titles[channel], [_item(c, say) for c in found if c.subscription.message_type is channel])
        for channel in order
    ]
    return [group for group in groups if group.items]


def _item(choice: Choice, say: Translator) -> Item:
    shown = choice.subscription.words(say.locale)
    note = say("Waiting for your YES by text.") if choice.state == "pending" else None
    version = words_of(choice.subscription, say).version
    return Item(choice.subscription.id, shown.name, shown.description, choice.state, choice.on, note, version)


def _masked_email(email: str) -> str:
    name, _, domain = email.partition("@")
    return f"{name[:1]}•••@{domain}"


async def _gone(request: web.Request) -> web.Response:
    return await page(request, "preferences/gone.html", wanted_locale(request), status=404)


def add_routes(app: web.Application) -> None:
    app.router.add_get("/p/{token}", show)
    app.router.add_post("/p/{token}", change)
