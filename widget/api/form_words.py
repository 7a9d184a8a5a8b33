"""The words of an opt-in form that a program makes."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from bot.consent.form_wording import WordingCheck
from bot.consent.offers import standard_form
from bot.errors import FormWrong
from bot.i18n import translator
from bot.model.conversation import Card
from widget.api.contact_lookup import found_subscription
from widget.api.faults import ApiFault
from widget.api.models import AnyId, ApiBody
from widget.api.route import Call

INCOMPLETE = ApiFault(422, "wording_incomplete", "The legal text lacks required statements.")
CLOSED = ApiFault(409, "card_closed", "This form is no longer available.")
NO_TITLE = "This subscription type has no default title. Set `title`."
WORDS = {"title", "button", "legal_text", "box"}


class FormWordsBody(ApiBody):
    """Words that are left out are the subscription type's."""

    subscription: AnyId
    title: str | None = Field(None, min_length=1, max_length=200, examples=["Get our deals by text"])
    button: str | None = Field(None, max_length=60, examples=["Sign Up Now"])
    legal_text: str | None = Field(None, max_length=2000, examples=["Reply STOP to stop. Msg & data rates may apply."])
    box: str | None = Field(None, max_length=500, description="The label of a required consent box.", examples=[None])
    accepted: list[str] = Field(
        default=[], max_length=20, examples=[[]], description="Missing legal statements that you accept."
    )


async def checked_card(call: Call, body: FormWordsBody, *, via: str | None = None) -> tuple[Card, WordingCheck]:
    """`via`: the token, if a program will show it. Raises ApiRefusal (404), FormWrong, WordingIncomplete."""
    subscription, workspace = await found_subscription(call, body.subscription), await call.bot.workspace()
    words = {**standard_form(subscription, workspace).model_dump(), **body.model_dump(include=WORDS, exclude_none=True)}
    if not words["title"]:
        raise FormWrong({"title": NO_TITLE})
    card = await call.bot.forms.translated(
        Card(subscription=subscription.id, locale=subscription.language, via=via, **words), subscription, workspace
    )
    wording = await wording_check(call, body.accepted)
    wording.check(card.legal_text, subscription)
    return card, wording


async def wording_check(call: Call, accepted: Sequence[str]) -> WordingCheck:
    """`accepted`: codes of missing statements that the program accepts."""
    workspace, is_admin = await call.bot.workspace(), call.who.teammate.is_admin
    return WordingCheck(workspace=workspace, is_admin=is_admin, say=translator("en"), accepted=accepted)
