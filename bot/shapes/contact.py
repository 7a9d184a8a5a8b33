"""A contact as Intercom's API answers it. What Sayso doesn't know is null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from pydantic import Field

from bot.consent.choices import state_on
from bot.model.attribute import AttributeValue
from bot.model.contact import ConsentState, Contact, Role
from bot.model.subscription import ConsentType, MessageType, Subscription
from bot.shapes.base import ApiAnswer, Id, UnixTime, unix, unix_or_none
from bot.store import Store

MOST_LISTED = 10
"""Items of a list inside a contact; the list's `url` has all."""
MOST_WHOLE = 2**53
"""Above, a number of JSON is no exact whole number."""
CustomValue = bool | int | float | str | None


class Addressable(ApiAnswer):
    id: Id
    type: str = Field(examples=["subscription"])
    url: str = Field(examples=["/subscription_types/6762f0cd1bb69f9f2193bb7c"])


class AddressableList(ApiAnswer):
    """Up to ten; `url` has all of them."""

    type: Literal["list"] = "list"
    data: list[Addressable]
    url: str = Field(examples=["/contacts/6762f0cd1bb69f9f2193bb7c/subscriptions"])
    total_count: int = Field(examples=[1])
    has_more: bool = False


class SocialProfiles(ApiAnswer):
    type: Literal["list"] = "list"
    data: list[str] = Field(default=[], examples=[[]])


class LocationAnswer(ApiAnswer):
    type: Literal["location"] = "location"
    country: None = None
    region: None = None
    city: None = None
    country_code: None = None
    continent_code: None = None


class ContactAnswer(ApiAnswer):
    type: Literal["contact"] = "contact"
    id: Id
    workspace_id: str = Field(examples=["sayso"])
    external_id: str | None = Field(examples=["customer-4711"])
    role: Role = Field(examples=["user"])
    email: str | None = Field(examples=["maya@example.com"])
    phone: str | None = Field(examples=["+12015550123"])
    name: str | None = Field(examples=["Maya Okafor"])
    avatar: None = None
    owner_id: None = None
    social_profiles: SocialProfiles = SocialProfiles()
    has_hard_bounced: bool = False
    marked_email_as_spam: bool = False
    unsubscribed_from_emails: bool = Field(False, description="Whether they opted out of all live email subscriptions.")
    created_at: UnixTime
    updated_at: UnixTime
    signed_up_at: None = None
    last_seen_at: UnixTime | None
    last_replied_at: None = None
    last_contacted_at: None = None
    last_email_opened_at: None = None
    last_email_clicked_at: None = None
    language_override: str | None = Field(examples=["en"])
    browser: None = None
    browser_version: None = None
    browser_language: None = None
    os: None = None
    location: LocationAnswer = LocationAnswer()
    android_app_name: None = None
    android_app_version: None = None
    android_device: None = None
    android_os_version: None = None
    android_sdk_version: None = None
    android_last_seen_at: None = None
    ios_app_name: None = None
    ios_app_version: None = None
    ios_device: None = None
    ios_os_version: None = None
    ios_sdk_version: None = None
    ios_last_seen_at: None = None
    custom_attributes: dict[str, CustomValue] = Field(examples=[{"city": "Portland"}])
    tags: AddressableList
    notes: AddressableList
    companies: AddressableList
    opted_out_subscription_types: AddressableList
    opted_in_subscription_types: AddressableList
    utm_campaign: None = None
    utm_content: None = None
    utm_medium: None = None
    utm_source: None = None
    utm_term: None = None
    referrer: str | None = Field(examples=[None], description="The page where they were last seen.")
    sms_consent: bool = Field(
        examples=[True], description="Whether they can be texted about at least one opt-in subscription."
    )
    unsubscribed_from_sms: bool = Field(
        examples=[False],
        description="Whether their number texted STOP, or they opted out of all live text subscriptions.",
    )


class ContactShapes:
    def __init__(self, store: Store) -> None:
        self._store, self._workspace = store, store.database.name

    async def of(self, contact: Contact) -> ContactAnswer:
        return (await self.of_many([contact]))[0]

    async def of_many(self, contacts: Sequence[Contact]) -> list[ContactAnswer]:
        """In three queries, however many."""
        if not contacts:
            return []
        named = {consent.subscription for contact in contacts for consent in contact.consents}
        live = await self._store.subscriptions.live()
        known = {subscription.id: subscription for subscription in live}
        known |= await self._store.subscriptions.get_many(named - {*known})
        is_tagged = any(contact.tags for contact in contacts)
        tags = {tag.id for tag in await self._store.tags.in_use()} if is_tagged else set()
        return [_answer(contact, self._workspace, live, known, tags) for contact in contacts]


def _answer(
    contact: Contact,
    workspace: str,
    live: Sequence[Subscription],
    known: Mapping[str, Subscription],
    tags: set[str],
) -> ContactAnswer:
    here = f"/contacts/{contact.id}"
    return ContactAnswer(
        id=contact.id,
        workspace_id=workspace,
        external_id=contact.external_id,
        role=contact.role,
        email=contact.email,
        phone=contact.phone,
        name=contact.name,
        unsubscribed_from_emails=_is_out_of(contact, live, MessageType.EMAIL),
        created_at=unix(contact.created_at),
        updated_at=unix(contact.updated_at),
        last_seen_at=unix_or_none(contact.last_seen_at),
        language_override=contact.locale,
        custom_attributes={key: custom_value(value) for key, value in sorted(contact.attributes.items())},
        tags=_list([tag for tag in contact.tags if tag in tags], "tag", "/tags", f"{here}/tags"),
        notes=_list([], "note", "/notes", f"{here}/notes"),
        companies=_list([], "company", "/companies", f"{here}/companies"),
        opted_out_subscription_types=_chosen(contact, known, ConsentType.OPT_OUT),
        opted_in_subscription_types=_chosen(contact, known, ConsentType.OPT_IN),
        referrer=contact.page,
        sms_consent=_has_sms_consent(contact, live),
        unsubscribed_from_sms=contact.stopped or _is_out_of(contact, live, MessageType.SMS),
    )


def chosen(contact: Contact, known: Mapping[str, Subscription], type: ConsentType) -> list[str]:
    """The opt-in types that the contact opted in to, or the opt-out types that they opted out of."""
    wanted = ConsentState.OPTED_IN if type is ConsentType.OPT_IN else ConsentState.OPTED_OUT
    return sorted(
        consent.subscription
        for consent in contact.consents
        if consent.state is wanted and (found := known.get(consent.subscription)) and found.consent_type is type
    )


def _chosen(contact: Contact, known: Mapping[str, Subscription], type: ConsentType) -> AddressableList:
    here = f"/contacts/{contact.id}/subscriptions"
    return _list(chosen(contact, known, type), "subscription", "/subscription_types", here)


def _list(ids: Sequence[str], type: str, path: str, url: str) -> AddressableList:
    listed = [Addressable(id=id, type=type, url=f"{path}/{id}") for id in ids[:MOST_LISTED]]
    return AddressableList(data=listed, url=url, total_count=len(ids), has_more=len(ids) > MOST_LISTED)


def _is_out_of(contact: Contact, live: Sequence[Subscription], type: MessageType) -> bool:
    consents = [contact.consent(subscription.id) for subscription in live if subscription.message_type is type]
    return bool(consents) and all(c is not None and c.state is ConsentState.OPTED_OUT for c in consents)


def _has_sms_consent(contact: Contact, live: Sequence[Subscription]) -> bool:
    if contact.stopped:
        return False
    asked = (s for s in live if s.message_type is MessageType.SMS and s.consent_type is ConsentType.OPT_IN)
    return any(contact.consent(s.id) is not None and state_on(contact, s) == "on" for s in asked)


def custom_value(value: AttributeValue) -> CustomValue:
    """Dates are Unix seconds, as Intercom's, and whole numbers have no fraction."""
    if isinstance(value, datetime):
        return unix(value)
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < MOST_WHOLE
    return int(value) if is_whole else value
