"""What follows from a consent: consumers of the ledger, and the path by which events reach them.

To add a consumer: write its file beside this one and add it to `consumers`.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat.cards import Cards
from bot.consent.ledger import Ledger
from bot.events.cards import CompleteCards
from bot.events.consumer import Consumer
from bot.events.erasure import Erasure
from bot.events.flows import ContinueFlows
from bot.events.projection import Projection
from bot.events.texts import QueueTexts
from bot.flows.opening import Openings
from bot.flows.runs import Runs
from bot.outbound.queue import DeliveryQueue


def consumers(
    ledger: Ledger, cards: Cards, openings: Openings, runs: Runs, deliveries: DeliveryQueue
) -> Sequence[Sequence[Consumer]]:
    """By stage: those of one stage run side by side, and the next stage begins when they are done."""
    return (
        (Projection(ledger), Erasure(ledger)),
        (CompleteCards(cards, openings), QueueTexts(deliveries)),
        (ContinueFlows(runs, openings),),
    )
