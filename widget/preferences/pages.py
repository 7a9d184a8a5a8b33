"""The preference center page and its actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from aiohttp import web

from bot.consent.choices import is_withheld, reached_at
from bot.consent.preferences import PreferenceResult, PreferenceView
from bot.errors import Conflict, Invalid, NotFound, WordsChanged
from bot.i18n import Translator, locales, translator
from bot.model.base import new_id
from bot.model.event import Context
from bot.model.subscription import MessageType
from widget.preferences.view import center, masked_address, pace_view, unsent_words
from widget.web.fragment_cache import FRAGMENT_CACHE
from widget.web.http import (
    BOT,
    client_ip,
    html_page,
    page,
    pasted_token,
    read_form,
    sentence,
    status_of,
    user_agent,
    wanted_locale,
)


@dataclass(frozen=True, slots=True)
class StatusLine:
    """The status line of the page: the result of an action, and the form that undoes it."""

    text: str = ""
    is_error: bool = False
    undo: str = ""
    """The `events` of the form that undoes it; empty if it can't be undone."""

    @property
    def outcome(self) -> str:
        if not self.text:
            return ""
        return "failed" if self.is_error else "done"


async def show(request: web.Request) -> web.Response:
    try:
        sheet = await request.app[BOT].preferences.look(pasted_token(request))
    except NotFound:
        return await _gone(request)
    return await _page(request, sheet, translator(wanted_locale(request, sheet.contact.locale)))


async def change(request: web.Request) -> web.Response:
    """One action. The returned page shows the stored result."""
    preferences = request.app[BOT].preferences
    try:
        sheet = await preferences.look(pasted_token(request))
    except NotFound:
        return await _gone(request)
    say = translator(wanted_locale(request, sheet.contact.locale))
    try:
        form = await read_form(request)
        say = translator(form["locale"]) if form.get("locale") in locales() else say
        done, said = await _apply(request, sheet, form, say)
    except (Invalid, Conflict, WordsChanged) as error:
        sheet = await preferences.look(pasted_token(request))
        return await _page(request, sheet, say, StatusLine(sentence(error, say), is_error=True), status_of(error))
    return await _page(request, await preferences.look_again(sheet, done.contact), say, said)


async def _apply(
    request: web.Request, sheet: PreferenceView, form: dict[str, str], say: Translator
) -> tuple[PreferenceResult, StatusLine]:
    """Carries it out and describes the result."""
    preferences, wanted = request.app[BOT].preferences, form.get("change", "")
    context = Context(text=sheet.link.text, ip=client_ip(request), user_agent=user_agent(request))
    if wanted == "undo":
        done = await preferences.undo(sheet.contact, _pairs(form, "events"), say=say, context=context)
        return done, StatusLine(_restored(done, say))
    key = form.get("key", "")[:64] or new_id()
    if wanted == "pace":
        contact = await request.app[BOT].paces.chosen(
            sheet.contact, form.get("pause", ""), form.get("at_most", ""), key=key, say=say, context=context
        )
        notes = " ".join(pace_view(contact.pace, say).notes)
        return PreferenceResult(contact), StatusLine(notes or say("Your texts aren't paused or limited."))
    if wanted == "stop_all":
        shown = _pairs(form, "shown")
        done = await preferences.stop_all(sheet.contact, shown=shown, key=key, say=say, context=context)
        return done, StatusLine(say("You're unsubscribed from all texts."), undo=_undo(done))
    done = await preferences.change(
        sheet.contact,
        form.get("subscription", ""),
        wanted,
        version=form.get("version", ""),
        key=key,
        say=say,
        context=context,
        seen=sheet,
    )
    return done, _said(wanted, done, say, (await request.app[BOT].workspace()).texts_from)


def _pairs(form: Mapping[str, str], name: str) -> dict[str, str]:
    """`a:1 b:2`"""
    return dict(pair.partition(":")[::2] for pair in form.get(name, "").split())


def _said(wanted: str, done: PreferenceResult, say: Translator, texts_from: str) -> StatusLine:
    """For an action on one subscription."""
    if done.subscription is None:
        return StatusLine()
    name = done.subscription.words(say.locale).name
    if wanted != "opt_in":
        return StatusLine(say("You're unsubscribed from %(name)s.", name=name), undo=_undo(done))
    if done.state != "pending":
        return StatusLine(say("You're subscribed to %(name)s.", name=name), undo=_undo(done))
    if is_withheld(done.contact, done.subscription):
        return StatusLine(unsent_words(texts_from, say), undo=_undo(done))
    number = masked_address(reached_at(done.contact, done.subscription) or "", MessageType.SMS)
    number = f"\u2066{number}\u2069"  # keeps the order of digits in right-to-left text
    return StatusLine(say("Almost done. Reply YES to the text we sent to %(number)s.", number=number), undo=_undo(done))


def _restored(done: PreferenceResult, say: Translator) -> str:
    if done.is_partial:
        return say("Some of your preferences couldn't be restored. Use the switches instead.")
    return say("Your previous preferences are restored.")


def _undo(done: PreferenceResult) -> str:
    return " ".join(f"{event}:{version}" for event, version in done.undo)


async def _page(
    request: web.Request, sheet: PreferenceView, say: Translator, said: StatusLine = StatusLine(), status: int = 200
) -> web.Response:
    """The whole page, or for a script only the part that changes."""
    is_part = request.headers.get("HX-Request") == "true"
    template = "preferences/part.html" if is_part else "preferences/page.html"
    texts_from = (await request.app[BOT].workspace()).texts_from
    view = center(
        sheet.contact, sheet.live, first=sheet.link.channel, say=say, stopped=sheet.stopped, texts_from=texts_from
    )
    addresses = dict.fromkeys(MessageType, "") | {group.channel: group.address for group in view.groups}
    personal = {
        "action": f"/p/{pasted_token(request)}",
        "key": new_id(),
        "said": said.text,
        "undo": said.undo,
        **addresses,
    }
    drawn = request.app[FRAGMENT_CACHE]
    alike = replace(view, groups=view.at(drawn.mark))
    outcome = {"outcome": said.outcome, "can_undo": bool(said.undo)}
    text = await drawn(request, template, say.locale, personal, center=alike, preview=False, **outcome)
    return html_page(request, text, status=status)


async def _gone(request: web.Request) -> web.Response:
    return await page(request, "preferences/gone.html", wanted_locale(request), status=404)
