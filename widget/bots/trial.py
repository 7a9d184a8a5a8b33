"""Try it: a flow in a messenger beside the editor. Nothing is stored or sent; the page keeps the trial, signed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from aiohttp import web
from itsdangerous import BadData
from pydantic import Field

from bot.errors import CardClosed, Conflict, Invalid
from bot.errors import marked as _
from bot.flows.check import MOST_BYTES, check
from bot.flows.effects import ChangeTag, Effect, HandOver, KeepAnswer, Notify, SendSms, SetAttribute, StartFlow
from bot.flows.matching import PersonFacts
from bot.flows.script import Script
from bot.flows.trial_chat import Persona, TrialChat, TrialState, as_triggered, persona
from bot.i18n import Translator, translator
from bot.model.base import now
from bot.model.flow import RunStatus
from bot.model.form_words import MOST_VARIANTS
from bot.workspace.image_hosts import image_hosts
from widget.messenger import views
from widget.messenger.card import refused
from widget.messenger.pages import policy_with
from widget.web.http import BOT, page, wanted_locale
from widget.web.input import JsonInput, parse
from widget.web.teammate_pages import Scope, requires, translator_for

TRY = "/bots/-/try"
ENVELOPE = 400_000
"""Bytes of a request beside the document: escaped characters, and the trial so far."""
OVER = _("This test run has expired. Restart it.")
PURPOSE = "flow_trial"
SECONDS = 8 * 3600
"""How long a trial can go on."""


class TryInput(JsonInput):
    """What the visitor does in the trial, and the trial so far."""

    text: str
    """The flow's document."""
    trial: str = ""
    act: Literal["begin", "say", "submit", "confirm", "wait"]
    persona: Persona = "new"
    locale: Annotated[str, Field(max_length=35)] = "en"
    variant: Annotated[int, Field(ge=0, le=MOST_VARIANTS)] = 0
    """Of forms; 0: their own words."""
    words: Annotated[str, Field(max_length=4000)] = ""
    card: int = 0
    fields: dict[str, str] = Field(default_factory=dict, max_length=20)


async def messenger(request: web.Request) -> web.StreamResponse:
    """The page in the frame: the messenger, with another script."""
    locale = wanted_locale(request, request.query.get("locale", "")[:35])
    say = translator(locale)
    response = await page(
        request,
        "messenger/page.html",
        locale,
        script="messenger/trial.js",
        launcher_words={},
        reply_words=say("Nothing is stored or sent"),
    )
    bot = request.app[BOT]
    hosts = image_hosts(bot.settings.image_hosts, await bot.workspace())
    response.headers["Content-Security-Policy"] = policy_with(hosts) + "'self'"
    return response


async def act(request: web.Request) -> web.StreamResponse:
    wanted = parse(TryInput, await request.clone(client_max_size=MOST_BYTES * 2 + ENVELOPE).read())
    say = translator_for(request)
    checked = check(wanted.text)
    if checked.document is None:
        faults = [{"path": f.path, "step": f.step, "text": say(f.text, **f.values)} for f in checked.faults]
        return web.json_response({"faults": faults}, status=422)
    script = Script(**{**checked.document.model_dump(), "flow": "trial"})
    chat, problem = await _chat(request, script, wanted), None
    try:
        await _do(request, chat, wanted)
    except (Invalid, CardClosed) as why:
        problem = why
    return web.json_response(await _answer(request, chat, wanted, problem, say))


async def _chat(request: web.Request, script: Script, wanted: TryInput) -> TrialChat:
    """Raises Conflict if the trial is too old."""
    bot = request.app[BOT]
    known = None if wanted.act == "begin" else _read(request, wanted.trial)
    if known is None:
        workspace, found = await bot.workspace(), await bot.store.subscriptions.live()
        somebody = persona(wanted.persona, found, workspace.default_region, wanted.locale, now())
        contact = as_triggered(somebody, script, now())
    else:
        contact = known.contact
    facts: PersonFacts = await bot.runs.scripts.facts(script, contact, known.at if known else now())
    return TrialChat(script, facts, known, variant=wanted.variant)


def _read(request: web.Request, trial: str) -> TrialState:
    try:
        raw = request.app[BOT].signatures.serializer(PURPOSE).loads(trial, max_age=SECONDS)
    except BadData:
        raise Conflict(OVER) from None
    return TrialState.model_validate(raw)


async def _do(request: web.Request, chat: TrialChat, wanted: TryInput) -> None:
    match wanted.act:
        case "begin":
            chat.begin()
        case "say" if wanted.words.strip():
            chat.say(wanted.words.strip())
        case "confirm":
            chat.confirm()
        case "wait":
            chat.wait()
        case "submit":
            await _submit(request, chat, wanted)


async def _submit(request: web.Request, chat: TrialChat, wanted: TryInput) -> None:
    fields, card = wanted.fields, chat.card(wanted.card)
    found = await request.app[BOT].cards.live(card)
    typed = fields.get("number", fields.get("email"))
    chat.submit(wanted.card, found, typed, fields.get("region", ""), ticked="box" in fields)


async def _answer(
    request: web.Request, chat: TrialChat, wanted: TryInput, problem: Invalid | CardClosed | None, say: Translator
) -> dict[str, Any]:
    state, contact = chat.state(), chat.contact
    entries = await views.entries(request, chat.parts, contact)
    shown: dict[str, Any] = {"parts": entries}
    if wanted.act == "begin":
        shown = {"thread": await views.thread(request, "trial", chat.parts, contact)}
    elif problem and wanted.card in state.cards:
        shown["card"] = await _refused_card(request, chat, wanted, problem)
    trial = request.app[BOT].signatures.serializer(PURPOSE).dumps(state.model_dump(mode="json", exclude_none=True))
    return {
        **shown,
        "trial": trial,
        "step": state.state.step,
        "did": [words for effect in chat.effects if (words := told(effect, say))],
        "waits": [str(wait) for wait in state.state.waits],
        "can_confirm": any(card.asked for card in state.cards.values()),
        "can_wait": state.state.until is not None,
        "status": _status(state, say),
    }


async def _refused_card(request: web.Request, chat: TrialChat, wanted: TryInput, problem: Invalid | CardClosed) -> str:
    """The card again, with what is wrong."""
    bot, contact, part = request.app[BOT], chat.contact, chat.card_part(wanted.card)
    workspace = await bot.workspace()
    region = views.region_of(request, contact, workspace)
    view = (await bot.cards.views([part], contact, workspace, region))[part.id]
    return await views.card(request, refused(views.addressed(view, part), wanted.fields, problem))


def _status(state: TrialState, say: Translator) -> str:
    if state.state.status is RunStatus.FAILED:
        return say(state.state.error) if state.state.error else ""
    if state.state.status is RunStatus.ENDED:
        return say("The flow has ended.")
    return say("Waiting at the step %(step)s.", step=state.state.step)


def told(effect: Effect, say: Translator) -> str:
    """What the flow would do, besides writing in the chat."""
    match effect:
        case SetAttribute(key=key, value=value):
            return say("Sets the attribute %(name)s to “%(value)s”.", name=key, value=value)
        case KeepAnswer(field=field, value=value):
            return say("Saves the contact's %(name)s: %(value)s", name=field, value=value)
        case ChangeTag(tag=tag, is_removed=is_removed):
            return say("Removes the tag %(name)s.", name=tag) if is_removed else say("Adds the tag %(name)s.", name=tag)
        case SendSms(text=text):
            return say("Texts the contact, if they may be texted: “%(text)s”", text=text)
        case Notify(event=event):
            return say("Notifies your webhooks of %(name)s.", name=event)
        case HandOver():
            return say("Sends the conversation to the inbox.")
        case StartFlow(flow=flow):
            return say("Starts the flow %(name)s.", name=flow)
    return ""


def add_routes(app: web.Application) -> None:
    manages = requires(Scope.MANAGE_FLOWS)
    app.router.add_get(TRY, manages(messenger))
    app.router.add_post(TRY, manages(act))
