"""The consumers of the ledger, one file each. To add one: write its file here and add it to `all_consumers`."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat.conversations import ConversationService
from bot.consent.ledger import Ledger
from bot.contacts.erase import Eraser
from bot.contacts.merge import ContactMerge
from bot.contacts.opt_out_requests import OptOutRequests
from bot.events.consumers.base import Consumer
from bot.events.consumers.cards import CompleteCards
from bot.events.consumers.erasure import Erasure
from bot.events.consumers.flows import ContinueFlows
from bot.events.consumers.keyword_flows import StartKeywordFlows
from bot.events.consumers.merging import Merging
from bot.events.consumers.opt_out_requests import CloseOptOutRequests
from bot.events.consumers.outcomes import NoteOptOuts
from bot.events.consumers.projection import Projection
from bot.events.consumers.stopped import MarkStopped
from bot.events.consumers.texts import QueueTexts
from bot.events.consumers.webhooks import QueueWebhooks
from bot.flows.opening import Openings
from bot.flows.runs import Runs
from bot.outbound.inbound import Inbound
from bot.outbound.outcomes import Outcomes
from bot.outbound.queue import DeliveryQueue
from bot.store import Store
from bot.webhooks.outbox import WebhookOutbox


def all_consumers(
    store: Store,
    ledger: Ledger,
    eraser: Eraser,
    merge: ContactMerge,
    conversations: ConversationService,
    openings: Openings,
    runs: Runs,
    deliveries: DeliveryQueue,
    webhooks: WebhookOutbox,
    requests: OptOutRequests,
    inbound: Inbound,
) -> Sequence[Sequence[Consumer]]:
    """By stage: those of one stage run side by side, and the next stage begins when they are done."""
    return (
        (Projection(ledger),),
        (
            CompleteCards(store, conversations, openings),
            QueueTexts(deliveries),
            MarkStopped(store),
            NoteOptOuts(Outcomes(store)),
            CloseOptOutRequests(requests),
        ),
        (ContinueFlows(runs, openings), StartKeywordFlows(inbound)),
        (Merging(merge),),
        (Erasure(eraser),),
        (QueueWebhooks(store, webhooks),),
    )
