"""What a carrier registration asks about a form: the files of its pack, and what is still missing."""

from __future__ import annotations

from dataclasses import replace

from bot.app import Bot
from bot.chat.card_view import CardView
from bot.chat.public_forms import PublicForm
from bot.consent.carrier_review import CarrierCheck, ReviewedForm, carrier_review
from bot.errors import NotFound
from bot.i18n import Translator, translator
from bot.model.outbound_message import OutboundMessage
from bot.model.subscription import MessageType
from bot.outbound.carrier_pack import CarrierPack
from widget.workspace.form_picture import form_picture

MOST_MESSAGES, MOST_SAMPLES = 200, 3


async def carrier_files(bot: Bot, form: PublicForm) -> dict[str, str]:
    """By name. Raises NotFound: the form isn't about texts."""
    if form.subscription.message_type is not MessageType.SMS:
        raise NotFound
    workspace, view = await bot.workspace(), await sample_view(bot, form)
    program = await bot.taps.program(form.subscription, workspace)
    pack = CarrierPack(
        template=form.template,
        subscription=form.subscription,
        workspace=workspace,
        view=view,
        checks=await carrier_checks(bot, form, translator("en")),
        address=form_address(bot, form),
        link=f"{bot.public_url}/p/example",
        messages=await _messages(bot, form),
        keyword=program.keyword if program else "",
        number=workspace.texts_from if program else "",
    )
    about = form.subscription.words(view.locale).description
    return pack.files() | {"form.svg": form_picture(view, workspace, about)}


async def sample_view(bot: Bot, form: PublicForm) -> CardView:
    """As a new visitor sees it, in the language of the form."""
    visitor = await bot.public_forms.contact("", form.template.locale)
    return replace(await bot.public_forms.view(form, visitor, ""), dom_id="sample")


async def carrier_checks(bot: Bot, form: PublicForm, say: Translator) -> tuple[CarrierCheck, ...]:
    reviewed = ReviewedForm(
        template=form.template,
        subscription=form.subscription,
        workspace=await bot.workspace(),
        address=form_address(bot, form),
        is_live=form.is_live,
    )
    return carrier_review(reviewed, translator(form.template.locale), say)


def form_address(bot: Bot, form: PublicForm) -> str:
    return f"{bot.public_url}/f/{form.id}"


async def _messages(bot: Bot, form: PublicForm) -> list[OutboundMessage]:
    newest = await bot.store.outbound_messages.newest(None, limit=MOST_MESSAGES)
    texts = (m for m in newest if m.subscription == form.subscription.id and m.ordered_at and not m.chat)
    return [*texts][:MOST_SAMPLES]
