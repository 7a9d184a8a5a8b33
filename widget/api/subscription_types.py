"""Subscription types: what Intercom calls subscriptions."""

from __future__ import annotations

from typing import Literal

from bot.shapes.base import ApiAnswer
from bot.shapes.subscription import SubscriptionTypeAnswer, type_answer
from bot.workspace.access import Scope
from widget.api.route import Call, Resource

subscription_types = Resource("Subscription types", "The subscriptions that contacts can opt in to and out of.")


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
