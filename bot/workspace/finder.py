"""Search over what the business manages."""

from __future__ import annotations

from bot.model.subscription import Subscription, SubscriptionState
from bot.store import Store

FOUND = 8


async def find_subscriptions(store: Store, words: str) -> list[Subscription]:
    """Subscriptions that are not archived and whose name contains these words. Reads at most 200."""
    states = [SubscriptionState.LIVE, SubscriptionState.DRAFT]
    kept = await store.subscriptions.find({"state": {"$in": states}}, sort=[("state", 1), ("name", 1)], limit=200)
    wanted = words.casefold().split()
    return [s for s in kept if all(word in s.name.casefold() for word in wanted)][:FOUND]
