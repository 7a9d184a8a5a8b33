"""Exact counts of large audiences: a job makes one, and it holds until the question changes."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

from bot.contacts.finder import ContactCount
from bot.errors import JobConflict
from bot.jobs.kinds.count_audience import CountAudience, CountInput, CountPlace
from bot.jobs.rules import ENDED, JobAction
from bot.jobs.service import JobService
from bot.model.base import now
from bot.model.job import Job, JobState
from bot.model.outbound_message import OutboundMessage
from bot.model.selection import Selection
from bot.model.teammate import By
from bot.outbound.audience import ASKED, Audience, AudiencePreview, included
from bot.outbound.send_time import NOW, SendTime
from bot.store import Store


class AudienceCounts:
    def __init__(self, store: Store, jobs: JobService, audience: Audience) -> None:
        self._store = store
        self._jobs = jobs
        self._audience = audience

    async def start(self, message: OutboundMessage, time: SendTime, by: By) -> Job:
        """Tries one that failed again, and another one after one that was canceled. Raises Invalid and TooManyJobs."""
        input = await self._input(message, time)
        key = input.key()
        if job := await self._last(key):
            if job.state is JobState.FAILED:
                return await self._retried(job, by)
            key = _next(job.id) if job.state is JobState.CANCELED else job.id
        return await self._jobs.start(CountAudience, input, by, key=key, detail=message.name)

    async def newest(self, message: OutboundMessage, time: SendTime) -> Job | None:
        """For the same audience and time, of this hour or the last. Raises Invalid."""
        input = await self._input(message, time)
        before = input.model_copy(update={"asked_at": input.asked_at - timedelta(hours=1)})
        return await self._last(input.key()) or await self._last(before.key())

    async def to_confirm(self, message: OutboundMessage) -> ContactCount | None:
        """How many get it, exactly: the number that its sender types. None: they aren't counted yet. A small audience
        doesn't wait for a job that counts it. Raises Invalid and FilterTooBroad."""
        job = await self.newest(message, NOW)
        if job and job.state is JobState.DONE:
            return ContactCount(included(job.counts), is_exact=True)
        if job and job.state not in ENDED and not await self._audience.has_at_most(ASKED, message):
            return None
        first = await self._audience.preview(message, most=ASKED)
        return None if first.is_sample else ContactCount(first.included, is_exact=True)

    async def _last(self, key: str) -> Job | None:
        """The job with that key, or the last of those that followed canceled ones."""
        job = await self._store.jobs.get(key)
        while job and job.state is JobState.CANCELED and (after := await self._store.jobs.get(_next(job.id))):
            job = after
        return job

    async def _retried(self, job: Job, by: By) -> Job:
        try:
            return await self._jobs.act(job.id, JobAction.RETRY, by)
        except JobConflict:  # somebody else just did
            return await self._jobs.get(job.id)

    async def _input(self, message: OutboundMessage, time: SendTime) -> CountInput:
        filter = (await self._audience.filter(message)).as_text()
        return CountInput(
            message=message.id,
            selection=Selection(filter=filter),
            subscription=message.offered,
            asks_opted_out=message.chat.asks_opted_out if message.chat else None,
            at=time.at,
            local=time.local,
            asked_at=now(),
        )


def _next(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:24]


def counted(job: Job, first: AudiencePreview) -> AudiencePreview:
    """What the finished job counted, with the examples of the first look."""
    place = CountPlace.model_validate(job.checkpoint)
    texts = {(key[:2].strip(), key.partition(" ")[2]): number for key, number in place.texts.items()}
    total = ContactCount(job.done, is_exact=True)
    counts = (job.counts, first.samples, texts)
    return AudiencePreview(total, job.done, *counts, place.last_at, place.unwelcomed, place.unsent)
