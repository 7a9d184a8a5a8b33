"""The contact panel: details, consent status, history, and turning a subscription on or off for the contact."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import Field

from bot.consent.attestations import Attestation, AttestationResult
from bot.consent.overrides import Obstacle
from bot.consent.reader import ContactConsents
from bot.consent.status import ConsentStatus
from bot.consent.typed_number import LONGEST_LINK
from bot.errors import (
    Conflict,
    EmailRefused,
    FormWrong,
    Invalid,
    NotFound,
    NumberRefused,
    OwnOptOut,
    SavedNumberLocked,
    SaysoError,
)
from bot.errors import marked as _
from bot.i18n import Translator
from bot.model.base import new_id, now
from bot.model.event import Context, How
from bot.model.pace import Often, Pace
from bot.model.subscription import MessageType
from bot.model.teammate import By
from widget.inbox.consent_status import item_of, items_of
from widget.inbox.details import attributes_of, details_of, name_of
from widget.inbox.evidence import WAYS, EvidenceForm
from widget.inbox.history import entries_of
from widget.web.csrf import session_token
from widget.web.flash import done
from widget.web.forms import FORM, Form, again
from widget.web.http import BOT, client_ip, html_page, render, sentence, user_agent, wanted_locale
from widget.web.input import cursor_of
from widget.web.layout import with_page_headers
from widget.web.teammate_pages import (
    Scope,
    is_htmx,
    read_input,
    requires,
    teammate,
    teammate_page,
    translator_for,
)
from widget.web.times import day, time_zone

NOT_SENT = _("Messages won't be sent: this subscription requires written consent.")
ID = re.compile("[0-9a-f]{24}")
CONTACT = "/inbox/contacts/{contact:[0-9a-f]{24}}"


class Wish(EvidenceForm):
    """Input of the forms behind the switches."""

    change: Literal["opt_in", "opt_out", "opt_out_of_texts"]
    subscription: Annotated[str, Field(pattern="^([0-9a-f]{24})?$")] = ""
    key: Annotated[str, Field(pattern="^[0-9a-f]{24}$")]
    warned_of: Annotated[str, Field(max_length=64)] = ""
    """The event of the opt-out that the page warned of."""
    override: bool = False
    """The teammate confirmed the warning."""
    conversation: Annotated[str, Field(pattern="^([0-9a-f]{24})?$")] = ""
    number: Annotated[str, Field(max_length=LONGEST_LINK)] = ""


async def show(request: web.Request) -> web.StreamResponse:
    """The inbox fragment; without JavaScript a page of its own."""
    consents = await request.app[BOT].consents.look(_contact(request))
    return await _panel(request, consents)


async def history(request: web.Request) -> web.StreamResponse:
    """The next history entries; without JavaScript, the panel with them."""
    consents = await request.app[BOT].consents.look(_contact(request))
    if not is_htmx(request):
        return await _panel(request, consents)
    return await _fragment(request, "_history.html", **await _past(request, consents))


async def ask(request: web.Request) -> web.StreamResponse:
    """The form that asks how the contact agreed: a dialog; without JavaScript a page of its own."""
    return await _ask(request, request.match_info["subscription"])


async def confirm(request: web.Request) -> web.StreamResponse:
    """The form that asks before an opt-out: a dialog; without JavaScript a page of its own."""
    consents, say = await request.app[BOT].consents.look(_contact(request)), translator_for(request)
    item = item_of(consents, request.match_info.get("subscription", ""), say)
    if item is None and "subscription" in request.match_info:
        raise NotFound(_("This subscription is no longer available. No changes were made."))
    values = _shared(request, consents) | {"item": item}
    if is_htmx(request):
        return await _fragment(request, "_opt_out.html", **values)
    who = name_of(consents.contact, say)
    title = (
        say("Opt %(contact)s out of %(name)s", contact=who, name=item.name)
        if item
        else say("Opt %(contact)s out of all texts", contact=who)
    )
    return await teammate_page(request, "inbox/opt_out.html", section="inbox", title=title, **values)


async def change(request: web.Request) -> web.StreamResponse:
    say = translator_for(request)
    try:
        wish = await read_input(request, Wish)
        said = await _record(request, wish, say)
    except (Invalid, Conflict, OwnOptOut) as wrong:
        return await again(request, _drawn_again, _placed(wrong, say))
    if not is_htmx(request):
        raise done(f"/inbox/{wish.conversation}" if wish.conversation else _address(request), said)
    consents = await request.app[BOT].consents.look(_contact(request))
    return await _panel(request, consents, said=said, pressed=wish.subscription or "texts")


async def _record(request: web.Request, wish: Wish, say: Translator) -> str:
    """Returns what to tell the teammate."""
    bot, me, contact = request.app[BOT], teammate(request), _contact(request)
    told = Attestation(
        by=By(me.id, me.name or me.email),
        key=wish.key,
        evidence=wish.evidence,
        warned_of=wish.warned_of if wish.override else None,
        address=wish.number or None,
        context=await _context(request, wish.conversation),
    )
    if wish.change == "opt_out_of_texts":
        await bot.attestations.opt_out_of_texts(contact, told)
        return say("Opted out of all texts.")
    if wish.change == "opt_out":
        return _said(await bot.attestations.opt_out(contact, wish.subscription, told), say)
    return _said(await bot.attestations.opt_in(contact, wish.subscription, told, await bot.workspace()), say)


async def _context(request: web.Request, conversation: str) -> Context:
    """The request's context; names the conversation only if it is this contact's."""
    here = Context(ip=client_ip(request), user_agent=user_agent(request))
    with suppress(NotFound):
        if conversation:
            found = await request.app[BOT].inbox.get(conversation)
            if found.contact != _contact(request):
                return here
            return here.model_copy(update={"conversation": conversation})
    return here


async def _drawn_again(request: web.Request) -> web.StreamResponse:
    """Redraws the form (or else the panel) with the input and its errors."""
    typed = request[FORM].typed or {}
    if typed.get("change") == "opt_in" and ID.fullmatch(typed.get("subscription", "")):
        return await _ask(request, typed["subscription"])
    return await _panel(request, await request.app[BOT].consents.look(_contact(request)))


async def _ask(request: web.Request, subscription: str) -> web.StreamResponse:
    bot, say = request.app[BOT], translator_for(request)
    consents = await bot.consents.look(_contact(request))
    item = item_of(consents, subscription, say)
    if item is None:
        if request.method == "POST":
            return await _panel(request, consents)
        raise NotFound(_("This subscription is no longer available. No changes were made."))
    values = _shared(request, consents) | {"item": item, "ways": _ways(consents.status(item.id), say)}
    if is_htmx(request):
        response = await _fragment(request, "_opt_in.html", **values)
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#opt-in-body", "innerHTML"
        return response
    title = say("Opt %(contact)s in to %(name)s", name=item.name, contact=name_of(consents.contact, say))
    return await teammate_page(request, "inbox/opt_in.html", section="inbox", title=title, **values)


async def _panel(
    request: web.Request, consents: ContactConsents, *, said: str = "", pressed: str = ""
) -> web.StreamResponse:
    values = await _values(request, consents, said=said, pressed=pressed)
    if is_htmx(request):
        return await _fragment(request, "_panel.html", **values)
    title = name_of(consents.contact, translator_for(request))
    return await teammate_page(request, "inbox/contact.html", section="inbox", title=title, **values)


async def panel_values(request: web.Request, contact: str) -> dict[str, Any]:
    """What a page needs that includes the panel of this contact."""
    return await _values(request, await request.app[BOT].consents.look(contact))


async def _values(
    request: web.Request, consents: ContactConsents, *, said: str = "", pressed: str = ""
) -> dict[str, Any]:
    say, form = translator_for(request), request.get(FORM, Form())
    values = _shared(request, consents) | await _past(request, consents)
    names = {attribute.key: attribute.name for attribute in await request.app[BOT].attributes.all()}
    return values | {
        "details": details_of(consents.contact, say),
        "attributes": attributes_of(consents.contact, names, say),
        "items": (items := items_of(consents, say)),
        "gets_texts": any(item.channel == MessageType.SMS and item.state in {"on", "pending"} for item in items),
        "stopped": consents.stopped,
        "paces": pace_notes(consents.contact.pace, say),
        "told": said or "",
        "fault": next(iter(form.faults.values()), ""),
        "pressed": pressed,
    }


def pace_notes(pace: Pace, say: Translator) -> list[str]:
    """The person's own wish for a pause or fewer texts."""
    often = {
        Often.WEEK: say("They asked for at most one marketing text a week."),
        Often.MONTH: say("They asked for at most one marketing text a month."),
    }
    until = pace.paused_until if pace.is_paused(now()) else None
    notes = [say("They paused their texts until %(day)s.", day=day(until))] if until else []
    return [*notes, *([often[pace.at_most]] if pace.at_most else [])]


def _shared(request: web.Request, consents: ContactConsents) -> dict[str, Any]:
    say = translator_for(request)
    typed = request.get(FORM, Form()).typed or {}
    conversation = typed.get("conversation") or request.query.get("conversation", "")
    return {
        "name": name_of(consents.contact, say),
        "contact": consents.contact,
        "action": f"{_address(request).removesuffix('/panel')}",
        "conversation": conversation if ID.fullmatch(conversation) else "",
        "key": new_id(),
        "zone": time_zone() or "UTC",
    }


async def _past(request: web.Request, consents: ContactConsents) -> dict[str, Any]:
    before, shared = cursor_of(request, int), _shared(request, consents)
    past = await request.app[BOT].consents.history(consents.contact.id, before=before)
    entries = entries_of(past, shared["conversation"], translator_for(request))
    return shared | {"entries": entries, "earlier": past.next, "is_more": before is not None}


async def _fragment(request: web.Request, template: str, **values: Any) -> web.Response:
    form, locale = request.get(FORM, Form()), wanted_locale(request)
    values |= {"form": form, "csrf": await session_token(request)}
    text = await render(request, f"inbox/{template}", locale, **values)
    return with_page_headers(html_page(request, text, status=form.status))


def _ways(status: ConsentStatus | None, say: Translator) -> list[dict[str, str]]:
    """The ways in which a contact can have consented, with a warning for those that aren't enough to send."""
    weak = {how for how in How if status and not status.is_enough(how)}
    return [
        {"value": how, "label": say(label), "text": say(text), "warning": say(NOT_SENT) if how in weak else ""}
        for how, (label, text) in WAYS.items()
    ]


def _said(changed: AttestationResult, say: Translator) -> str:
    name = changed.subscription.words(say.locale).name
    if changed.is_weak:
        return say(NOT_SENT)
    if changed.state == "pending":
        return say("Confirmation text sent. They're opted in to %(name)s once they reply YES.", name=name)
    return (
        say("Opted in to %(name)s.", name=name) if changed.state == "on" else say("Opted out of %(name)s.", name=name)
    )


def _placed(wrong: SaysoError, say: Translator) -> SaysoError:
    """Moves an error to the field that it is about."""
    if isinstance(wrong, NumberRefused | EmailRefused | SavedNumberLocked):
        return FormWrong({"number": sentence(wrong, say)})
    if isinstance(wrong, OwnOptOut):
        return FormWrong({"override" if wrong.obstacle == Obstacle.NOT_WARNED else "given_at": sentence(wrong, say)})
    return wrong


def _contact(request: web.Request) -> str:
    return request.match_info["contact"]


def _address(request: web.Request) -> str:
    return f"/inbox/contacts/{_contact(request)}/panel"


def add_routes(app: web.Application) -> None:
    reads, writes = requires(Scope.READ_CONTACTS), requires(Scope.WRITE_CONTACTS)
    app.router.add_get(f"{CONTACT}/panel", reads(show))
    app.router.add_get(f"{CONTACT}/history", reads(history))
    app.router.add_get(f"{CONTACT}/opt-in/{{subscription:[0-9a-f]{{24}}}}", writes(ask))
    app.router.add_get(f"{CONTACT}/opt-out/{{subscription:[0-9a-f]{{24}}}}", writes(confirm))
    app.router.add_get(f"{CONTACT}/opt-out", writes(confirm))
    app.router.add_post(f"{CONTACT}/consents", writes(change))
