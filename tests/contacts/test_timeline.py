"""A contact's timeline has everything that happened once, the newest first, whatever the size of its pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.app import Bot
from bot.contacts.timeline import Entry, Kind, time_of
from bot.errors import Invalid
from bot.model.audit import AuditAction
from bot.model.contact import Contact
from bot.model.contact_import import ImportChange
from bot.model.conversation import Conversation
from bot.model.delivery import Delivery, DeliveryKind
from bot.model.event import Action
from bot.model.job import Job, JobItem
from bot.model.teammate import By
from tests.people import AT, NUMBER, change, person


@pytest.fixture
async def maya(bot: Bot) -> Contact:
    """With something of each kind, and somebody else with the same."""
    made = person("a" * 24, name="Maya", phone=NUMBER)
    for contact in (made, person("b" * 24, name="Ben", phone=NUMBER)):
        await bot.store.contacts.insert(contact)
        await _live_through(bot, contact)
    return made


async def _live_through(bot: Bot, contact: Contact) -> None:
    """Several at the same millisecond, so that ids must decide."""
    store, id = bot.store, contact.id
    for i in range(3):
        at = AT - timedelta(minutes=i // 2)
        times: dict[str, Any] = {"created_at": at, "updated_at": at}
        await bot.ledger.record(change(id, f"k{i}", Action.CAPTURE_PHONE, subscription=None))
        text = {"kind": DeliveryKind.CONFIRMATION, "event": "e", "number": NUMBER, "locale": "en", **times}
        await store.deliveries.insert(Delivery(id=f"t{i}:{id}", contact=id, **text))
        await store.conversations.insert(Conversation(id=f"c{i}:{id}", contact=id, **times))
        await store.import_changes.insert(ImportChange(id=f"job:{i}:{id}", job="job", line=i, contact=id, at=at))
        await store.jobs.keep(Job(id=f"tag{i}", kind="add_tag", by="ada", by_name="Ada", due=at, **times))
        outcome = "already" if i == 2 else "changed"
        await store.job_items.insert(JobItem(id=f"tag{i}:{id}", job=f"tag{i}", item=id, outcome=outcome, at=at))
        await bot.audit.record(By("ada", "Ada"), AuditAction.CONTACT_EDITED, id, detail="name")
    await bot.audit.record(By("ada", "Ada"), AuditAction.TAG_CREATED, id)


async def _pages(bot: Bot, contact: Contact, size: int, kinds: tuple[Kind, ...] = (*Kind,)) -> list[Entry]:
    found: list[Entry] = []
    cursor = ""
    while True:
        page = await bot.timelines.page(contact.id, cursor, kinds, size)
        found += page.entries
        assert len(page.entries) == size or not page.next
        if not (cursor := page.next):
            return found


@pytest.mark.parametrize("size", [1, 4, 50])
async def test_pages_go_on_by_key_and_skip_and_repeat_nothing(bot: Bot, maya: Contact, size: int) -> None:
    found = await _pages(bot, maya, size)
    assert len({(type(entry), entry.id) for entry in found}) == len(found) == 5 * 3 + 2
    times = [time_of(entry) for entry in found]
    assert times == sorted(times, reverse=True)


async def test_kinds_are_shown_alone(bot: Bot, maya: Contact) -> None:
    for kind, size in {Kind.TEXT: 3, Kind.TAG: 2, Kind.CONSENT: 3}.items():
        assert len(await _pages(bot, maya, 2, (kind,))) == size


@pytest.mark.parametrize("cursor", ["x", "text:5", "nothing:5", "consent:x"])
async def test_another_cursor_is_refused(bot: Bot, cursor: str) -> None:
    with pytest.raises(Invalid):
        await bot.timelines.page("a" * 24, cursor)
