"""A contact's subscriptions."""

from __future__ import annotations

from pydantic import Field

from bot.consent.assertions import Assertion
from bot.model.contact import Contact
from bot.model.subscription import ConsentType, Subscription
from bot.shapes.contact import chosen
from bot.shapes.subscription import SubscriptionTypeAnswer, type_answer
from bot.workspace.access import Scope
from widget.api.contact_lookup import CONTACT_FAULTS, found_contact, found_subscription
from widget.api.faults import NO_RESOURCE, OTHER_CONSENT_TYPE, OWN_OPT_OUT, REFUSED, STOPPED, UNREACHABLE, ApiRefusal
from widget.api.models import AnyId, ApiBody
from widget.api.route import Call, Resource
from widget.api.subscription_types import SubscriptionTypeList

PATH = "/contacts/{contact_id}/subscriptions"
CHANGE_FAULTS = (*CONTACT_FAULTS, NO_RESOURCE, OWN_OPT_OUT, REFUSED, STOPPED, UNREACHABLE)

contact_subscriptions = Resource(
    "Contact subscriptions",
    "Opt contacts in and out. A yes that is recorded here has no evidence: it is graded `asserted`, and never "
    "overrides a person's own opt-out.",
)


class AttachSubscription(ApiBody):
    id: AnyId = Field(description="The subscription type.")
    consent_type: ConsentType = Field(
        description="The consent type of the subscription type: `opt_in` opts the contact in, `opt_out` opts them out.",
        examples=["opt_in"],
        strict=False,
    )


@contact_subscriptions.get(PATH, scope=Scope.READ_CONTACTS, errors=CONTACT_FAULTS)
async def list_contact_subscriptions(call: Call) -> SubscriptionTypeList:
    """List a contact's subscriptions.

    Returns the opt-in types that the contact opted in to, and the opt-out types that they opted out of. Types in their
    default state are left out.
    """
    contact = await found_contact(call)
    known = [await call.bot.store.subscriptions.recent(consent.subscription) for consent in contact.consents]
    types = {type.id: type for type in known if type}
    ids = sorted(id for type in ConsentType for id in chosen(contact, types, type))
    return SubscriptionTypeList(data=[type_answer(types[id]) for id in ids])


@contact_subscriptions.post(PATH, scope=Scope.WRITE_CONTACTS, errors=(*CHANGE_FAULTS, OTHER_CONSENT_TYPE))
async def attach_subscription(call: Call, body: AttachSubscription) -> SubscriptionTypeAnswer:
    """Opt a contact in or out.

    Attaching an `opt_in` type opts the contact in; attaching an `opt_out` type opts them out. Repeating it changes
    nothing. A type with double opt-in asks the contact to confirm by text. If the contact opted out before, the answer
    is 409 `own_opt_out`.
    """
    contact, subscription = await found_contact(call), await found_subscription(call, body.id)
    if body.consent_type is not subscription.consent_type:
        raise ApiRefusal(OTHER_CONSENT_TYPE, field="consent_type", type=subscription.consent_type)
    return await _answer(call, contact, subscription, is_yes=subscription.consent_type is ConsentType.OPT_IN)


@contact_subscriptions.delete(f"{PATH}/{{subscription_id}}", scope=Scope.WRITE_CONTACTS, errors=CHANGE_FAULTS)
async def detach_subscription(call: Call) -> SubscriptionTypeAnswer:
    """Remove a subscription from a contact.

    Removing an `opt_in` type opts the contact out. Removing an `opt_out` type would overturn the contact's own opt-out:
    the answer is 409 `own_opt_out`.
    """
    contact = await found_contact(call)
    subscription = await found_subscription(call, call.variable("subscription_id"))
    return await _answer(call, contact, subscription, is_yes=subscription.consent_type is ConsentType.OPT_OUT)


async def _answer(call: Call, contact: Contact, subscription: Subscription, *, is_yes: bool) -> SubscriptionTypeAnswer:
    record = call.bot.assertions.opt_in if is_yes else call.bot.assertions.opt_out
    await record(contact, subscription, Assertion(actor=call.actor, key=call.key))
    return type_answer(subscription)
