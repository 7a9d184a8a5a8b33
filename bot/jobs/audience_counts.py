"""Exact counts of large audiences: a job makes one, and it holds until the question changes."""

from __future__ import annotations

from datetime import timedelta

from bot.contacts.finder import ContactCount
from bot.jobs.kinds.count_audience import CountAudience, CountInput, CountPlace
from bot.jobs.service import JobService
from bot.model.base import now
from bot.model.job import Job, JobState
from bot.model.outbound_message import OutboundMessage
from bot.model.selection import Selection
from bot.model.teammate import By
from bot.outbound.audience import ASKED, Audience, AudiencePreview
from bot.outbound.send_time import NOW, SendTime
from bot.store import Store


class AudienceCounts:
    def __init__(self, store: Store, jobs: JobService, audience: Audience) -> None:
        self._store = store
        self._jobs = jobs
        self._audience = audience

    async def start(self, message: OutboundMessage, time: SendTime, by: By) -> Job:
        """Raises Invalid and TooManyJobs."""
        input = await self._input(message, time)
        return await self._jobs.start(CountAudience, input, by, key=input.key(), detail=message.name)

    async def newest(self, message: OutboundMessage, time: SendTime) -> Job | None:
        """For the same audience and time, of this hour or the last. Raises Invalid."""
        input = await self._input(message, time)
        before = input.model_copy(update={"asked_at": input.asked_at - timedelta(hours=1)})
        found = await self._store.jobs.get_many([input.key(), before.key()])
        return found.get(input.key()) or found.get(before.key())

    async def to_confirm(self, message: OutboundMessage) -> ContactCount | None:
        """How many get it, exactly: the number that its sender types. None: they aren't counted yet. Raises Invalid and
        FilterTooBroad."""
        first = await self._audience.preview(message, most=ASKED)
        if not first.is_sample:
            return ContactCount(first.included, is_exact=True)
        job = await self.newest(message, NOW)
        if job is None or job.state is not JobState.DONE:
            return None
        return ContactCount(counted(job, first).included, is_exact=True)

    async def _input(self, message: OutboundMessage, time: SendTime) -> CountInput:
        filter = (await self._audience.filter(message)).as_text()
        return CountInput(
            message=message.id,
            selection=Selection(filter=filter),
            subscription=message.subscription,
            at=time.at,
            local=time.local,
            asked_at=now(),
        )


def counted(job: Job, first: AudiencePreview) -> AudiencePreview:
    """What the finished job counted, with the examples of the first look."""
    place = CountPlace.model_validate(job.checkpoint)
    texts = {(key[:2].strip(), key.partition(" ")[2]): number for key, number in place.texts.items()}
    total = ContactCount(job.done, is_exact=True)
    counts = (job.counts, first.samples, texts)
    return AudiencePreview(total, job.done, *counts, place.last_at, place.unwelcomed, place.unsent)
