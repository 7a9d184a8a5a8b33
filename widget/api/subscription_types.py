"""Subscription types: what Intercom calls subscriptions."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.model.subscription import ConsentType, MessageType, Subscription, SubscriptionState
from bot.workspace.access import Scope
from widget.api.models import ApiAnswer, Id, Locale
from widget.api.route import Call, Resource

ContentType = Literal["email", "sms_message"]
CONTENT: dict[MessageType, ContentType] = {MessageType.EMAIL: "email", MessageType.SMS: "sms_message"}

subscription_types = Resource("Subscription types", "What people can opt in to and out of.")


class TranslationAnswer(ApiAnswer):
    name: str = Field(examples=["Deals"])
    description: str = Field(examples=["New roasts and offers, about twice a month."])
    locale: Locale


class SubscriptionTypeAnswer(ApiAnswer):
    type: Literal["subscription"] = "subscription"
    id: Id
    state: SubscriptionState = Field(examples=["live"])
    consent_type: ConsentType = Field(examples=["opt_in"])
    default_translation: TranslationAnswer
    translations: list[TranslationAnswer]
    content_types: list[ContentType] = Field(examples=[["sms_message"]])


class SubscriptionTypeList(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[SubscriptionTypeAnswer]


@subscription_types.get("/subscription_types", scope=Scope.READ_CONTACTS)
async def list_subscription_types(call: Call) -> SubscriptionTypeList:
    """List subscription types.

    Returns all subscription types, drafts and archived ones included.
    """
    found = await call.bot.store.subscriptions.all()
    return SubscriptionTypeList(data=[type_answer(subscription) for subscription in found])


def type_answer(subscription: Subscription) -> SubscriptionTypeAnswer:
    default = TranslationAnswer(
        name=subscription.name, description=subscription.description, locale=subscription.language
    )
    others = [
        TranslationAnswer(name=words.name, description=words.description, locale=locale)
        for locale, words in sorted(subscription.translations.items())
        if locale != subscription.language
    ]
    return SubscriptionTypeAnswer(
        id=subscription.id,
        state=subscription.state,
        consent_type=subscription.consent_type,
        default_translation=default,
        translations=[default, *others],
        content_types=[CONTENT[subscription.message_type]],
    )
