"""Composition: the parts that a process has, area by area, and the work behind its requests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial

from async_lru import alru_cache

from bot.aio.background import BackgroundTasks, every
from bot.chat.canvas import CanvasCards
from bot.chat.cards import Cards
from bot.chat.conversations import ConversationService
from bot.chat.feed import Feed
from bot.chat.inbox import Inbox
from bot.chat.visitors import Claim, Visitors
from bot.config import Settings
from bot.consent.assertions import Assertions
from bot.consent.attestations import Attestations
from bot.consent.checkpoints import CheckpointKeys
from bot.consent.confirmations import Confirmations
from bot.consent.form_limits import FormLimits
from bot.consent.form_watch import FormWatch
from bot.consent.keyword_programs import KeywordPrograms
from bot.consent.ledger import Ledger
from bot.consent.paces import Paces
from bot.consent.preferences import Preferences
from bot.consent.reader import ConsentReader
from bot.consent.stop_list import StopList
from bot.contacts.attributes import Attributes
from bot.contacts.data_access import DataAccess
from bot.contacts.dossier import Dossiers
from bot.contacts.editing import ContactEditor
from bot.contacts.erase import Eraser
from bot.contacts.export import ContactExport
from bot.contacts.finder import ContactFinder
from bot.contacts.merge import ContactMerge
from bot.contacts.opt_out_requests import OptOutRequests
from bot.contacts.program_edits import ProgramEdits
from bot.contacts.segments import Segments
from bot.contacts.selected import SelectedContacts
from bot.contacts.service import ContactService
from bot.contacts.tags import Tags
from bot.contacts.timeline import Timelines
from bot.events.catch_up import CatchUp
from bot.events.checkpoint_writer import CheckpointWriter
from bot.events.consumers import all_consumers
from bot.events.messages import Messages
from bot.events.path import ConsumerPath
from bot.flows.messenger import Messenger, Opened
from bot.flows.opening import Openings
from bot.flows.runs import Runs
from bot.jobs.audience_counts import AudienceCounts
from bot.jobs.chat_messages import ChatMessages
from bot.jobs.contact_imports import ContactImports
from bot.jobs.kinds import all_kinds
from bot.jobs.message_watch import MessageWatch, PauseLimits
from bot.jobs.outbound_messages import OutboundMessages
from bot.jobs.service import JobService
from bot.model.base import now
from bot.model.workspace import Workspace
from bot.outbound.audience import Audience
from bot.outbound.chat_messages import ChatMessageDelivery
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
from bot.signing import Signatures
from bot.store import Store
from bot.webhooks.addresses import networks_in
from bot.webhooks.endpoints import WebhookEndpoints
from bot.webhooks.outbox import WebhookOutbox
from bot.webhooks.sender import WebhookSender
from bot.webhooks.source import WebhookSource
from bot.workspace.abuse import AbuseProtection
from bot.workspace.account_links import AccountLinks
from bot.workspace.audit import AuditLog
from bot.workspace.brand import BrandKeeper
from bot.workspace.canvas_secrets import CanvasSecrets
from bot.workspace.current import workspace_loader
from bot.workspace.form_templates import FormTemplateService
from bot.workspace.idempotency import Idempotency
from bot.workspace.identity import IdentitySecrets, adopt_identity_secret
from bot.workspace.keyword_programs import KeywordProgramService
from bot.workspace.passkeys import PasskeyService
from bot.workspace.prices import Prices
from bot.workspace.saved_replies import SavedReplyService
from bot.workspace.security import SecurityService
from bot.workspace.senders import Senders
from bot.workspace.sites import Sites
from bot.workspace.subscriptions import SubscriptionService
from bot.workspace.teammates import TeammateService
from bot.workspace.tokens import Tokens

CACHE_SECONDS = 1.0
STALLED = timedelta(seconds=10)
"""When work that another process should have done is overdue."""


class Bot:
    """One process's Sayso. The faces call its parts; only what needs several of them is here."""

    def __init__(self, settings: Settings, store: Store, secret: str, public_url: str) -> None:
        self.settings, self.store, self.public_url = settings, store, public_url
        self.background = BackgroundTasks()
        self.spawn, self.finish = self.background.spawn, self.background.finish
        self.signatures = Signatures(secret)
        self.workspace = alru_cache(maxsize=1, ttl=CACHE_SECONDS)(workspace_loader(store, settings.identity_secret))
        """`await bot.workspace()`: the business, at most a second old."""
        self._compose_consent(store, settings, secret)
        self._compose_contacts(store)
        self._compose_chat(store, settings, secret)
        self._compose_texts(store, settings, secret)
        self._compose_management(store)
        self._compose_webhooks(store, settings)
        self._compose_work(store, settings)

    def _compose_consent(self, store: Store, settings: Settings, secret: str) -> None:
        self.keys = CheckpointKeys(store, settings.checkpoint_keys)
        self.ledger = Ledger(store, self.keys)
        self.stops = StopList(store, self.ledger)
        self.form_limits = FormLimits(store, self.workspace, settings.form_limit)
        self.form_watch = FormWatch(store, self.workspace, self.form_limits)
        self.preferences = Preferences(
            store, self.ledger, self.form_limits, secret=secret, link_days=settings.link_days
        )
        self.confirmations = Confirmations(store, self.ledger)
        self.paces = Paces(store, self.ledger)
        self.consents = ConsentReader(store, self.ledger, self.stops)
        self.assertions = Assertions(store, self.ledger)
        self.attestations = Attestations(store, self.ledger, self.stops, self.consents)
        self.opt_out_requests = OptOutRequests(store, self.attestations, self.stops)

    def _compose_contacts(self, store: Store) -> None:
        self.contacts = ContactService(store, self.ledger)
        self.editor = ContactEditor(store, self.ledger, self.contacts, Attributes(store))
        self.program_edits = ProgramEdits(store, self.ledger, self.contacts, Attributes(store))
        self.dossiers, self.data_access = Dossiers(store, self.stops), DataAccess(store)
        self.timelines = Timelines(store, self.consents)
        self.eraser, self.merge = Eraser(store, self.ledger), ContactMerge(store, self.ledger)
        self.finder = ContactFinder(store)
        self.attributes, self.tags, self.segments = Attributes(store), Tags(store), Segments(store)
        self.selected = SelectedContacts(store, self.finder)
        self.export = ContactExport(store, self.selected)

    def _compose_chat(self, store: Store, settings: Settings, secret: str) -> None:
        self.feed = Feed(store)
        self.conversations = ConversationService(store, self.feed.writing)
        self.visitors = Visitors(
            store, self.ledger, self.contacts, self.merge, secret=secret, days=settings.visitor_days
        )
        self.identity_secrets = IdentitySecrets(store, self.spawn, self.workspace.cache_clear)
        self.visitors.on_proof = self.identity_secrets.used
        self.cards = Cards(store, self.ledger, self.stops, self.conversations, self.form_limits)
        canvas = store, self.ledger, self.contacts, self.conversations, self.cards, self.workspace
        self.canvas = CanvasCards(*canvas, secret=secret)
        self.inbox = Inbox(store, self.conversations, self.cards)
        self.runs = Runs(store, self.conversations, self.contacts)
        shown = self.chat_delivery = ChatMessageDelivery(store, self.finder, self.conversations, self.workspace)
        self.openings = Openings(store, self.runs.scripts, self.visitors, shown, self.feed.writing)
        self.messenger = Messenger(
            self.visitors, self.conversations, self.openings, self.runs, self.cards, shown, self.workspace
        )
        self.submit = self.messenger.submit

    def _compose_texts(self, store: Store, settings: Settings, secret: str) -> None:
        links = DeliveryLinks(secret, self.public_url, days=settings.link_days)
        self.deliveries = DeliveryQueue(store, links)
        self.resends = Resends(store, self.deliveries, self.form_limits)
        self.phone = DemoPhone(store, links)
        self.clicks = Clicks(store)
        self.threads = TextThreads(store, self.conversations, self.contacts, secret=secret)
        self.programs = KeywordPrograms(store)
        sign_ups = KeywordSignUps(store, self.ledger, self.deliveries, self.threads)
        self.inbound = Inbound(
            store,
            self.stops,
            self.confirmations,
            self.deliveries,
            self.threads,
            self.paces,
            self.programs,
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
        self.sender = Sender(store, self.deliveries, facts, self.gateway, self.threads, self.stops)

    def _compose_management(self, store: Store) -> None:
        self.audit = AuditLog(store)
        self.abuse = AbuseProtection(store, self.form_limits, changed=self.workspace.cache_clear)
        self.senders = Senders(store, changed=self.workspace.cache_clear)
        self.prices = Prices(store, changed=self.workspace.cache_clear)
        self.sites = Sites(store, self.spawn, self.workspace.cache_clear)
        self.teammates = TeammateService(store)
        self.tokens, self.idempotency = Tokens(store, self.spawn), Idempotency(store)
        self.passkeys = PasskeyService(store)
        self.account_links = AccountLinks(store, self.teammates, self.signatures.serializer("account_link"))
        self.security = SecurityService(store, changed=self.workspace.cache_clear)
        self.subscriptions = SubscriptionService(store)
        self.forms = FormTemplateService(store)
        self.keywords = KeywordProgramService(store)
        self.saved_replies = SavedReplyService(store)
        self.canvas_secrets = CanvasSecrets(store, self.workspace, changed=self.workspace.cache_clear)
        self.brand = BrandKeeper(store, changed=self.workspace.cache_clear)

    def _compose_webhooks(self, store: Store, settings: Settings) -> None:
        self.outbox = WebhookOutbox(store)
        self.webhooks = WebhookEndpoints(store, self.outbox, networks_in(settings.webhook_networks))
        self.webhook_sender = WebhookSender(store, self.outbox, settings.database)
        self.webhook_source = WebhookSource(store, self.outbox)

    def _compose_work(self, store: Store, settings: Settings) -> None:
        """What runs behind the requests."""
        stages = all_consumers(
            store,
            self.ledger,
            self.eraser,
            self.merge,
            self.conversations,
            self.openings,
            self.runs,
            self.deliveries,
            self.outbox,
            self.opt_out_requests,
        )
        self.consumers = ConsumerPath(stages, self.spawn)
        self.ledger.publish_to(self.consumers.publish)
        self.catch_up = CatchUp(store, self.consumers)
        self.messages = Messages(store, self.conversations, self.runs, self.replies, self.spawn)
        self.say = self.messages.say
        self.checkpoints = CheckpointWriter(store, self.keys, settings.checkpoint_file)
        is_quiet = settings.quiet_hours
        limits = PauseLimits(
            settings.pause_opt_outs, settings.pause_failures, settings.pause_filtered, settings.pause_after
        )
        watch = MessageWatch(store, self.figures, limits)
        kinds = all_kinds(
            store, self.keys, self.ledger, self.deliveries, self.chat_delivery, watch, quiet_hours=is_quiet
        )
        self.jobs = JobService(store, kinds)
        audience = Audience(store, self.finder, self.selected, quiet_hours=is_quiet)
        self.outbound = OutboundMessages(store, self.jobs, audience, self.deliveries)
        self.audience_counts = AudienceCounts(store, self.jobs, audience)
        self.chat_messages = ChatMessages(store, self.outbound, self.selected, self.chat_delivery)
        self.imports = ContactImports(store, self.jobs)

    async def open_messenger(self, token: str | None, claim: Claim, wanted: str | None) -> Opened:
        opened = await self.messenger.open(token, claim, wanted)
        if opened.contact.is_stored:
            self.spawn(self.contacts.seen(opened.contact, page=claim.page, time_zone=claim.time_zone))
        return opened

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The work behind the requests: live feed, texts, recovery, jobs."""
        await self.feed.start()
        await self.outbox.load()
        periodic = every(STALLED.total_seconds(), self._periodic_work())
        try:
            async with self.background.running(
                self.sender.work,
                self.catch_up.work,
                self.checkpoints.work,
                periodic,
                self.jobs.work,
                partial(self.outbox.follow, self.feed),
                self.webhook_source.work,
                self.webhook_sender.work,
            ):
                yield
        finally:
            await self.gateway.close()

    def _periodic_work(self) -> list[Callable[[], Awaitable[None]]]:
        return [
            *([self.mirror.push] if self.mirror else []),
            lambda: self.messages.handle_overdue(now() - STALLED),
            lambda: self.confirmations.lapse(now()),
            lambda: self.inbox.wake(now()),
            self.form_watch.look,
            lambda: self.runs.time_came(now()),
            lambda: self.runs.finish_left(now()),
            self.outbound.start_overdue,
            lambda: self.jobs.forget_failed(now()),
        ]


async def make_bot(settings: Settings, store: Store, public_url: str) -> Bot:
    """Without a key of its own in the settings, a workspace signs with the one that was made at its first start."""
    await store.workspaces.keep(Workspace(name="Your business"))
    await adopt_identity_secret(store)
    secret = settings.secret_key.get_secret_value() if settings.secret_key else await store.keys.of("visitors")
    return Bot(settings, store, secret, public_url)
