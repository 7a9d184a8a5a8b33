"""The audit log: one entry for each change, filtered and paged, newest first."""

from __future__ import annotations

from datetime import timedelta

from bot.model.audit import AuditAction
from bot.model.base import now
from bot.model.teammate import By
from bot.store import Store
from bot.workspace.audit import LABELS, AuditFilter, AuditLog

ADA, BEN = By("ada", "Ada", "203.0.113.9"), By("ben", "Ben", "203.0.113.10", token="CI")


def test_every_action_has_a_label() -> None:
    assert set(LABELS) == set(AuditAction)


async def test_entries_say_who_did_what_and_from_where(store: Store) -> None:
    log = AuditLog(store)
    await log.record(BEN, AuditAction.ROLE_CHANGED, "Cy", detail="admin")
    (entry,) = (await log.page(AuditFilter())).items
    assert (entry.actor, entry.actor_name, entry.token, entry.address) == ("ben", "Ben", "CI", "203.0.113.10")
    assert (entry.action, entry.subject, entry.detail) == (AuditAction.ROLE_CHANGED, "Cy", "admin")


async def test_a_retry_is_recorded_once(store: Store) -> None:
    log = AuditLog(store)
    for _try in range(2):
        await log.record(ADA, AuditAction.JOB_STARTED, key="job-1")
    assert len((await log.page(AuditFilter())).items) == 1


async def test_filters_combine_and_pages_continue_where_the_last_one_ended(store: Store) -> None:
    log, before = AuditLog(store), now()
    for number in range(5):
        await log.record(ADA, AuditAction.TOKEN_CREATED, str(number))
        await log.record(BEN, AuditAction.TOKEN_REVOKED, str(number))
    wanted = AuditFilter(actor="ada", action=AuditAction.TOKEN_CREATED, since=before)
    first = await log.page(wanted, limit=3)
    rest = await log.page(wanted, first.next, limit=3)
    found = [*first.items, *rest.items]
    assert {entry.subject for entry in found} == {"0", "1", "2", "3", "4"}
    assert [entry.at for entry in found] == sorted((entry.at for entry in found), reverse=True)
    assert rest.next is None
    assert (await log.page(AuditFilter(until=before))).items == []
    assert (await log.page(AuditFilter(actor="ada", action=AuditAction.TOKEN_REVOKED))).items == []
    tomorrow = AuditFilter(until=now() + timedelta(days=1))
    assert [len(batch) async for batch in log.all(tomorrow, batch=4)] == [4, 4, 2]
