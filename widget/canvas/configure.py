"""What a teammate of Intercom chooses before the card is inserted: subscription, title, button, legal text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.consent.form_wording import WordingCheck
from bot.consent.offers import standard_form
from bot.errors import CardClosed, WordingIncomplete
from bot.errors import marked as _
from bot.i18n import Translator, translator
from bot.model.conversation import Card
from bot.model.form_words import FORM_WORDS
from bot.model.subscription import Subscription
from bot.workspace.wording import Button, LegalText, Title
from widget.canvas.components import MOST_OPTIONS, Component, button, choice, field, text
from widget.canvas.input import CanvasRequest
from widget.web.http import BOT

SAVE = "save"
"""The id of the button. After a colon: codes of the missing statements that the teammate saw."""


class CanvasChoice(BaseModel):
    """What is typed; empty texts are the subscription's own."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    subscription: str = ""
    title: Title = ""
    button: Button = ""
    legal_text: LegalText = ""


async def chosen(request: web.Request, asked: CanvasRequest) -> tuple[Mapping[str, str] | None, list[Component]]:
    """The choice, once it is complete; until then what to show."""
    bot, say = request.app[BOT], translator(asked.locale)
    live = (await bot.store.subscriptions.live())[:MOST_OPTIONS]
    if not live:
        return None, [text(say("No subscription is live. Put one live in Sayso first."))]
    if asked.component_id is None or not asked.component_id.startswith(SAVE):
        return None, _form(live, {}, say)
    typed = {name: asked.value(name) or "" for name in CanvasChoice.model_fields}
    typed["subscription"] = typed["subscription"] or live[0].id
    try:
        card = await card_of(request, typed)
        subscription = await bot.cards.live(card)
        accepted = asked.component_id.partition(":")[2].split(",")
        wording = WordingCheck(workspace=await bot.workspace(), is_admin=False, say=say, accepted=accepted)
        wording.check(card.legal_text, subscription)
    except (CardClosed, ValidationError):
        return None, _form(live, typed, say, say(_("Check the subscription and the texts, and try again.")))
    except WordingIncomplete as incomplete:
        missing = ", ".join(say(name) for name in incomplete.missing.values())
        fault = f"{say(incomplete.faults['legal_text'])} {missing}"
        codes = "" if incomplete.is_blocked else ",".join(incomplete.missing)
        return None, _form(live, typed, say, fault, codes)
    return typed, []


async def card_of(request: web.Request, options: Mapping[str, Any]) -> Card:
    """Raises CardClosed and ValidationError."""
    bot, wanted = request.app[BOT], CanvasChoice.model_validate(options)
    subscription, workspace = await bot.store.subscriptions.get(wanted.subscription), await bot.workspace()
    if subscription is None:
        raise CardClosed
    standard = standard_form(subscription, workspace).model_dump()
    typed = {name: value for name in FORM_WORDS if (value := getattr(wanted, name, ""))}
    words = {**standard, **typed}
    words["title"] = words["title"] or subscription.name
    card = Card(subscription=subscription.id, locale=subscription.language, **words)
    return await bot.forms.translated(card, subscription, workspace)


def _form(
    live: Sequence[Subscription], typed: Mapping[str, str], say: Translator, fault: str = "", accept: str = ""
) -> list[Component]:
    of = typed.get("subscription") or live[0].id
    only = text(live[0].name)
    offered = choice("subscription", say("Subscription"), [(one.id, one.name) for one in live], of)
    parts = [
        text(say("Insert an opt-in form"), "header"),
        only if len(live) == 1 else offered,
        field("title", say("Title"), typed.get("title", "")),
        field("button", say("Button text"), typed.get("button", "")),
        {"type": "textarea", "id": "legal_text", "label": say("Legal text"), "value": typed.get("legal_text", "")},
        text(say("Leave a field blank to use the subscription's default text."), "muted"),
    ]
    if fault:
        parts.append(text(fault, "error"))
    if accept:
        parts.append(button(f"{SAVE}:{accept}", say("Use it anyway"), "secondary"))
    return [*parts, button(SAVE, say("Insert Form"))]
