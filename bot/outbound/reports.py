"""What Twilio reports about texts: in any order, repeated, late, also about those whose answer was lost."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from bot.consent.stop_list import StopList
from bot.model.base import now
from bot.model.delivery import Delivery, DeliveryState, ProviderStatus
from bot.outbound.gateways.base import Effect
from bot.outbound.gateways.twilio_errors import Policy, policy_of
from bot.outbound.kinds import KINDS
from bot.outbound.provider_stops import stop_with_provider
from bot.outbound.threads import TextThreads
from bot.store import Store

log = logging.getLogger("sayso.outbound")

AGAIN_AFTER = timedelta(minutes=1)
FAILED = {ProviderStatus.FAILED, ProviderStatus.UNDELIVERED, ProviderStatus.CANCELED}


@dataclass(frozen=True, slots=True)
class StatusReport:
    """`delivery` is our id, `code` the provider's error."""

    delivery: str
    provider_id: str
    status: ProviderStatus
    code: int | None = None


class DeliveryReports:
    def __init__(self, store: Store, stops: StopList, threads: TextThreads) -> None:
        self._store = store
        self._stops = stops
        self._threads = threads

    async def receive(self, report: StatusReport) -> bool:
        """Stores what is newer than what we know; False: nothing is.

        Durable when it returns. Raises StoreUnavailable: safe to retry.
        """
        delivery = await self._store.deliveries.get(report.delivery)
        if delivery is None or not delivery.number.startswith("+") or report.provider_id in delivery.earlier_ids:
            return False  # unknown, of somebody erased, or about an attempt that is over
        if delivery.provider_id not in {None, report.provider_id}:
            log.error("the SMS provider accepted a text twice", extra={"delivery": delivery.id})
        is_new = await self._store.deliveries.report(
            delivery.id, report.provider_id, report.status, await self._result(delivery, report)
        )
        if is_new:
            await self._threads.tell(delivery)
        return is_new

    async def _result(self, delivery: Delivery, report: StatusReport) -> dict[str, object]:
        if report.status not in FAILED:
            is_first = report.status.rank >= ProviderStatus.DELIVERED.rank and delivery.delivered_at is None
            return {"state": DeliveryState.SENT, **({"delivered_at": now()} if is_first else {})}
        policy, code = policy_of(report.code), {"code": report.code} if report.code else {}
        if policy.effect is Effect.OPTED_OUT:
            await stop_with_provider(self._stops, delivery)
        elif policy.effect is Effect.ALARM:
            log.error("the SMS provider did not deliver: %s", policy.reason, extra={"delivery": delivery.id})
        if _may_be_sent_again(delivery, policy):
            return {"state": DeliveryState.QUEUED, "reason": policy.reason, "due_at": now() + AGAIN_AFTER, **code}
        return {"state": DeliveryState.FAILED, "reason": policy.reason, **code}


def _may_be_sent_again(delivery: Delivery, policy: Policy) -> bool:
    """Only a text that was certainly not sent and is still useful."""
    return len(delivery.earlier_ids) < policy.retries and KINDS[delivery.kind].valid_for(delivery) is None
