"""Public forms: opt-in forms with a page of their own, poster, QR code and carrier pack."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.chat.public_forms import PublicForm
from bot.i18n import translator
from bot.model.audit import AuditAction
from bot.model.subscription import MessageType
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix
from bot.workspace.access import Scope
from widget.api.contact_lookup import found_or_404
from widget.api.faults import NO_RESOURCE, REFUSED, ApiRefusal
from widget.api.form_words import CLOSED, INCOMPLETE, FormWordsBody, checked_card
from widget.api.route import Call, Resource
from widget.workspace.carrier_files import carrier_checks, carrier_files, form_address

PATH = "/public_forms"
ONE = f"{PATH}/{{form_id}}"

public_forms = Resource(
    "Public forms",
    "Opt-in forms with a page of their own. The words of a form never change: make another, and publish that.",
    is_compatible=False,
)


class NewPublicForm(FormWordsBody):
    """Words that are left out are the subscription type's."""

    name: str = Field(min_length=1, max_length=120, examples=["Counter poster"])


class PublicFormAnswer(ApiAnswer):
    type: Literal["public_form"] = "public_form"
    id: Id
    name: str = Field(examples=["Counter poster"])
    subscription: Id
    locale: str = Field(examples=["en"])
    title: str = Field(examples=["Get our deals by text"])
    button: str = Field(examples=["Sign Up Now"], description='Empty: "Sign Up Now" in the visitor\'s language.')
    legal_text: str = Field(examples=["Reply STOP to stop. Msg & data rates may apply."])
    box: str = Field(examples=[""])
    languages: list[str] = Field(examples=[["en", "es"]])
    public: bool = Field(examples=[True], description="Whether it was published.")
    live: bool = Field(
        examples=[True], description="Whether its page can be opened: published, of a live subscription."
    )
    created_at: UnixTime
    url: str = Field(examples=["https://sayso.example/f/6762f0cd1bb69f9f2193bb7c"])
    terms_url: str = Field(examples=["https://sayso.example/f/6762f0cd1bb69f9f2193bb7c/terms"])
    poster_url: str = Field(examples=["https://sayso.example/f/6762f0cd1bb69f9f2193bb7c/poster"])
    qr_url: str = Field(examples=["https://sayso.example/f/6762f0cd1bb69f9f2193bb7c/qr.svg"])


class PublicFormList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[PublicFormAnswer]


class CarrierCheckAnswer(ApiAnswer):
    code: str | None = Field(examples=["30545"], description="The error that Twilio rejects it with.")
    name: str = Field(examples=["Message frequency"])
    met: bool = Field(examples=[True])
    hint: str = Field(examples=[""], description="What to do.")


class CarrierPackAnswer(ApiAnswer):
    """What a carrier registration asks for. `files` are the texts in the ZIP of Settings > Forms, by name."""

    type: Literal["carrier_pack"] = "carrier_pack"
    form_id: Id
    checks: list[CarrierCheckAnswer]
    files: dict[str, str] = Field(examples=[{"message-flow.txt": "End users opt in on a public web page: …"}])


class FormDeleted(ApiAnswer):
    type: Literal["public_form"] = "public_form"
    id: Id
    deleted: Literal[True] = True


@public_forms.get(PATH, scope=Scope.MANAGE_SUBSCRIPTIONS)
async def list_public_forms(call: Call) -> PublicFormList:
    """List forms.

    Saved forms by name, those that aren't public, too.
    """
    templates = await call.bot.forms.all()
    found = await call.bot.store.subscriptions.get_many(template.subscription for template in templates)
    forms = [PublicForm(one, found[one.subscription]) for one in templates if one.subscription in found]
    return PublicFormList(data=[_shape(call, form) for form in forms])


@public_forms.post(PATH, scope=Scope.MANAGE_SUBSCRIPTIONS, errors=(NO_RESOURCE, CLOSED, INCOMPLETE, REFUSED))
async def create_public_form(call: Call, body: NewPublicForm) -> PublicFormAnswer:
    """Create a form.

    It isn't public yet. Teammates can insert it in chats, too.
    """
    card, wording = await checked_card(call, body)
    made = await call.bot.forms.save(body.name.strip() or body.name, card, call.by, call.key, wording)
    return _shape(call, await _found(call, made.id))


@public_forms.get(ONE, scope=Scope.MANAGE_SUBSCRIPTIONS, errors=(NO_RESOURCE,))
async def show_public_form(call: Call) -> PublicFormAnswer:
    """Find a form."""
    return _shape(call, await _found(call))


@public_forms.delete(ONE, scope=Scope.MANAGE_SUBSCRIPTIONS, errors=(NO_RESOURCE,))
async def delete_public_form(call: Call) -> FormDeleted:
    """Delete a form.

    Its page is gone. Forms in chats stay, and so does the evidence.
    """
    form = await _found(call)
    await call.bot.forms.remove(form.id, call.by)
    return FormDeleted(id=form.id)


@public_forms.post(f"{ONE}/publish", scope=Scope.MANAGE_SUBSCRIPTIONS, errors=(NO_RESOURCE,))
async def publish_public_form(call: Call) -> PublicFormAnswer:
    """Publish a form.

    Gives it a page of its own, while its subscription is live.
    """
    return await _switched(call, is_public=True)


@public_forms.post(f"{ONE}/unpublish", scope=Scope.MANAGE_SUBSCRIPTIONS, errors=(NO_RESOURCE,))
async def unpublish_public_form(call: Call) -> PublicFormAnswer:
    """Take a form offline."""
    return await _switched(call, is_public=False)


@public_forms.get(f"{ONE}/carrier_pack", scope=Scope.MANAGE_SUBSCRIPTIONS, errors=(NO_RESOURCE,))
async def get_carrier_pack(call: Call) -> CarrierPackAnswer:
    """Get a form's carrier pack.

    What a carrier registration asks for, and what it would be rejected for. Only of forms about texts. The download is
    in the audit log.
    """
    form = await _found(call)
    if form.subscription.message_type is not MessageType.SMS:
        raise ApiRefusal(NO_RESOURCE)
    say, files = translator("en"), await carrier_files(call.bot, form)
    checks = [
        CarrierCheckAnswer(
            code=one.code or None, name=say(one.name), met=one.is_met, hint="" if one.is_met else one.hint
        )
        for one in await carrier_checks(call.bot, form, say)
    ]
    if not call.is_head:
        await call.bot.audit.record(call.by, AuditAction.CARRIER_PACK_DOWNLOADED, form.template.name)
    return CarrierPackAnswer(form_id=form.id, checks=checks, files=files)


async def _switched(call: Call, *, is_public: bool) -> PublicFormAnswer:
    form = await _found(call)
    await call.bot.forms.set_public(form.id, is_public, call.by)
    return _shape(call, await _found(call))


async def _found(call: Call, id: str = "") -> PublicForm:
    """Raises ApiRefusal (404)."""
    return await found_or_404(call.bot.public_forms.find(id or call.variable("form_id")))


def _shape(call: Call, form: PublicForm) -> PublicFormAnswer:
    template, url = form.template, form_address(call.bot, form)
    return PublicFormAnswer(
        id=form.id,
        name=template.name,
        subscription=template.subscription,
        locale=template.locale,
        title=template.title,
        button=template.button,
        legal_text=template.legal_text,
        box=template.box or "",
        languages=[template.locale, *(code for code in template.translations if code != template.locale)],
        public=template.is_public,
        live=form.is_live,
        created_at=unix(template.created_at),
        url=url,
        terms_url=f"{url}/terms",
        poster_url=f"{url}/poster",
        qr_url=f"{url}/qr.svg",
    )
