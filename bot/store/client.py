"""The connection: one client, one database, all repositories."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorDatabase
from pymongo.errors import ConfigurationError, PyMongoError

from bot.errors import StoreUnavailable
from bot.errors import marked as _
from bot.store.account_links import AccountLinkRepository
from bot.store.api_requests import ApiRequestRepository
from bot.store.api_tokens import ApiTokenRepository
from bot.store.attempts import AttemptCounter
from bot.store.audit import AuditRepository
from bot.store.canvas_cards import CanvasCardRepository
from bot.store.changes import Changes
from bot.store.chat_deliveries import ChatDeliveryRepository
from bot.store.checkpoints import CheckpointHeadRepository, CheckpointRepository
from bot.store.contact_imports import ContactImportRepository, ImportChangeRepository, ImportPieceRepository
from bot.store.contacts import ContactRepository
from bot.store.conversations import ConversationRepository
from bot.store.counts import ConsentCountRepository
from bot.store.deliveries import DeliveryRepository
from bot.store.driver import database_errors
from bot.store.embedded import EmbeddedServer
from bot.store.event_cursors import EventCursorRepository, EventRetryRepository
from bot.store.events import EventRepository
from bot.store.export_pieces import ExportPieceRepository
from bot.store.flow_days import FlowDayRepository, OutcomeCursorRepository
from bot.store.flows import FlowDraftRepository, FlowRepository, FlowVersionRepository
from bot.store.form_counters import BlockedPrefixRepository, FormCounterRepository
from bot.store.form_templates import FormTemplateRepository
from bot.store.job_items import JobItemRepository
from bot.store.jobs import JobRepository
from bot.store.kept_wordings import KeptWordingRepository
from bot.store.keys import KeyRepository
from bot.store.keyword_programs import KeywordProgramRepository, KeywordProgramVersionRepository
from bot.store.labels import AttributeRepository, SegmentRepository, TagRepository
from bot.store.leases import LeaseRepository
from bot.store.logos import LogoRepository
from bot.store.merges import MergeMoves
from bot.store.migrations import MigrationRepository
from bot.store.old_flows import move_old_flows
from bot.store.opening_entries import OpeningEntries
from bot.store.opt_out_requests import OptOutRequestRepository
from bot.store.outbound_messages import OutboundMessageRepository
from bot.store.parts import PartRepository
from bot.store.passkeys import PasskeyChallengeRepository, PasskeyRepository
from bot.store.personal_data import PersonalData
from bot.store.phone_texts import PhoneTextRepository
from bot.store.preference_links import PreferenceLinkRepository
from bot.store.repository import Repository, make_all_indexes
from bot.store.saved_replies import SavedReplyRepository
from bot.store.segment_members import SegmentMemberRepository, SegmentWatchRepository
from bot.store.sender_paces import SenderPaceRepository
from bot.store.sessions import SessionRepository
from bot.store.signals import SignalRepository
from bot.store.site_visits import SiteVisitRepository
from bot.store.stops import KeyedNumbers, StopEventRepository, StopRepository
from bot.store.subscriptions import SubscriptionRepository, SubscriptionVersionRepository
from bot.store.teammates import TeammateRepository
from bot.store.webhooks import WebhookEndpointRepository, WebhookLaneRepository, WebhookNotificationRepository
from bot.store.workspaces import WorkspaceRepository


class Store:
    """All repositories."""

    def __init__(self, client: AsyncIOMotorClient[dict[str, Any]], name: str) -> None:
        self.database: AsyncIOMotorDatabase[dict[str, Any]] = client.get_database(name)
        self.embedded: EmbeddedServer | None = None
        """The server that this process runs or shares, if it does."""
        self.workspaces = WorkspaceRepository(self.database)
        self.logos = LogoRepository(self.database)
        self.subscription_versions = SubscriptionVersionRepository(self.database)
        self.subscriptions = SubscriptionRepository(self.database, self.subscription_versions)
        self.keyword_program_versions = KeywordProgramVersionRepository(self.database)
        self.keyword_programs = KeywordProgramRepository(self.database, self.keyword_program_versions)
        self.keys = KeyRepository(self.database)
        self.keyed_numbers = KeyedNumbers(self.keys)
        self.stops = StopRepository(self.database, self.keyed_numbers)
        self.stop_events = StopEventRepository(self.database)
        self.consent_counts = ConsentCountRepository(self.database)
        self.contacts = ContactRepository(self.database)
        self.tags = TagRepository(self.database)
        self.attributes = AttributeRepository(self.database)
        self.segments = SegmentRepository(self.database)
        self.segment_watches = SegmentWatchRepository(self.database)
        self.segment_members = SegmentMemberRepository(self.database)
        self.events = EventRepository(self.database)
        self.event_cursors = EventCursorRepository(self.database)
        self.event_retries = EventRetryRepository(self.database)
        self.checkpoints = CheckpointRepository(self.database)
        self.checkpoint_heads = CheckpointHeadRepository(self.database)
        self.conversations = ConversationRepository(self.database)
        self.openings = OpeningEntries(self.conversations)
        self.parts = PartRepository(self.database, self.openings)
        self.signals = SignalRepository(self.database)
        self.saved_replies = SavedReplyRepository(self.database)
        self.form_templates = FormTemplateRepository(self.database)
        self.kept_wordings = KeptWordingRepository(self.database)
        self.flows = FlowRepository(self.database)
        self.flow_versions = FlowVersionRepository(self.database)
        self.flow_drafts = FlowDraftRepository(self.database)
        self.flow_days = FlowDayRepository(self.database)
        self.outcome_cursors = OutcomeCursorRepository(self.database)
        self.deliveries = DeliveryRepository(self.database)
        self.chat_deliveries = ChatDeliveryRepository(self.database)
        self.form_counters = FormCounterRepository(self.database)
        self.blocked_prefixes = BlockedPrefixRepository(self.database)
        self.outbound_messages = OutboundMessageRepository(self.database)
        self.opt_out_requests = OptOutRequestRepository(self.database)
        self.phone_texts = PhoneTextRepository(self.database)
        self.migrations = MigrationRepository(self.database)
        self.jobs = JobRepository(self.database)
        self.job_items = JobItemRepository(self.database)
        self.export_pieces = ExportPieceRepository(self.database)
        self.contact_imports = ContactImportRepository(self.database)
        self.import_pieces = ImportPieceRepository(self.database)
        self.import_changes = ImportChangeRepository(self.database)
        self.leases = LeaseRepository(self.database)
        self.sender_paces = SenderPaceRepository(self.database)
        self.preference_links = PreferenceLinkRepository(self.database)
        self.teammates = TeammateRepository(self.database)
        self.site_visits = SiteVisitRepository(self.database)
        self.sessions = SessionRepository(self.database)
        self.api_tokens = ApiTokenRepository(self.database)
        self.api_requests = ApiRequestRepository(self.database)
        self.account_links = AccountLinkRepository(self.database)
        self.passkeys = PasskeyRepository(self.database)
        self.passkey_challenges = PasskeyChallengeRepository(self.database)
        self.audit_log = AuditRepository(self.database)
        self.canvas_cards = CanvasCardRepository(self.database)
        self.webhook_endpoints = WebhookEndpointRepository(self.database)
        self.webhook_notifications = WebhookNotificationRepository(self.database)
        self.webhook_lanes = WebhookLaneRepository(self.database)
        self.attempts = AttemptCounter(self.database)
        self.personal_data = PersonalData(self)
        self.merges = MergeMoves(self)
        self.changes = Changes(client.delegate[name])

    @property
    def tables(self) -> list[Repository[Any]]:
        return [value for value in vars(self).values() if isinstance(value, Repository)]

    async def prepare(self) -> None:
        """Creates indexes and migrates data of older versions.

        Safe to repeat, also by several processes at once.

        Raises StoreUnavailable if the database does not respond, or is a standalone server (no change streams).
        """
        with database_errors():
            hello = await self.database.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise StoreUnavailable(
                _(
                    "SAYSO_MONGO_URL points to a standalone server. Use a replica set (one member is enough) or a "
                    "sharded cluster."
                )
            )
        await asyncio.gather(make_all_indexes(self.tables), self.attempts.prepare(), self.keyed_numbers.prepare())
        await move_old_flows(self.database, self.flows, self.flow_versions, self.conversations)

    async def state(self) -> str:
        """`ok`, `unavailable`, or `restarting`: an embedded server died and is started again. Answers quickly."""
        if self.embedded and self.embedded.problem:
            return "restarting"
        return "ok" if await self.is_ready(seconds=0.5) else "unavailable"

    async def is_ready(self, *, seconds: float = 2) -> bool:
        """Whether a primary answers within this time."""
        try:
            async with asyncio.timeout(seconds):
                return bool((await self.database.command("hello")).get("isWritablePrimary"))
        except (PyMongoError, TimeoutError):
            return False


@asynccontextmanager
async def open_store(url: str, name: str) -> AsyncIterator[Store]:
    """Connects to a replica set or a sharded cluster.

    Every wait has a time limit, so that a dead database is reported quickly and clearly.
    """
    try:
        client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
            url,
            appname="sayso",
            tz_aware=True,
            serverSelectionTimeoutMS=3000,
            connectTimeoutMS=2000,
            socketTimeoutMS=8000,
            maxPoolSize=50,
            io_loop=asyncio.get_running_loop(),
        )
    except (ConfigurationError, ValueError) as error:  # whose words may repeat the password
        raise StoreUnavailable(_("Invalid database address. Check SAYSO_MONGO_URL.")) from error
    store = Store(client, name)
    try:
        yield store
    finally:
        store.changes.close()
        client.close()
