"""Exports of contacts to a file: what pages and the API call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from bot.contacts.export import ContactExport, ExportFormat
from bot.errors import NotFound
from bot.jobs.kinds.export_contacts import ExportContacts, ExportInput, ExportPlace
from bot.jobs.service import JobService
from bot.model.base import now
from bot.model.job import Job, JobState
from bot.model.selection import Selection
from bot.model.teammate import By
from bot.store import Store


@dataclass(frozen=True, slots=True)
class ExportedFile:
    job: Job
    pieces: AsyncIterator[bytes]


class ContactExports:
    def __init__(self, store: Store, jobs: JobService, export: ContactExport) -> None:
        self._store, self._jobs, self._export = store, jobs, export

    async def start(self, selection: Selection, size: int, format: ExportFormat, by: By, *, key: str = "") -> Job:
        """`size`: about how many they are. Raises TooManyJobs."""
        columns = await self._export.columns()
        input = ExportInput(selection=selection, size=size, ordered_at=now(), format=format, columns=columns)
        return await self._jobs.start(ExportContacts, input, by, key=key, detail=f"{size} {format}")

    async def get(self, id: str) -> Job:
        """Raises NotFound."""
        job = await self._jobs.get(id)
        if job.kind != ExportContacts.name:
            raise NotFound
        return job

    async def has_file(self, job: Job) -> bool:
        """Whether it can be downloaded: it is finished, and a week isn't over."""
        return job.state is JobState.DONE and await self._store.export_pieces.has_file(job.id, now())

    async def file(self, id: str) -> ExportedFile:
        """Raises NotFound."""
        job = await self.get(id)
        if not await self.has_file(job):
            raise NotFound
        place = ExportPlace.model_validate(job.checkpoint)
        return ExportedFile(job, self._store.export_pieces.read(id, place.pieces))


def format_of(job: Job) -> ExportFormat:
    return ExportFormat(job.input["format"])
