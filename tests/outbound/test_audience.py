"""Who gets a message at the chosen time: quiet hours, caps and senders in the preview; local times; exact counts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bot.app import Bot
from bot.compliance.whereabouts import Whereabouts, whereabouts
from bot.contacts.finder import ContactCount
from bot.demo import DEALS
from bot.errors import FormWrong
from bot.jobs.audience_counts import counted
from bot.jobs.outbound_messages import MessageState
from bot.jobs.rules import JobAction
from bot.jobs.run import JobRun
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.model.filter import Filter, TagIs
from bot.model.job import JobState
from bot.model.outbound_message import OutboundMessage
from bot.model.teammate import By
from bot.outbound.audience import Audience
from bot.outbound.send_time import NOW, SendTime
from bot.workspace.senders import SenderForm
from tests.people import change, no_consumers, person

ADA = By("ada0ada0ada0ada0ada0ada0", "Ada")
JERSEY, IRISH = "+12015550123", "+353861234567"
DAY = (now() + timedelta(days=2)).replace(hour=17, minute=0, second=0, microsecond=0)
"""Noon in New York."""
NIGHT = DAY + timedelta(hours=12)


async def opted_in(bot: Bot, *numbers: str) -> list[Contact]:
    made = [person(new_id(), phone=number, tags=("tag",)) for number in numbers]
    await bot.store.contacts.insert_many(made)
    with no_consumers(bot):
        for contact in made:
            await bot.ledger.record(change(contact.id, f"in-{contact.id}", number=contact.phone))
    return made


async def draft(bot: Bot) -> OutboundMessage:
    made = await bot.outbound.create("June roast", ADA)
    texts = {"en": "Harbor Coffee: the Sidamo is back."}
    values = {"subscription": DEALS, "texts": texts, "filter": Filter.of(TagIs(tags=("tag",)))}
    return await bot.outbound.save(made.id, made.version, values, ADA)


def audience(bot: Bot) -> Audience:
    """Quiet hours count, though the tests of other things run at any hour."""
    return Audience(bot.store, bot.finder, bot.selected, quiet_hours=True)


async def one_step(bot: Bot, id: str) -> None:
    job = await bot.store.jobs.claim(id, "worker", 60)
    assert job
    await JobRun(bot.store, bot.jobs.kinds[job.kind], job)._work(asyncio.Event())


class TestSendTime:
    @pytest.mark.parametrize(
        ("number", "profile", "utc"),
        [
            (JERSEY, None, "2026-12-24T14:30"),
            ("+13105550123", None, "2026-12-24T17:30"),
            (JERSEY, "America/Los_Angeles", "2026-12-24T17:30"),
            ("+442071234567", None, "2026-12-24T09:30"),
            ("+18505550123", None, "2026-12-24T15:30"),  # two zones share the area code
        ],
    )
    def test_it_is_that_time_in_every_zone_that_they_may_be_in(
        self, number: str, profile: str | None, utc: str
    ) -> None:
        at = SendTime(local="2026-12-24T09:30").instant(whereabouts(number, profile), datetime(2026, 12, 1, tzinfo=UTC))
        assert at == datetime.fromisoformat(utc).replace(tzinfo=UTC)

    def test_where_nobody_knows_the_zone_it_is_that_time_everywhere(self) -> None:
        nowhere, time = Whereabouts("", frozenset(), (), "unknown"), SendTime(local="2026-12-24T09:30")
        assert time.instant(nowhere, datetime(2026, 12, 1, tzinfo=UTC)) == time.is_over_at
        assert time.is_over_at == datetime(2026, 12, 24, 21, 30, tzinfo=UTC)
        assert time.starts_at == datetime(2026, 12, 23, 19, 30, tzinfo=UTC)

    def test_what_is_over_there_is_sent_at_once(self) -> None:
        at = datetime(2026, 12, 24, 15, tzinfo=UTC)
        assert SendTime(local="2026-12-24T09:30").instant(whereabouts(JERSEY), at) == at
        assert NOW.instant(whereabouts(JERSEY), at) == at


class TestPreview:
    async def test_at_night_they_get_it_in_the_morning(self, bot: Bot) -> None:
        (ann,) = await opted_in(bot, JERSEY)
        message = await draft(bot)
        day = await audience(bot).preview(message, SendTime(DAY))
        assert (dict(day.counts), day.last_at) == ({"queued": 1}, DAY)
        night = await audience(bot).preview(message, SendTime(NIGHT))
        assert dict(night.counts) == {"quiet_hours": 1}
        assert [c.id for c in night.samples["quiet_hours"]] == [ann.id]
        assert night.last_at
        assert NIGHT < night.last_at <= NIGHT + timedelta(hours=9)
        assert (await audience(bot).size(message, night)).number == 1, "they get it all the same"
        local = SendTime(local=f"{NIGHT.date()}T03:00")
        assert dict((await audience(bot).preview(message, local)).counts) == {"quiet_hours": 1}

    async def test_who_never_gets_it_is_not_told_of_later(self, bot: Bot) -> None:
        await bot.store.workspaces.update({"_id": "workspace"}, {"$set": {"countries": ["US", "IN"]}})
        await opted_in(bot, JERSEY, "+919812345678", "+4915112345678")
        for hour in (6, 20):
            found = await audience(bot).preview(await draft(bot), SendTime(DAY.replace(hour=hour)))
            assert (found.counts["country_closed"], found.counts["country_not_allowed"], found.included) == (1, 1, 1)

    async def test_who_had_too_many_gets_it_later(self, bot: Bot) -> None:
        await opted_in(bot, JERSEY, "+12015550124")
        for i in range(3):
            sent = Delivery(
                id=f"d{i}", number=JERSEY, kind=DeliveryKind.OUTBOUND, state=DeliveryState.SENT, checked_at=now(),
                is_marketing=True, contact="", event="", locale="en", created_at=now(), updated_at=now(),
            )  # fmt: skip
            await bot.store.deliveries.insert(sent)
        found = await bot.outbound.audience.preview(await draft(bot))
        assert dict(found.counts) == {"cap": 1, "queued": 1}
        assert (found.included, dict(found.texts)) == (2, {("US", "en"): 2})

    async def test_a_sender_that_a_country_would_refuse_is_named_before_sending(self, bot: Bot) -> None:
        await bot.store.workspaces.update({"_id": "workspace"}, {"$set": {"countries": ["US", "IE"]}})
        await bot.senders.save(SenderForm(country="IE", sender="HARBOR"), ADA)
        await opted_in(bot, JERSEY, IRISH)
        found = await bot.outbound.audience.preview(await draft(bot))
        assert dict(found.counts) == {"queued": 1, "sender_not_registered": 1}
        assert dict(found.unsent) == {"IE": 1}

    async def test_of_those_who_share_a_number_the_first_gets_it(self, bot: Bot) -> None:
        made = await opted_in(bot, JERSEY, JERSEY, "+12015550124")
        found = await bot.outbound.audience.preview(await draft(bot))
        assert dict(found.counts) == {"queued": 2, "same_number": 1}
        assert [c.id for c in found.samples["same_number"]] == [max(c.id for c in made[:2])]

    async def test_the_number_to_confirm_is_that_of_the_preview(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An index counts those who may be texted; who shares a number, or lives where more is asked for, is judged."""
        await opted_in(bot, JERSEY, JERSEY, "+12015550124")
        message, whom = await draft(bot), bot.outbound.audience
        assert await whom.size(message, await whom.preview(message, most=1)) == ContactCount(3, is_exact=True)
        assert await bot.audience_counts.to_confirm(message) == ContactCount(2, is_exact=True)
        monkeypatch.setattr("bot.jobs.audience_counts.ASKED", 1)
        assert await bot.audience_counts.to_confirm(message) is None, "an index is no exact count"
        with pytest.raises(FormWrong) as wrong:
            await bot.outbound.order(message.id, message.version, ADA, confirmed=3)
        assert list(wrong.value.faults) == ["confirmed"]
        await one_step(bot, (await bot.audience_counts.start(message, NOW, ADA)).id)
        assert await bot.audience_counts.to_confirm(message) == ContactCount(2, is_exact=True)

    async def test_while_a_job_counts_a_large_audience_nobody_is_judged(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await opted_in(bot, JERSEY)
        message = await draft(bot)
        job = await bot.audience_counts.start(message, NOW, ADA)

        async def judged(*_: object, **_values: object) -> None:
            raise AssertionError("a page asks this every two seconds")

        assert await bot.audience_counts.to_confirm(message) == ContactCount(1, is_exact=True), (
            "a small one doesn't wait"
        )
        monkeypatch.setattr("bot.jobs.audience_counts.ASKED", 0)
        monkeypatch.setattr(bot.outbound.audience, "preview", judged)
        assert await bot.audience_counts.to_confirm(message) is None
        await one_step(bot, job.id)
        assert await bot.audience_counts.to_confirm(message) == ContactCount(1, is_exact=True)

    async def test_a_count_that_failed_or_was_canceled_can_be_made_again(self, bot: Bot) -> None:
        await opted_in(bot, JERSEY)
        message, counts = await draft(bot), bot.audience_counts
        first = await counts.start(message, NOW, ADA)
        await bot.store.jobs.update({"_id": first.id}, {"$set": {"state": JobState.FAILED}})
        again = await counts.start(message, NOW, ADA)
        assert (again.id, again.state) == (first.id, JobState.QUEUED), "it goes on"
        for _time in range(2):
            await bot.jobs.act(again.id, JobAction.CANCEL, ADA)
            canceled, again = again, await counts.start(message, NOW, ADA)
            assert (again.id != canceled.id, again.state) == (True, JobState.QUEUED)
            assert (await counts.start(message, NOW, ADA)).id == again.id
        await one_step(bot, again.id)
        assert await counts.to_confirm(message) == ContactCount(1, is_exact=True)

    async def test_a_large_audience_is_a_sample_and_a_job_counts_all(self, bot: Bot) -> None:
        numbers = [f"+1201555{i:04}" for i in range(120, 127)]
        await opted_in(bot, *numbers, numbers[0])
        message = await draft(bot)
        found = await bot.outbound.audience.preview(message, most=3)
        assert (found.is_sample, found.seen, found.total) == (True, 3, ContactCount(8, is_exact=True))
        job = await bot.audience_counts.start(message, NOW, ADA)
        asked = await bot.audience_counts.newest(message, NOW)
        assert asked
        assert asked.id == job.id, "asked again, it is the same"
        await one_step(bot, job.id)
        done = await bot.audience_counts.newest(message, NOW)
        assert done
        assert done.state is JobState.DONE
        exact = counted(done, found)
        assert (exact.is_sample, exact.counts, dict(exact.texts)) == (
            False, {"queued": 7, "same_number": 1}, {("US", "en"): 7},
        )  # fmt: skip
        assert exact.samples == found.samples
        assert await bot.audience_counts.newest(message, SendTime(DAY)) is None, "another question"


class TestLocalTimes:
    async def ordered(self, bot: Bot, hours: int) -> tuple[OutboundMessage, str]:
        made = await draft(bot)
        wall = (now() + timedelta(hours=hours)).replace(tzinfo=None).isoformat(timespec="minutes")
        return await bot.outbound.order(made.id, made.version, ADA, time=SendTime(local=wall)), wall

    async def copies(self, bot: Bot, message: OutboundMessage) -> Sequence[tuple[str, DeliveryState, str | None]]:
        found = await bot.store.deliveries.of_message(message.id, limit=9)
        return sorted((d.number, d.state, d.reason) for d in found)

    async def test_copies_wait_in_the_queue_for_their_zone(self, bot: Bot) -> None:
        await opted_in(bot, JERSEY, "+13105550123")
        message, wall = await self.ordered(bot, 1)  # that time is over in the east, and not yet in America
        await one_step(bot, message.id)
        found = {d.number: d for d in await bot.store.deliveries.of_message(message.id, limit=9)}
        for number, copy in found.items():
            assert copy.due_at == SendTime(local=wall).instant(whereabouts(number), now())
            assert (copy.state, copy.reason) == (DeliveryState.QUEUED, "local_time")
        assert await bot.store.deliveries.count_waiting(message.id, is_held=False, limit=9) == 0, "others go on"
        assert await bot.sender.send_some() == 0
        status = await bot.outbound.status(message.id)
        assert (status.state, status.last_at) == (MessageState.SENDING, found["+13105550123"].due_at)

    async def test_what_is_canceled_waits_no_longer(self, bot: Bot) -> None:
        await opted_in(bot, JERSEY)
        message, _wall = await self.ordered(bot, 1)
        await one_step(bot, message.id)
        await bot.outbound.act(message.id, JobAction.CANCEL, ADA)
        assert await bot.sender.send_some() == 1
        assert await self.copies(bot, message) == [(JERSEY, DeliveryState.BLOCKED, "canceled")]

    async def test_it_is_scheduled_until_the_first_can_get_it(self, bot: Bot) -> None:
        await opted_in(bot, JERSEY)
        message, _wall = await self.ordered(bot, 30)
        status = await bot.outbound.status(message.id)
        assert (status.state, status.last_at) == (MessageState.SCHEDULED, SendTime.of(message).is_over_at)
        assert await bot.store.jobs.claim(message.id, "worker", 60) is None
