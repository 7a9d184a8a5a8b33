"""Texts the question of a double opt-in again, because a person asks for it: a few times, with a pause before each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot.consent.form_limits import FormLimits
from bot.consent.form_windows import FormText
from bot.errors import NotResent
from bot.errors import marked as _
from bot.model.base import now
from bot.model.contact import Consent, Contact
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.form_limits import Limit
from bot.outbound.flood import BOUNDS, Flood
from bot.outbound.kinds import KINDS
from bot.outbound.queue import DeliveryQueue
from bot.store import Store
from bot.store.deliveries import Window

MOST = 2
"""How often the question is texted again."""
PAUSE = timedelta(seconds=30)
"""A text may take that long to arrive."""

ON_ITS_WAY = _("We just texted you. It can take a minute to arrive.")
NO_PROOF = _("We can't text you from this browser: it can't run the check that keeps bots out. Try another browser.")
ENOUGH = _("We can't text this number again now. Check that it's right, or try again later.")


class Resends:
    """A resend is another delivery for the same consent event: nothing about the consent changes, and a YES answers
    whichever text arrived."""

    def __init__(self, store: Store, deliveries: DeliveryQueue, limits: FormLimits) -> None:
        self._store = store
        self._deliveries = deliveries
        self._limits = limits

    async def resend(self, contact: Contact, consent: Consent, ip: str | None) -> None:
        """Stored when it returns; pressing twice sends once. `consent` is pending, for a number. One whose browser
        could not prove its work gets no text this way either.

        Raises NotResent, TooManySignUps, or StoreUnavailable (safe to ask again).
        """
        if consent.withheld is Limit.PROOF:
            raise NotResent(NO_PROOF)
        number, time = consent.number or "", now()
        sent = await self._sent(consent.event)
        if time - max([consent.at, *(delivery.created_at for delivery in sent)]) < PAUSE:
            raise NotResent(ON_ITS_WAY)
        locale = sent[0].locale if sent else contact.locale
        again = self._deliveries.question_again(consent, contact.id, locale, len(sent) if sent else 1)
        if len(sent) > MOST or await self._is_flooded(again):
            raise NotResent(ENOUGH)
        await self._limits.admit(FormText(number, ip, contact.id))
        await self._deliveries.add(again)

    async def _sent(self, event: str) -> Sequence[Delivery]:
        first = KINDS[DeliveryKind.ASK].id_of(event)
        found = await self._store.deliveries.get_many([first, *(f"{first}:{n}" for n in range(1, MOST + 1))])
        return [*found.values()]

    async def _is_flooded(self, again: Delivery) -> bool:
        windows = {name: Window(bound.kinds, bound.since(again.created_at)) for name, bound in BOUNDS.items()}
        counts = await self._store.deliveries.counts([again.number], windows)
        return Flood(counts).refusal(again) is not None
