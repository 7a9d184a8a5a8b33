"""What runs behind the requests: consumers and jobs."""

from __future__ import annotations

from bot.composition.flows import FlowArea
from bot.config import Settings
from bot.events.catch_up import CatchUp
from bot.events.checkpoint_writer import CheckpointWriter
from bot.events.consumers import all_consumers
from bot.events.messages import Messages
from bot.events.path import ConsumerPath
from bot.events.segment_watching import SegmentWatching
from bot.events.text_flows import FlowTextListener
from bot.jobs.chat_messages import ChatMessages
from bot.jobs.contact_exports import ContactExports
from bot.jobs.contact_imports import ContactImports
from bot.jobs.kinds import all_kinds
from bot.jobs.message_watch import MessageWatch, PauseLimits
from bot.jobs.outbound_messages import OutboundMessages
from bot.jobs.service import JobService
from bot.outbound.audience import Audience
from bot.store import Store


class WorkArea(FlowArea):
    def __init__(self, settings: Settings, store: Store, secret: str, public_url: str) -> None:
        super().__init__(settings, store, secret, public_url)
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
            self.inbound,
        )
        self.consumers = ConsumerPath(stages, self.spawn)
        self.ledger.publish_to(self.consumers.publish)
        self.catch_up = CatchUp(store, self.consumers)
        self.segments_watched = SegmentWatching(store, self.runs.scripts, self.finder, self.segment_starts)
        self.messages = Messages(store, self.conversations, self.runs, self.replies, self.spawn)
        self.say = self.messages.say
        self.inbound.listener = FlowTextListener(store, self.runs, self.messages)
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
        self.audience_counts = self.outbound.counts
        self.chat_messages = ChatMessages(store, self.outbound, self.chat_delivery)
        self.imports = ContactImports(store, self.jobs)
        self.exports = ContactExports(store, self.jobs, self.export)
