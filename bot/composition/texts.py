"""Text messages: the queue, the sender, what comes in, what is reported."""

from __future__ import annotations

from bot.chat.tap_to_text import TapToTexts
from bot.composition.chat import ChatArea
from bot.config import Settings
from bot.consent.keyword_programs import KeywordPrograms
from bot.outbound.clicks import Clicks
from bot.outbound.consent_mirror import ConsentMirror
from bot.outbound.delivery_links import DeliveryLinks
from bot.outbound.facts import FactReader
from bot.outbound.figures import Figures
from bot.outbound.gateways import make_gateway
from bot.outbound.gateways.twilio import TwilioGateway
from bot.outbound.gateways.twilio_webhooks import WebhookSignatures
from bot.outbound.inbound import Inbound
from bot.outbound.keyword_sign_ups import KeywordSignUps
from bot.outbound.phone import DemoPhone
from bot.outbound.queue import DeliveryQueue
from bot.outbound.queue_figures import QueueReader
from bot.outbound.replies import Replies
from bot.outbound.reports import DeliveryReports
from bot.outbound.resend import Resends
from bot.outbound.sender import Sender
from bot.outbound.threads import TextThreads
from bot.store import Store


class TextArea(ChatArea):
    def __init__(self, settings: Settings, store: Store, secret: str, public_url: str) -> None:
        super().__init__(settings, store, secret, public_url)
        links = DeliveryLinks(secret, self.public_url, days=settings.link_days)
        self.deliveries = DeliveryQueue(store, links)
        self.resends = Resends(store, self.deliveries, self.form_limits)
        self.phone = DemoPhone(store, links)
        self.clicks = Clicks(store)
        self.threads = TextThreads(store, self.conversations, self.contacts, secret=secret)
        self.programs = KeywordPrograms(store)
        self.taps = TapToTexts(store, self.programs, secret=secret, public_url=self.public_url)
        sign_ups = KeywordSignUps(
            store, self.ledger, self.deliveries, self.threads, self.programs, self.taps, self.contacts
        )
        self.inbound = Inbound(
            store,
            self.stops,
            self.confirmations,
            self.deliveries,
            self.threads,
            self.paces,
            sign_ups,
            self.opt_out_requests,
        )
        self.receive = self.inbound.receive
        self.replies = Replies(store, self.ledger, self.stops, self.inbox, self.deliveries, self.workspace)
        self.reply = self.replies.reply
        self.gateway = make_gateway(settings, store)
        facts = FactReader(store, self.ledger, self.stops, self.workspace, quiet_hours=settings.quiet_hours)
        self.mirror = ConsentMirror(store, self.gateway) if isinstance(self.gateway, TwilioGateway) else None
        self.queue = QueueReader(store, self.workspace)
        self.figures = Figures(store, delivers_when_sent=self.gateway.delivers_on_commit)
        self.reports = DeliveryReports(store, self.stops, self.threads)
        self.webhook_signatures = WebhookSignatures(settings)
        self.sender = Sender(
            store,
            self.deliveries,
            facts,
            self.gateway,
            self.threads,
            self.stops,
            default=(settings.default_number, settings.texts_per_second),
        )
