"""Creating, editing, publishing and archiving subscription types."""

from __future__ import annotations

from pydantic import Field

from bot.model.form_words import FORM_WORDS
from bot.model.subscription import ConsentType, MessageType, Purpose, Subscription
from bot.shapes.base import UnixTime, unix
from bot.shapes.subscription import SubscriptionTypeAnswer, type_answer
from bot.workspace.access import Scope
from bot.workspace.wording import New, Wording
from widget.api.contact_lookup import found_subscription
from widget.api.faults import CONFLICT, NO_RESOURCE, REFUSED
from widget.api.models import ApiBody
from widget.api.route import Call, Resource

PATH = "/subscription_types/{subscription_id}"
FAULTS = (NO_RESOURCE, CONFLICT, REFUSED)

subscription_edits = Resource(
    "Managing subscription types",
    "Create subscription types, put them live, and archive them. Message type, consent type and purpose never change.",
    is_compatible=False,
)


class SubscriptionDetail(SubscriptionTypeAnswer):
    message_type: MessageType = Field(examples=["sms"])
    purpose: Purpose = Field(examples=["marketing"])
    double_opt_in: bool = False
    written_only: bool = Field(False, description="Whether it is sent only on consent in writing.")
    title: str = Field(examples=["Get our deals by text"], description="Default words of its opt-in forms.")
    button: str = Field(examples=["Sign Up Now"])
    legal_text: str = Field(examples=["Reply STOP to stop. Msg & data rates may apply."])
    box: str = Field(examples=[""])
    confirmation: str = Field(examples=[""], description="The text after a sign-up; empty: the standard one.")
    version: int = Field(examples=[2])
    created_at: UnixTime
    updated_at: UnixTime


class TranslationBody(ApiBody):
    """In one language; empty words are those of the default language."""

    name: str = Field(examples=["Ofertas"])
    description: str = Field("", examples=["Hasta 4 mensajes al mes."])
    confirmation: str = ""
    title: str = ""
    button: str = ""
    legal_text: str = ""
    box: str = ""


class TypeWords(ApiBody):
    description: str = Field("", examples=["Up to 4 texts a month."])
    confirmation: str = ""
    title: str = Field("", examples=["Get our deals by text"])
    button: str = ""
    legal_text: str = ""
    box: str = ""
    double_opt_in: bool = False
    written_only: bool = False
    language: str = Field("en", examples=["en"])
    translations: dict[str, TranslationBody] = Field(default={}, examples=[{}])


class NewSubscriptionType(TypeWords):
    name: str = Field(examples=["Deals"])
    message_type: MessageType = Field(strict=False, examples=["sms"])
    consent_type: ConsentType = Field(strict=False, examples=["opt_in"])
    purpose: Purpose = Field(Purpose.MARKETING, strict=False, examples=["marketing"])


class SubscriptionTypeEdit(TypeWords):
    """Fields that are left out stay as they are."""

    name: str = Field("", examples=["Deals"])
    version: int | None = Field(
        None,
        ge=1,
        description="The version that your change is based on. If it has changed since, the answer is 409.",
        examples=[1],
    )


class VersionBody(ApiBody):
    version: int | None = Field(
        None,
        ge=1,
        description="The version that your change is based on. If it has changed since, the answer is 409.",
        examples=[1],
    )


@subscription_edits.post("/subscription_types", scope=Scope.MANAGE_SUBSCRIPTIONS, errors=(CONFLICT, REFUSED))
async def create_subscription_type(call: Call, body: NewSubscriptionType) -> SubscriptionDetail:
    """Create a subscription type.

    It is a draft until it is published.
    """
    new = New.model_validate(body.model_dump(exclude_unset=True))
    return _detail(await call.bot.subscriptions.create(new, call.by, key=call.key))


@subscription_edits.get(PATH, scope=Scope.READ_CONTACTS, errors=(NO_RESOURCE,))
async def show_subscription_type(call: Call) -> SubscriptionDetail:
    """Find a subscription type."""
    return _detail(await _found(call))


@subscription_edits.put(PATH, scope=Scope.MANAGE_SUBSCRIPTIONS, errors=FAULTS)
async def update_subscription_type(call: Call, body: SubscriptionTypeEdit) -> SubscriptionDetail:
    """Edit a subscription type's words."""
    found = await _found(call)
    now = found.model_dump(include=set(Wording.model_fields))
    wording = Wording.model_validate({**now, **body.model_dump(exclude_unset=True, exclude={"version"})})
    return _detail(await call.bot.subscriptions.edit(found.id, body.version or found.version, wording, call.by))


@subscription_edits.post(f"{PATH}/publish", scope=Scope.MANAGE_SUBSCRIPTIONS, errors=FAULTS)
async def publish_subscription_type(call: Call, body: VersionBody) -> SubscriptionDetail:
    """Put a draft live.

    It can then be offered, chosen and sent.
    """
    found = await _found(call)
    return _detail(await call.bot.subscriptions.put_live(found.id, body.version or found.version, call.by))


@subscription_edits.post(f"{PATH}/archive", scope=Scope.MANAGE_SUBSCRIPTIONS, errors=FAULTS)
async def archive_subscription_type(call: Call, body: VersionBody) -> SubscriptionDetail:
    """Archive a subscription type.

    It is no longer offered or sent; consents are kept.
    """
    found = await _found(call)
    return _detail(await call.bot.subscriptions.archive(found.id, body.version or found.version, call.by))


@subscription_edits.post(f"{PATH}/restore", scope=Scope.MANAGE_SUBSCRIPTIONS, errors=FAULTS)
async def restore_subscription_type(call: Call, body: VersionBody) -> SubscriptionDetail:
    """Restore an archived subscription type."""
    found = await _found(call)
    return _detail(await call.bot.subscriptions.restore(found.id, body.version or found.version, call.by))


async def _found(call: Call) -> Subscription:
    return await found_subscription(call, call.variable("subscription_id"))


def _detail(subscription: Subscription) -> SubscriptionDetail:
    return SubscriptionDetail(
        **dict(type_answer(subscription)),
        **subscription.model_dump(
            include={"message_type", "purpose", "double_opt_in", "written_only", "confirmation", "version", *FORM_WORDS}
        ),
        created_at=unix(subscription.created_at),
        updated_at=unix(subscription.updated_at),
    )
