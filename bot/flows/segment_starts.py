"""Starts the flows of contacts who entered a segment."""

from __future__ import annotations

import logging
from contextlib import suppress
from hashlib import sha256

from bot.chat.conversations import opened_with
from bot.flows.run_starts import has_run, run_id
from bot.flows.runs import Runs
from bot.flows.scripts import Occasion
from bot.flows.triggers.base import EntersSegment
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.conversation import Conversation
from bot.model.segment_member import SegmentMember
from bot.store import Store

log = logging.getLogger("sayso.flows")
MOST_ENTRIES = 20
"""Of one contact in one segment within a day, after which no flow starts: flows may be what moves them in and out."""


class Overtaken(Exception):
    """Another process changed the chat meanwhile: the start has to be tried again."""


class SegmentStarts:
    def __init__(self, store: Store, runs: Runs) -> None:
        self._store = store
        self._runs = runs

    async def entered(self, member: SegmentMember) -> None:
        """Starts the flow in the contact's newest chat, unless another one is waiting there. If they have no chat, a
        flow that writes nothing into a chat starts at once, and any other on their next visit. After MOST_ENTRIES in a
        day, no flow starts. Idempotent. Raises Overtaken."""
        contact = await self._store.contacts.get(member.contact)
        is_there = contact and not contact.is_gone and not _goes_in_circles(member)
        is_expected = bool(contact and is_there and await self._start(member, contact))
        await self._store.segment_members.handled(member, is_expected=is_expected)

    async def arrived(self, contact: str) -> None:
        """A stored contact visits the site: starts what waits for that, in a new chat if they have none. Idempotent."""
        if not await self._runs.scripts.segments():
            return
        for member in await self._store.segment_members.expected(contact):
            known = await self._store.contacts.get(contact)
            with suppress(Overtaken):  # the next visit starts it
                if known and not known.is_gone:
                    await self._start(member, known, is_here=True)
                await self._store.segment_members.handled(member)

    async def _start(self, member: SegmentMember, contact: Contact, *, is_here: bool = False) -> bool:
        """Whether it has to wait for a visit. Raises Overtaken."""
        id, own = run_id(f"segment:{member.entry}"), _own_chat(member)
        begun = await self._store.conversations.get(own)
        chats = [*([begun] if begun else []), *await self._store.conversations.of(contact.id, with_entries=True)]
        chat = next(iter(chats), None)
        if any(has_run(one, id) for one in chats) or (chat and chat.run and not chat.run.is_over):
            return False
        script = await self._runs.scripts.starting(Occasion(EntersSegment(member.segment), contact, chat))
        if script and chat is None and not (is_here or script.is_silent):
            return True
        if script and not await self._runs.start(chat or await self._new_chat(own, contact), script, id=id):
            raise Overtaken
        return False

    async def _new_chat(self, id: str, contact: Contact) -> Conversation:
        chat = opened_with(id, contact.id, [], now())
        await self._store.conversations.keep(chat)
        return chat


def _goes_in_circles(member: SegmentMember) -> bool:
    if member.entries > MOST_ENTRIES:
        log.error(
            "contact %s entered segment %s more than %d times in a day, so no flow started. Do flows that wait for the "
            "segment make contacts leave it and enter it again?",
            member.contact,
            member.segment,
            MOST_ENTRIES,
        )
    return member.entries > MOST_ENTRIES


def _own_chat(member: SegmentMember) -> str:
    return sha256(f"segment chat:{member.entry}".encode()).hexdigest()[:24]
