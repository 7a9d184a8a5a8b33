"""Bot flows, and the messenger that they open."""

from __future__ import annotations

from bot.composition.webhooks import WebhookArea
from bot.config import Settings
from bot.flows.drafts import FlowDrafts
from bot.flows.figures import FlowFigureReader
from bot.flows.flow_starts import FlowStarts
from bot.flows.messenger import Messenger
from bot.flows.opening import Openings
from bot.flows.outlets import Outlets
from bot.flows.runs import Runs
from bot.flows.segment_starts import SegmentStarts
from bot.flows.service import FlowService
from bot.outbound.flow_texts import FlowTexts
from bot.store import Store
from bot.webhooks.flow_events import FlowEvents


class FlowArea(WebhookArea):
    def __init__(self, settings: Settings, store: Store, secret: str, public_url: str) -> None:
        super().__init__(settings, store, secret, public_url)
        self.flows = FlowService(store, image_hosts=settings.image_hosts)
        self.flow_drafts = FlowDrafts(store, self.flows)
        self.flow_events = FlowEvents(store, self.outbox)
        outlets = Outlets(FlowTexts(store, self.ledger, self.deliveries), self.flow_events)
        self.runs, shown = Runs(store, self.conversations, self.contacts, outlets), self.chat_delivery
        self.flow_starts = FlowStarts(store, self.runs)
        self.segment_starts = SegmentStarts(store, self.runs)
        counters = self.runs.counters
        self.flow_figures = FlowFigureReader(store, counters)
        self.openings = Openings(store, self.runs.scripts, self.visitors, shown, counters, self.feed.writing)
        self.messenger = Messenger(
            self.visitors,
            self.conversations,
            self.openings,
            self.runs,
            self.cards,
            shown,
            self.segment_starts,
            self.workspace,
        )
        self.submit = self.messenger.submit
