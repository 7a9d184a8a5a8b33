"""A subscription as Intercom's API answers it. Pure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bot.model.subscription import ConsentType, MessageType, Subscription, SubscriptionState
from bot.shapes.base import ApiAnswer, Id, Locale

ContentType = Literal["email", "sms_message"]
CONTENT: dict[MessageType, ContentType] = {MessageType.EMAIL: "email", MessageType.SMS: "sms_message"}


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
