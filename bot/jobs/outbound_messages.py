"""Outbound messages by text and in the chat: drafts, and ordering them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.consent.numbers import read_number
from bot.errors import Conflict, FormWrong, Invalid, NotFound
from bot.errors import marked as _
from bot.jobs.audience_counts import AudienceCounts
from bot.jobs.kinds.send_message import SendInput, SendMessage
from bot.jobs.kinds.show_message import ShowMessage
from bot.jobs.rules import JobAction
from bot.jobs.service import JobService
from bot.model.audit import AuditAction
from bot.model.base import new_id, now
from bot.model.contact import ConsentState
from bot.model.filter import Filter
from bot.model.job import Job, JobState
from bot.model.outbound_message import ChatTerms, OutboundMessage
from bot.model.paging import Cursor, Page
from bot.model.teammate import By
from bot.outbound.audience import NO_SUBSCRIPTION, Audience
from bot.outbound.kinds.outbound import message_body
from bot.outbound.queue import DeliveryQueue
from bot.outbound.send_time import NOW, SendTime
from bot.store import Store
from bot.store.attempts import RateLimit
from bot.workspace.audit import AuditLog

CONFIRMED_ABOVE = 100
"""Contacts above which the sender types how many there are."""
MOST_TESTS = 30
"""A teammate's test texts within a day: they reach numbers that consented to nothing."""
CHANGED = _("Someone else changed this message. Reload the page to see the latest version.")


class MessageState(StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    SENDING = "sending"
    PAUSED = "paused"
    DONE = "done"
    FAILED = "failed"
    CANCELED = "canceled"
    RUNNING = "running"
    """A chat message that is shown to those who match."""
    ENDED = "ended"


OF_JOB = {
    JobState.QUEUED: MessageState.SENDING,
    JobState.RUNNING: MessageState.SENDING,
    JobState.PAUSED: MessageState.PAUSED,
    JobState.DONE: MessageState.DONE,
    JobState.FAILED: MessageState.FAILED,
    JobState.CANCELED: MessageState.CANCELED,
}


@dataclass(frozen=True, slots=True)
class MessageStatus:
    message: OutboundMessage
    job: Job | None

    @property
    def state(self) -> MessageState:
        if self.message.is_draft:
            return MessageState.DRAFT
        if self.message.chat:
            is_running = MessageState.RUNNING if self.message.is_running else MessageState.PAUSED
            return MessageState.ENDED if self.message.is_ended else is_running
        if self.job is None:
            return MessageState.SENDING if self.message.is_starting else MessageState.DONE
        if self.job.state is JobState.QUEUED and self.job.started_at is None and SendTime.of(self.message) != NOW:
            return MessageState.SCHEDULED
        return OF_JOB[self.job.state]

    @property
    def last_at(self) -> datetime | None:
        """Sent at local times: by when everybody has it, if nothing comes between."""
        known = self.job.checkpoint.get("last_at") if self.job else None
        return (known or SendTime.of(self.message).is_over_at) if self.message.local_at else None


class OutboundMessages:
    def __init__(self, store: Store, jobs: JobService, audience: Audience, deliveries: DeliveryQueue) -> None:
        self._store = store
        self._table = store.outbound_messages
        self._jobs = jobs
        self._deliveries = deliveries
        self._audit = AuditLog(store)
        self.audience = audience
        self.counts = AudienceCounts(store, jobs, audience)

    async def get(self, id: str) -> OutboundMessage:
        """Raises NotFound."""
        found = await self._table.get(id)
        if found is None or found.is_deleted:
            raise NotFound(_("Message not found."))
        return found

    async def status(self, id: str) -> MessageStatus:
        """Raises NotFound."""
        message = await self.get(id)
        return (await self._statuses([message]))[0]

    async def newest(self, cursor: Cursor | None = None, *, limit: int = 50) -> Page[MessageStatus]:
        found = await self._statuses(await self._table.newest(cursor, limit=limit + 1))
        return Page.cut(found, limit, lambda status: (status.message.updated_at, status.message.id))

    async def create(
        self, name: str, by: By, *, filter: Filter | None = None, key: str = "", chat: ChatTerms | None = None
    ) -> OutboundMessage:
        """A draft, one for each `key` (24 hex digits). `chat`: of a chat message."""
        time = now()
        draft = OutboundMessage(
            id=key or new_id(),
            name=name,
            filter=filter or Filter(),
            chat=chat,
            by=by.id,
            by_name=by.name,
            created_at=time,
            updated_at=time,
        )
        await self._table.keep(draft)
        return draft

    async def save(self, id: str, version: int, values: Mapping[str, object], by: By) -> OutboundMessage:
        """Raises NotFound, and Conflict if somebody else changed it since `version`, or it was ordered. What is saved
        already, perhaps a moment ago by the composer itself, is no change."""
        before = await self.get(id)
        if before.is_draft and all(getattr(before, name) == value for name, value in values.items()):
            return before
        before = await self.draft(id, version)
        saved = await self._table.change(before, {**values, "by": by.id, "by_name": by.name})
        if saved is None:
            raise Conflict(CHANGED)
        return saved

    async def duplicate(self, id: str, by: By, *, key: str = "") -> OutboundMessage:
        """A draft with the same name, text and audience."""
        original, time = await self.get(id), now()
        copy = original.model_copy(
            update={
                "id": key or new_id(), "by": by.id, "by_name": by.name, "version": 1, "ordered_at": None,
                "send_at": None, "local_at": "", "is_starting": None, "is_running": None, "ended_at": None,
                "created_at": time,
                "updated_at": time,
            }
        )  # fmt: skip
        await self._table.keep(copy)
        return copy

    async def delete(self, id: str, version: int, by: By) -> None:
        """Deletes a draft. Raises NotFound and Conflict."""
        draft = await self.draft(id, version)
        if not await self._table.change(draft, {"is_deleted": True}):
            raise Conflict(CHANGED)
        await self._audit.record(by, AuditAction.MESSAGE_DELETED, draft.name)

    async def test(self, id: str, number: str, by: By, *, key: str) -> str:
        """Texts it to one number, without anybody's details in its variables. Returns the number.

        Raises NotFound and Invalid.
        """
        message, workspace = await self.get(id), await self._store.workspaces.get("workspace")
        if message.chat or workspace is None or not message.text(message.language).strip():
            raise Invalid(_("Write a message first."))
        to = read_number(number, workspace.default_region, workspace.texted).e164
        people = await self._store.contacts.with_number(to, after="", limit=100)
        consents = [consent for contact in people if (consent := contact.consent(message.subscription))]
        if any(consent.state is ConsentState.OPTED_OUT for consent in consents):
            raise FormWrong({"number": _("This number opted out of this subscription.")})
        if await self._store.attempts.take([RateLimit("outbound_test", (by.id,), MOST_TESTS, 24 * 60)]):
            fault = _("You can send %(most)s tests a day. Try again tomorrow.")
            raise FormWrong({"number": fault}, most=str(MOST_TESTS))
        link = _("Each person's own link")
        body = message_body(message, workspace, None, message.language, link)
        await self._deliveries.test(message, to, body, key)
        await self._audit.record(by, AuditAction.MESSAGE_TESTED, message.name)
        return to

    async def order(
        self, id: str, version: int, by: By, *, time: SendTime = NOW, confirmed: int | None = None
    ) -> OutboundMessage:
        """Sends it. From then on it never changes. `confirmed`: the number that the sender typed.

        Raises NotFound, Conflict, Invalid and FormWrong.
        """
        draft = await self.draft(id, version)
        if draft.chat:
            raise NotFound(_("Message not found."))
        if not draft.text(draft.language).strip():
            raise FormWrong({"text": _("Write a message first.")})
        try:
            await self.audience.subscription(draft)
        except Invalid:
            raise FormWrong({"subscription": NO_SUBSCRIPTION}) from None
        if (over := time.is_over_at) and over <= now():
            raise FormWrong({"send_at": _("Choose a time in the future.")})
        filter = await self.audience.filter(draft)
        count = await self.counts.to_confirm(draft)
        if count is None:
            raise FormWrong({"confirmed": _("The audience is still being counted. Try again when the count is done.")})
        if count.number > CONFIRMED_ABOVE and confirmed != count.number:
            raise FormWrong({"confirmed": _("Type %(number)s to confirm.")}, number=str(count.number))
        return await self.ordered(draft, {"filter": filter, "send_at": time.at, "local_at": time.local}, by)

    async def ordered(
        self, draft: OutboundMessage, values: Mapping[str, object], by: By, *, has_job: bool = True
    ) -> OutboundMessage:
        """The draft with these values, which never change from now on. Raises Conflict."""
        made = {"ordered_at": now(), "is_starting": has_job or None, "by": by.id, "by_name": by.name}
        ordered = await self._table.change(draft, {**values, **made})
        if ordered is None:
            raise Conflict(CHANGED)
        await self._audit.record(by, AuditAction.MESSAGE_ORDERED, draft.name, key=f"order:{draft.id}")
        if has_job:
            await self._start(ordered)
        return ordered

    async def start_overdue(self) -> None:
        """Starts what a process ordered just before it was killed."""
        for message in await self._table.starting(limit=20):
            await self._start(message)

    async def act(self, id: str, act: JobAction, by: By) -> MessageStatus:
        """Pauses, resumes or cancels it. One that paused itself and is resumed isn't paused by the same cause again.

        Raises NotFound and JobConflict.
        """
        message = await self.get(id)
        if act is JobAction.RESUME and message.open_pauses:
            await self._table.note_resumed(id, by.name)
            await self._audit.record(by, AuditAction.MESSAGE_RELEASED, message.name)
        await self._jobs.act(id, act, by)
        if act is JobAction.CANCEL:
            await self._store.deliveries.release(id)
        return await self.status(id)

    async def _start(self, message: OutboundMessage) -> None:
        """Idempotent."""
        input, by = SendInput(ordered_at=message.ordered_at or now()), By(message.by, message.by_name)
        kind = ShowMessage if message.chat else SendMessage
        at = SendTime.of(message).starts_at
        await self._jobs.start(kind, input, by, key=message.id, at=at, detail=message.name)
        await self._table.started(message.id)

    async def draft(self, id: str, version: int) -> OutboundMessage:
        """Raises NotFound, and Conflict if somebody else changed it since `version`, or it was ordered."""
        message = await self.get(id)
        if message.version != version or not message.is_draft:
            raise Conflict(CHANGED)
        return message

    async def _statuses(self, messages: Sequence[OutboundMessage]) -> list[MessageStatus]:
        jobs = await self._store.jobs.get_many(m.id for m in messages if not m.is_draft)
        return [MessageStatus(message, jobs.get(message.id)) for message in messages]
