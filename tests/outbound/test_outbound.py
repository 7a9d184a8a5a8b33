"""Outbound messages: who gets one, what they get, and that nobody gets it twice or after a no."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.app import Bot, make_bot
from bot.config import Settings
from bot.contacts.bulk_rules import BulkOutcome
from bot.demo import DEALS, ORDERS
from bot.errors import Conflict, FormWrong, Invalid, JobConflict, NotFound, NumberRefused, StoreUnavailable
from bot.jobs import outbound_messages
from bot.jobs.kinds import all_kinds, send_message
from bot.jobs.outbound_messages import MessageState
from bot.jobs.rules import JobAction
from bot.jobs.run import JobRun
from bot.jobs.service import JobService
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.country_sender import CountrySender
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.model.event import Action, Actor, Context, Source
from bot.model.filter import Filter, TagIs
from bot.model.outbound_message import OutboundMessage
from bot.model.segment_price import SegmentPrice
from bot.model.teammate import By
from bot.outbound import dispatcher
from bot.outbound.audience import QUEUED
from bot.outbound.figures import Figures
from bot.outbound.kinds.outbound import opt_out_text
from bot.outbound.send_time import SendTime
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.outbound.carrier import Carrier, through
from tests.people import change, person, second_process

ADA = By("ada0ada0ada0ada0ada0ada0", "Ada")
TEXT = "Harbor Coffee: {{first_name|Hello}}, the Sidamo is back."


def number(i: int) -> str:
    return f"+1201555{100 + i:04d}"


async def people(bot: Bot, count: int, **values: Any) -> list[Contact]:
    made = [person(new_id(), name=f"Ann{i} Lee", phone=number(i), tags=("tag",), **values) for i in range(count)]
    await bot.store.contacts.insert_many(made)
    for contact in made:
        await bot.ledger.record(change(contact.id, f"in-{contact.id}", number=contact.phone))
    return made


async def draft(bot: Bot, **values: Any) -> OutboundMessage:
    made = await bot.outbound.create("June roast", ADA)
    fields = {"subscription": DEALS, "texts": {"en": TEXT}, "filter": Filter.of(TagIs(tags=("tag",))), **values}
    return await bot.outbound.save(made.id, made.version, fields, ADA)


async def ordered(bot: Bot, **values: Any) -> OutboundMessage:
    made = await draft(bot, **values)
    return await bot.outbound.order(made.id, made.version, ADA)


async def one_step(bot: Bot, message: OutboundMessage, store: Store | None = None) -> None:
    """A worker takes the job up, and goes on until it ends or has to wait."""
    store = store or bot.store
    job = await store.jobs.claim(message.id, "worker", 60)
    assert job, "nobody holds it"
    await JobRun(store, bot.jobs.kinds[job.kind], job)._work(asyncio.Event())
    if (left := await store.jobs.get(message.id)) and left.state == "queued":
        await store.jobs.update({"_id": message.id}, {"$set": {"due": now() - timedelta(minutes=1)}})


async def all_sent(bot: Bot, message: OutboundMessage) -> None:
    """Queues and sends everything."""
    while (await bot.outbound.status(message.id)).state is MessageState.SENDING:
        await one_step(bot, message)
        while await bot.sender.send_some():
            pass


async def _changed(bot: Bot, how: str, contact: Contact, message: OutboundMessage) -> None:
    match how:
        case "form":
            await bot.ledger.record(change(contact.id, "out", Action.OPT_OUT))
        case "number":
            another = change(contact.id, "new", Action.CAPTURE_PHONE, subscription=None, number="+12015550199")
            await bot.ledger.record(another)
        case "archived":
            await bot.subscriptions.archive(DEALS, (await bot.subscriptions.get(DEALS)).version, ADA)
        case "again":
            await bot.ledger.record(change(contact.id, "again", number=contact.phone))
        case "cancel" | "pause":
            await bot.outbound.act(message.id, JobAction(how), ADA)
        case "country":
            await bot.store.workspaces.change({"default_region": "GB", "countries": ["GB"]})
        case "sender":
            await bot.store.workspaces.set_sender(CountrySender(country="US", sender="72345"))


async def copies(bot: Bot, message: OutboundMessage) -> list[Delivery]:
    return await bot.store.deliveries.of_message(message.id, limit=5000)


async def bodies(bot: Bot, contact: Contact) -> list[str]:
    """The outbound messages that the phone received."""
    texts = await bot.phone.texts(contact.phone or "")
    return [text.body for text in texts if text.id.startswith("outbound:")]


class TestSending:
    async def test_everyone_who_may_gets_it_once_with_their_name_and_their_link(self, bot: Bot) -> None:
        ann, ben = await people(bot, 2)
        message = await ordered(bot)
        await all_sent(bot, message)
        (text,) = await bodies(bot, ann)
        assert text.startswith(
            "Harbor Coffee: Ann0, the Sidamo is back.\nReply STOP to opt out. Manage your preferences: "
        )
        link = text.rpartition("/p/")[2]
        assert (await bot.preferences.look(link)).contact.id == ann.id
        (other,) = await bodies(bot, ben)
        assert link not in other
        for delivery in await copies(bot, message):
            assert (delivery.state, delivery.kind, delivery.subscription) == (
                DeliveryState.SENT,
                DeliveryKind.OUTBOUND,
                DEALS,
            )
            assert "•" in (delivery.body or ""), "the link's token is stored nowhere"
        assert (await bot.outbound.status(message.id)).state is MessageState.DONE

    async def test_a_short_link_is_each_person_s_own_and_counts_them_once(self, bot: Bot) -> None:
        ann, ben = await people(bot, 2)
        await bot.store.contacts.update({"_id": ann.id}, {"$set": {"attributes": {"city": "New York"}}})
        text = "Harbor Coffee: https://shop.example/?c={{city}} (or https://shop.example)."
        message = await ordered(bot, texts={"en": text}, counts_clicks=True)
        await all_sent(bot, message)
        (body,) = await bodies(bot, ann)
        first, second = re.findall(r"http://sayso.test/l/([\w-]{14})\b", body)
        assert re.fullmatch(rf"Harbor Coffee: \S+/{first} \(or \S+/{second}\)\.", body.partition("\n")[0])
        assert first not in (await bodies(bot, ben))[0], "each person has their own"
        assert await bot.clicks.open(first, counts=False) == "https://shop.example/?c=New York"
        clicked = {delivery.contact: delivery.clicked_at for delivery in await copies(bot, message)}
        assert not any(clicked.values()), "a scanner is not counted"
        assert await bot.clicks.open(second, counts=True) == "https://shop.example"
        once = {delivery.contact: delivery.clicked_at for delivery in await copies(bot, message)}
        assert (once[ann.id] is not None, once[ben.id]) == (True, None)
        await bot.clicks.open(first, counts=True)
        assert {delivery.contact: delivery.clicked_at for delivery in await copies(bot, message)} == once
        stored = repr([delivery.stored() for delivery in await copies(bot, message)])
        assert (first in stored, second in stored, "/l/••••••••" in stored) == (False, False, True)
        with pytest.raises(NotFound):
            await bot.clicks.open("x" * 14, counts=True)
        await bot.store.deliveries.collection.update_many({}, {"$set": {"link.expires_at": now()}})
        with pytest.raises(NotFound):
            await bot.clicks.open(first, counts=True)

    async def test_without_counting_links_stay_as_written(self, bot: Bot) -> None:
        (ann,) = await people(bot, 1)
        await all_sent(bot, await ordered(bot, texts={"en": "Harbor Coffee: https://shop.example/sale"}))
        assert (await bodies(bot, ann))[0].startswith("Harbor Coffee: https://shop.example/sale\n")

    async def test_a_text_in_the_contact_s_language_comes_with_its_opt_out_text(self, bot: Bot) -> None:
        (ann,) = await people(bot, 1, locale="es")
        await all_sent(bot, await ordered(bot, texts={"en": TEXT, "es": "Harbor Coffee: ha vuelto."}))
        (text,) = await bodies(bot, ann)
        workspace = await bot.workspace()
        assert text.startswith(f"Harbor Coffee: ha vuelto.\n{opt_out_text(workspace, 'es', '')[:40]}")
        assert opt_out_text(workspace, "es", "")[:40] != opt_out_text(workspace, "en", "")[:40]

    async def test_a_step_that_is_repeated_after_a_crash_sends_nothing_twice(self, bot: Bot) -> None:
        await people(bot, 3)
        message = await ordered(bot)
        job = await bot.jobs.get(message.id)
        kind = bot.jobs.kinds[job.kind]
        for _ in range(2):
            await kind.step(job.id, kind.input.model_validate(job.input), kind.checkpoint(), 50)
        await all_sent(bot, message)
        assert len(await copies(bot, message)) == 3
        assert (await bot.jobs.get(message.id)).counts == {QUEUED: 3}

    async def test_two_processes_send_each_copy_once(self, bot: Bot, mongo: EmbeddedServer, settings: Settings) -> None:
        await people(bot, 20)
        message, carrier = await ordered(bot), Carrier()
        await one_step(bot, message)
        async with second_process(mongo) as store:
            other = await make_bot(settings, store, "http://sayso.test")
            senders = [through(bot, carrier), through(other, carrier, store)]
            while any(await asyncio.gather(*(sender.send_some() for sender in senders))):
                pass
        sent = sorted(text.number for text in carrier.handed if text.id.startswith("outbound:"))
        assert sent == [number(i) for i in range(20)]

    async def test_the_queue_holds_few_so_that_a_pause_leaves_few(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await people(bot, 9)
        monkeypatch.setattr(send_message, "AHEAD", 4)
        monkeypatch.setattr(send_message.SendMessage, "most", 4)
        message = await ordered(bot)
        await one_step(bot, message)
        assert len(await copies(bot, message)) == 4
        await one_step(bot, message)
        assert len(await copies(bot, message)) == 4
        await all_sent(bot, message)
        assert len(await copies(bot, message)) == 9

    async def test_copies_held_by_quiet_hours_hold_up_nobody_else(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = await people(bot, 4)
        monkeypatch.setattr(send_message, "AHEAD", 4)
        monkeypatch.setattr(send_message.SendMessage, "most", 4)
        message = await ordered(bot)
        await one_step(bot, message)
        tomorrow = {"due_at": now() + timedelta(hours=9), "reason": "quiet_hours"}
        for contact in held:
            await bot.store.deliveries.update({"contact": contact.id, "message": message.id}, {"$set": tomorrow})
        await one_step(bot, message)
        job = await bot.jobs.get(message.id)
        assert (job.state, job.checkpoint["is_end"]) == ("queued", True), "it waits for those that are held"
        await bot.store.deliveries.collection.update_many({"message": message.id}, {"$set": {"due_at": now()}})
        await all_sent(bot, message)
        assert {d.state for d in await copies(bot, message)} == {DeliveryState.SENT}

    async def test_what_was_ordered_just_before_a_crash_starts(self, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
        (ann,) = await people(bot, 1)

        async def dies(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(bot.jobs, "start", dies)
            with pytest.raises(KeyboardInterrupt):
                await ordered(bot)
        ((status,),) = [(await bot.outbound.newest()).items]
        assert status.state is MessageState.SENDING
        for _ in range(2):
            await bot.outbound.start_overdue()
        await all_sent(bot, status.message)
        assert len(await bodies(bot, ann)) == 1

    async def test_a_phone_that_two_contacts_share_gets_it_once(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(send_message.SendMessage, "most", 2)
        made = [person(new_id(), name="Ann", phone=number(0), tags=("tag",)) for _ in range(5)]
        await bot.store.contacts.insert_many(made)
        for contact in made:
            await bot.ledger.record(change(contact.id, f"in-{contact.id}", number=contact.phone))
        message = await ordered(bot)
        job = await bot.jobs.get(message.id)
        kind = bot.jobs.kinds[job.kind]
        await kind.step(job.id, kind.input.model_validate(job.input), kind.checkpoint(), 2)  # a worker dies after it
        await all_sent(bot, message)
        assert len(await bodies(bot, made[0])) == 1
        assert (await bot.jobs.get(message.id)).counts == {QUEUED: 1, "same_number": 4}

    async def test_a_process_that_sends_no_texts_leaves_the_job_to_others(self, bot: Bot) -> None:
        await people(bot, 1)
        message = await ordered(bot)
        elsewhere = JobService(bot.store, all_kinds(bot.store))
        assert elsewhere.kinds["send_message"].title, "it can list and pause it"
        await elsewhere._worker._claim(asyncio.Event())
        assert (await bot.jobs.get(message.id)).attempts == 0


class TestPermission:
    """Asked when the audience is read, and again at the moment of sending (law 7)."""

    @pytest.mark.parametrize("how", ["form", "stop", "number", "archived"])
    async def test_consent_withdrawn_between_audience_and_send(self, bot: Bot, how: str) -> None:
        (ann,) = await people(bot, 1)
        message = await ordered(bot)
        await one_step(bot, message)
        match how:
            case "form":
                await bot.ledger.record(change(ann.id, "out", Action.OPT_OUT))
            case "stop":
                await bot.receive(number(0), "STOP", "t1")
            case "number":
                await bot.ledger.record(
                    change(ann.id, "new", Action.CAPTURE_PHONE, subscription=None, number="+12015550199")
                )
            case "archived":
                subscription = await bot.subscriptions.get(DEALS)
                await bot.subscriptions.archive(DEALS, subscription.version, ADA)
        carrier = Carrier()
        await through(bot, carrier).send_some()
        assert [text.id for text in carrier.handed if text.id.startswith("outbound:")] == []
        (delivery,) = await copies(bot, message)
        reasons = {
            "form": "opted_out",
            "stop": "stopped",
            "number": "number_changed",
            "archived": "subscription_not_live",
        }
        assert (delivery.state, delivery.reason) == (DeliveryState.BLOCKED, reasons[how])

    @pytest.mark.parametrize("wish", ["PAUSE", "FEWER"])
    async def test_a_wish_that_is_stored_while_it_is_handed_over(
        self, bot: Bot, wish: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was judged before: the last look after the mark finds the wish."""
        await people(bot, 1)
        earlier = await ordered(bot)
        if wish == "FEWER":
            await all_sent(bot, earlier)
        message, hand_over = await ordered(bot) if wish == "FEWER" else earlier, bot.store.deliveries.hand_over
        await one_step(bot, message)

        async def late(*arguments: Any, **values: Any) -> list[bool]:
            await bot.receive(number(0), wish, "t1")
            return await hand_over(*arguments, **values)

        monkeypatch.setattr(bot.store.deliveries, "hand_over", late)
        carrier = Carrier()
        await through(bot, carrier).send_some()
        assert [text.id for text in carrier.handed if text.id.startswith("outbound:")] == []
        (delivery,) = await copies(bot, message)
        reasons = {"PAUSE": (DeliveryState.BLOCKED, "paused_by_person"), "FEWER": (DeliveryState.QUEUED, "cap")}
        assert (delivery.state, delivery.reason) == reasons[wish]

    async def test_a_stop_that_is_stored_while_the_caps_are_read(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The stop list is read last of all."""
        await people(bot, 1)
        message, marketed = await ordered(bot), bot.store.deliveries.marketed
        await one_step(bot, message)

        async def late(*arguments: Any) -> Any:
            found = await marketed(*arguments)
            if (await copies(bot, message))[0].handed_at:
                await bot.receive(number(0), "STOP", "t1")
            return found

        monkeypatch.setattr(bot.store.deliveries, "marketed", late)
        carrier = Carrier()
        await through(bot, carrier).send_some()
        assert [text.id for text in carrier.handed if text.id.startswith("outbound:")] == []
        (delivery,) = await copies(bot, message)
        assert (delivery.state, delivery.reason) == (DeliveryState.BLOCKED, "stopped")

    @pytest.mark.parametrize("how", ["form", "number", "archived", "again", "cancel", "pause", "country", "sender"])
    async def test_what_changes_while_it_is_handed_over(
        self, bot: Bot, how: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Everything that it was judged by is looked at again after the mark."""
        (ann,) = await people(bot, 1)
        message, hand_over = await ordered(bot), bot.store.deliveries.hand_over
        await one_step(bot, message)

        async def late(texts: Any, **values: Any) -> list[bool]:
            if any(delivery.message for delivery, _ in texts):
                monkeypatch.undo()
                await _changed(bot, how, ann, message)
            return await hand_over(texts, **values)

        monkeypatch.setattr(bot.store.deliveries, "hand_over", late)
        carrier = Carrier()
        await through(bot, carrier).send_some()
        assert [text.id for text in carrier.handed if text.id.startswith("outbound:")] == []
        (delivery,) = await copies(bot, message)
        reasons = {
            "form": "opted_out",
            "number": "number_changed",
            "archived": "subscription_not_live",
            "cancel": "canceled",
        }
        state = DeliveryState.BLOCKED if how in reasons else DeliveryState.QUEUED
        assert (delivery.state, delivery.reason, delivery.handed_at) == (state, reasons.get(how), None)
        await through(bot, carrier).send_some()
        (delivery,) = await copies(bot, message)
        reasons |= {"pause": "paused", "country": "country_not_allowed"}
        assert delivery.reason == reasons.get(how), "judged again"
        assert (delivery.state is DeliveryState.SENT) is (how in {"again", "sender"})
        assert (delivery.sender == "72345") is (how == "sender")

    async def test_the_preview_says_why_the_others_get_none(self, bot: Bot) -> None:
        people_ = await people(bot, 7)
        await bot.ledger.record(change(people_[1].id, "out", Action.OPT_OUT))
        await bot.receive(number(2), "STOP", "t1")
        await bot.ledger.record(
            change(people_[3].id, "new", Action.CAPTURE_PHONE, subscription=None, number="+12015550199")
        )
        nobody = person(new_id(), tags=("tag",), phone="+12015550198")
        nowhere = person(new_id(), tags=("tag",), phone=None)
        await bot.store.contacts.insert_many([nobody, nowhere])
        message = await draft(bot)
        found = await bot.outbound.audience.preview(message)
        assert dict(found.counts) == {
            QUEUED: 4, "opted_out": 1, "stopped": 1, "number_changed": 1, "not_opted_in": 1, "no_valid_number": 1,
        }  # fmt: skip
        assert [c.id for c in found.samples["opted_out"]] == [people_[1].id]
        assert (await bot.outbound.audience.size(message, found)).number == 4
        await bot.outbound.order(message.id, message.version, ADA)
        await all_sent(bot, message)
        assert (await bot.jobs.get(message.id)).counts == dict(found.counts), "the same judgment"
        assert {d.state for d in await copies(bot, message)} == {DeliveryState.SENT}

    async def test_a_number_of_another_country_is_left_out(self, bot: Bot) -> None:
        abroad = person(new_id(), tags=("tag",), phone="+4915112345678")
        await bot.store.contacts.insert_many([abroad])
        await bot.ledger.record(change(abroad.id, "in", number=abroad.phone))
        found = await bot.outbound.audience.preview(await draft(bot))
        assert dict(found.counts) == {"country_not_allowed": 1}

    async def test_merged_and_erased_contacts_get_none(self, bot: Bot) -> None:
        ann, ben = await people(bot, 2)
        message = await ordered(bot)
        await bot.eraser.erase(ben.id, Actor(kind="teammate", id=ADA.id), Source.PROFILE)
        await all_sent(bot, message)
        assert [d.contact for d in await copies(bot, message)] == [ann.id]
        assert BulkOutcome.GONE not in (await bot.jobs.get(message.id)).counts


class TestControl:
    async def test_a_pause_holds_what_is_queued_and_a_resume_sends_it(self, bot: Bot) -> None:
        (ann,) = await people(bot, 1)
        message = await ordered(bot)
        await one_step(bot, message)
        status = await bot.outbound.act(message.id, JobAction.PAUSE, ADA)
        assert status.state is MessageState.PAUSED
        await bot.sender.send_some()
        assert await bodies(bot, ann) == []
        ((held,),) = [await copies(bot, message)]
        assert (held.state, held.reason) == (DeliveryState.QUEUED, "paused")
        await bot.outbound.act(message.id, JobAction.RESUME, ADA)
        await all_sent(bot, message)
        assert len(await bodies(bot, ann)) == 1

    async def test_a_text_that_waited_for_its_turn_is_judged_again(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await people(bot, 1)
        message, carrier = await ordered(bot), Carrier()
        await one_step(bot, message)
        monkeypatch.setattr(dispatcher, "JUDGED_FOR", timedelta(0))
        await through(bot, carrier).send_some()
        assert [text for text in carrier.handed if text.id.startswith("outbound:")] == []
        ((delivery,),) = [await copies(bot, message)]
        assert delivery.state is DeliveryState.QUEUED
        monkeypatch.setattr(dispatcher, "JUDGED_FOR", timedelta(hours=1))
        await through(bot, carrier).send_some()
        assert len([text for text in carrier.handed if text.id.startswith("outbound:")]) == 1

    async def test_a_cancel_sends_nothing_more(self, bot: Bot) -> None:
        (ann,) = await people(bot, 1)
        message = await ordered(bot)
        await one_step(bot, message)
        status = await bot.outbound.act(message.id, JobAction.CANCEL, ADA)
        assert status.state is MessageState.CANCELED
        await bot.sender.send_some()
        assert await bodies(bot, ann) == []
        ((delivery,),) = [await copies(bot, message)]
        assert (delivery.state, delivery.reason) == (DeliveryState.BLOCKED, "canceled")
        with pytest.raises(JobConflict):
            await bot.outbound.act(message.id, JobAction.RESUME, ADA)

    async def test_a_scheduled_one_waits_for_its_time_and_can_be_canceled(self, bot: Bot) -> None:
        await people(bot, 1)
        made = await draft(bot)
        message = await bot.outbound.order(made.id, made.version, ADA, time=SendTime(now() + timedelta(days=1)))
        assert (await bot.outbound.status(message.id)).state is MessageState.SCHEDULED
        assert await bot.store.jobs.claim(message.id, "worker", 60) is None
        assert (await bot.outbound.act(message.id, JobAction.CANCEL, ADA)).state is MessageState.CANCELED

    async def test_people_added_after_the_order_get_none(self, bot: Bot) -> None:
        message = await ordered(bot)
        (late,) = await people(bot, 1)
        assert late.created_at
        await bot.store.contacts.update({"_id": late.id}, {"$set": {"created_at": now() + timedelta(seconds=1)}})
        await all_sent(bot, message)
        assert await copies(bot, message) == []


class TestDrafts:
    async def test_two_teammates_do_not_overwrite_each_other(self, bot: Bot) -> None:
        made = await draft(bot)
        await bot.outbound.save(made.id, made.version, {"name": "July"}, ADA)
        with pytest.raises(Conflict):
            await bot.outbound.save(made.id, made.version, {"name": "August"}, ADA)
        assert (await bot.outbound.get(made.id)).name == "July"

    async def test_ordered_twice_at_once_is_ordered_once(self, bot: Bot) -> None:
        (ann,) = await people(bot, 1)
        made = await draft(bot)
        orders = (bot.outbound.order(made.id, made.version, ADA) for _ in range(5))
        results = await asyncio.gather(*orders, return_exceptions=True)
        assert sorted(type(result).__name__ for result in results) == ["Conflict"] * 4 + ["OutboundMessage"]
        await all_sent(bot, made)
        assert len(await bodies(bot, ann)) == 1

    async def test_an_ordered_one_never_changes(self, bot: Bot) -> None:
        message = await ordered(bot)
        changes: list[dict[str, object]] = [{"texts": {"en": "Other"}}, {"filter": Filter()}]
        for values in changes:
            with pytest.raises(Conflict):
                await bot.outbound.save(message.id, message.version, values, ADA)
        with pytest.raises(Conflict):
            await bot.outbound.delete(message.id, message.version, ADA)

    async def test_a_segment_is_read_when_it_is_ordered(self, bot: Bot) -> None:
        await people(bot, 1)
        segment = await bot.segments.save("Regulars", Filter.of(TagIs(tags=("other",))), ADA)
        made = await draft(bot, segment=segment.id)
        assert [use.name for use in await bot.segments.used_by(segment.id)] == ["June roast"]
        await bot.segments.set_filter(segment.id, Filter.of(TagIs(tags=("tag",))), ADA)
        message = await bot.outbound.order(made.id, made.version, ADA)
        assert message.filter == Filter.of(TagIs(tags=("tag",)))
        assert await bot.segments.used_by(segment.id) == []

    async def test_what_lacks_something_is_refused_beside_the_field(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await people(bot, 2)
        monkeypatch.setattr(outbound_messages, "CONFIRMED_ABOVE", 1)
        for values, field in (
            ({"texts": {"en": " "}}, "text"),
            ({"subscription": ""}, "subscription"),
            ({"subscription": new_id()}, "subscription"),
            ({}, "confirmed"),
        ):
            made = await draft(bot, **values)
            with pytest.raises(FormWrong) as wrong:
                await bot.outbound.order(made.id, made.version, ADA)
            assert list(wrong.value.faults) == [field]
            assert (await bot.outbound.get(made.id)).is_draft
        with pytest.raises(FormWrong) as wrong:
            await bot.outbound.order(made.id, made.version, ADA, time=SendTime(now() - timedelta(minutes=1)))
        assert list(wrong.value.faults) == ["send_at"]
        assert await bot.outbound.order(made.id, made.version, ADA, confirmed=2)

    async def test_an_email_subscription_is_none_to_text(self, bot: Bot) -> None:
        found = await bot.store.subscriptions.find({"message_type": "email"}, limit=1)
        for subscription in (*(s.id for s in found), "gone"):
            with pytest.raises(Invalid):
                await bot.outbound.audience.subscription(await draft(bot, subscription=subscription))
        assert await bot.outbound.audience.subscription(await draft(bot, subscription=ORDERS))

    async def test_a_copy_is_a_new_draft(self, bot: Bot) -> None:
        message = await ordered(bot)
        copy = await bot.outbound.duplicate(message.id, ADA)
        assert (copy.id != message.id, copy.is_draft, copy.version) == (True, True, 1)
        assert (copy.texts, copy.subscription, copy.filter) == (message.texts, message.subscription, message.filter)
        await bot.outbound.delete(copy.id, copy.version, ADA)
        with pytest.raises(NotFound):
            await bot.outbound.get(copy.id)


class TestTest:
    async def test_it_goes_to_one_number_with_fallbacks_and_nobody_s_link(self, bot: Bot) -> None:
        made = await draft(bot)
        for _ in range(2):
            assert await bot.outbound.test(made.id, "(201) 555-0177", ADA, key="k1") == "+12015550177"
        await bot.sender.send_some()
        (text,) = [text.body for text in await bot.phone.texts("+12015550177") if text.incoming]
        assert text.startswith("Harbor Coffee: Hello, the Sidamo is back.\nReply STOP")
        assert "/p/" not in text

    async def test_a_teammate_sends_so_many_a_day(self, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(outbound_messages, "MOST_TESTS", 2)
        made, eve = await draft(bot), By(new_id(), "Eve")
        for i in range(2):
            await bot.outbound.test(made.id, number(i), eve, key=f"day{i}")
        with pytest.raises(FormWrong) as wrong:
            await bot.outbound.test(made.id, number(3), eve, key="day3")
        assert (list(wrong.value.faults), wrong.value.values["most"]) == (["number"], "2")
        assert await bot.outbound.test(made.id, number(3), ADA, key="other") == number(3), "others still can"

    async def test_a_stopped_number_gets_none(self, bot: Bot) -> None:
        await bot.receive(number(5), "STOP", "t1")
        made, carrier = await draft(bot), Carrier()
        await bot.outbound.test(made.id, number(5), ADA, key="k2")
        await through(bot, carrier).send_some()
        assert not [text for text in carrier.handed if text.id.startswith("test:")]

    async def test_somebody_who_opted_out_gets_none(self, bot: Bot) -> None:
        (ann,) = await people(bot, 1)
        await bot.ledger.record(change(ann.id, "out", Action.OPT_OUT))
        made = await draft(bot)
        with pytest.raises(FormWrong) as wrong:
            await bot.outbound.test(made.id, number(0), ADA, key="k4")
        assert list(wrong.value.faults) == ["number"]

    async def test_a_number_that_is_none_is_refused(self, bot: Bot) -> None:
        made = await draft(bot)
        with pytest.raises(NumberRefused):
            await bot.outbound.test(made.id, "12", ADA, key="k3")


class TestFigures:
    async def test_results_answers_and_time_are_counted_from_the_index(self, bot: Bot) -> None:
        ann, ben, eve, _dan = await people(bot, 4)
        message = await ordered(bot, texts={"en": "Harbor Coffee: https://shop.example"}, counts_clicks=True)
        await bot.ledger.record(change(eve.id, "no", Action.OPT_OUT, number=eve.phone))
        await all_sent(bot, message)
        await bot.consumers.drain()
        copy = next(copy for copy in await copies(bot, message) if copy.contact == ann.id)
        await bot.clicks.open(bot.deliveries.links.short_urls(copy, 1)[0].rpartition("/")[2], counts=True)
        await bot.receive(ben.phone or "", "Is it back?", "t1")
        await bot.receive(ben.phone or "", "Hello?", "t2")
        await bot.receive(ann.phone or "", "STOP", "t3")
        await bot.consumers.drain()
        found = await Figures(bot.store, delivers_when_sent=True).of(message.id)
        assert (found.sent, found.delivered, found.failed) == (3, 3, 0)
        assert (found.clicked, found.replied, found.opted_out) == (1, 1, 1), "a STOP is no reply"
        assert found.series
        series = (found.series.sent, found.series.clicked, found.series.replied, found.series.opted_out)
        assert [sum(one.values()) for one in series] == [3, 1, 1, 1]
        raw = (await Figures(bot.store, delivers_when_sent=False).of(message.id)).delivered
        assert raw == 0, "the provider has not said so"
        pipeline = [{"$match": {"message": message.id}}, {"$group": {"_id": {"s": "$state", "c": "$clicked_at"}}}]
        command = {"aggregate": "deliveries", "pipeline": pipeline, "cursor": {}, "hint": "figures_and_cost"}
        plan = await bot.store.database.command({"explain": command, "verbosity": "executionStats"})
        assert "'totalDocsExamined': 0" in str(plan)

    async def test_what_left_costs_what_its_country_costs(self, bot: Bot) -> None:
        prices = [SegmentPrice(country="US", micros=8_300).model_dump()]
        await bot.store.workspaces.change({"prices": prices, "countries": ["US", "CA"]})
        bot.workspace.cache_clear()
        await people(bot, 1)
        abroad = person(new_id(), name="Cy", phone="+14165550123", tags=("tag",))
        await bot.store.contacts.insert_many([abroad])
        await bot.ledger.record(change(abroad.id, "in", number=abroad.phone))
        message = await ordered(bot)
        await all_sent(bot, message)
        told = {d.number: (d.segments, d.cost) for d in await copies(bot, message)}
        assert told == {number(0): (1, 8_300), abroad.phone: (1, None)}
        found = await Figures(bot.store, delivers_when_sent=True).of(message.id)
        assert (found.segments, found.cost, found.unpriced) == (2, Decimal("0.0083"), 1)

    async def test_many_who_look_at_once_count_once(self, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
        await people(bot, 1)
        message, calls = await ordered(bot), 0
        counted = bot.store.deliveries.results_of

        async def results_of(id: str) -> Any:
            nonlocal calls
            calls += 1
            return await counted(id)

        monkeypatch.setattr(bot.store.deliveries, "results_of", results_of)
        figures = Figures(bot.store, delivers_when_sent=True)
        await asyncio.gather(*(figures.of(message.id) for _ in range(9)))
        assert calls == 1

    async def test_a_count_that_failed_is_not_tried_again_at_once(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls = 0

        async def results_of(id: str) -> Any:
            nonlocal calls
            calls += 1
            raise StoreUnavailable

        monkeypatch.setattr(bot.store.deliveries, "results_of", results_of)
        monkeypatch.setattr("bot.outbound.figures.FRESH_SECONDS", 3600.0)
        monkeypatch.setattr("bot.outbound.figures.FAILED_SECONDS", 3600.0)
        figures = Figures(bot.store, delivers_when_sent=True)
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await figures.of("message")
        assert calls == 1

    async def test_an_opt_out_belongs_to_the_link_that_led_to_it_or_to_the_newest_message(self, bot: Bot) -> None:
        ann, ben, eve = await people(bot, 3)
        await bot.ledger.record(change(ben.id, "orders", subscription=ORDERS, number=ben.phone))
        first = await ordered(bot)
        await all_sent(bot, first)
        second = await ordered(bot)
        await all_sent(bot, second)
        token = next(text for text in await bodies(bot, ann)).rpartition("/p/")[2]
        link = (await bot.preferences.look(token)).link
        of_first = {copy.contact: copy for copy in await copies(bot, first)}
        assert link.text in {copy.id for copy in of_first.values()}
        by_link = change(ann.id, "no", Action.OPT_OUT, source=Source.PREFERENCE_CENTER, context=Context(text=link.text))
        other = change(ben.id, "no", Action.OPT_OUT, subscription=ORDERS, source=Source.PREFERENCE_CENTER)
        by_newest = change(eve.id, "no", Action.OPT_OUT, source=Source.PREFERENCE_CENTER, number=eve.phone)
        for one in (by_link, other, by_newest):
            await bot.ledger.record(one)
        await bot.consumers.drain()
        out = [
            {copy.contact for copy in await copies(bot, message) if copy.opted_out_at} for message in (first, second)
        ]
        assert out == [{ann.id}, {eve.id}]

    async def test_an_opt_out_days_later_belongs_to_no_message(self, bot: Bot) -> None:
        (ann,) = await people(bot, 1)
        message = await ordered(bot)
        await all_sent(bot, message)
        await bot.store.deliveries.collection.update_many({}, {"$set": {"handed_at": now() - timedelta(days=4)}})
        await bot.receive(ann.phone or "", "STOP", "t")
        await bot.consumers.drain()
        assert not any(copy.opted_out_at for copy in await copies(bot, message))


async def test_the_queue_tells_its_size_its_age_and_its_rate_by_sender(bot: Bot) -> None:
    await people(bot, 3)
    await bot.consumers.drain()
    while await bot.sender.send_some():  # the confirmations of the sign-ups
        pass
    message = await ordered(bot)
    await one_step(bot, message)
    late, later, held = await copies(bot, message)
    queue, time = bot.store.deliveries, now()
    await queue.update({"_id": late.id}, {"$set": {"due_at": time - timedelta(seconds=90)}})
    await queue.update({"_id": held.id}, {"$set": {"due_at": time + timedelta(hours=9)}})
    found = await bot.queue.read()
    assert (found.waiting, found.due, found.due_by_sender) == (3, 2, {"": 2})
    assert found.oldest >= timedelta(seconds=90)
    while await bot.sender.send_some():
        pass
    await queue.update({"_id": later.id}, {"$set": {"state": DeliveryState.UNKNOWN}})
    found = await bot.queue.read()
    assert (found.waiting, found.due, found.oldest, found.unknown_today) == (1, 0, timedelta(0), 1)
    assert found.per_minute == {"": (3 + 2) / 5}
