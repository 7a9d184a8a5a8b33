"""Finding the keyword program that people can text to opt in: for inbound texts, the public form, the API and flows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.consent.keywords import bare_words
from bot.consent.sign_up_codes import TypedCode, read_code
from bot.model.keyword_program import KeywordProgram
from bot.model.subscription import MessageType, Subscription
from bot.store import Store

MOST_PROGRAMS = 200
"""Limit of programs, so that the list stays readable."""


@dataclass(frozen=True, slots=True)
class ProgramRow:
    program: KeywordProgram
    subscription: Subscription | None

    @property
    def is_live(self) -> bool:
        """Texting the keyword opts people in."""
        return self.subscription is not None and takes_keywords(self.subscription) and not self.program.is_paused


class KeywordPrograms:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def heard(self, text: str) -> tuple[ProgramRow, TypedCode | None] | None:
        """The program whose keyword this text is, live or not, and the code that follows it."""
        word, *more = bare_words(text) or [""]
        code = read_code(more)
        if not word or (more and code is None):
            return None
        program = await self._store.keyword_programs.get(word)
        return ((await self._rows([program]))[0], code) if program else None

    async def offered(self, subscription: str) -> KeywordProgram | None:
        """The program by which people can opt in to this subscription by text now; None: there is none."""
        found = await self._store.keyword_programs.of_subscription(subscription, limit=MOST_PROGRAMS)
        return next((row.program for row in await self._rows(found) if row.is_live), None)

    async def all(self) -> list[ProgramRow]:
        """Sorted by keyword."""
        return await self._rows(await self._store.keyword_programs.all(limit=MOST_PROGRAMS))

    async def _rows(self, programs: Sequence[KeywordProgram]) -> list[ProgramRow]:
        found = await self._store.subscriptions.get_many(program.subscription for program in programs)
        return [ProgramRow(program, found.get(program.subscription)) for program in programs]


def takes_keywords(subscription: Subscription) -> bool:
    return subscription.is_live and subscription.message_type is MessageType.SMS
