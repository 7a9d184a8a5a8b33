"""The sending rules at the moment of sending: pure where they decide, with a database where they are obeyed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from bot.app import Bot
from bot.compliance.texting_rules import VERSION
from bot.demo import DEALS
from bot.i18n import translator
from bot.model.base import new_id, now
from bot.model.contact import ConsentState, Contact
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState, MarketingText
from bot.model.event import Action, Grade
from bot.model.outbound_message import OutboundMessage
from bot.model.pace import Often
from bot.model.subscription import CapPeriod, Purpose
from bot.outbound.facts import FactReader
from bot.outbound.flood import Flood
from bot.outbound.gateways import GatewayError, Outgoing
from bot.outbound.kinds import Facts
from bot.outbound.kinds.outbound import copy_of
from bot.outbound.marketing_rules import Hold, MarketingRules, Pass, longest_cap
from bot.outbound.queue import DeliveryQueue
from bot.outbound.sender import Sender
from tests.conftest import eventually
from tests.outbound.carrier import Carrier, raising
from tests.people import AT, NUMBER, change, consent, no_consumers, person, subscription, workspace
from widget.outbound.story import story_of

MakeContact = Callable[..., Awaitable[Contact]]
NOON = datetime(2026, 12, 2, 17, tzinfo=UTC)
"""A Wednesday, at noon in New York."""
NIGHT = datetime(2026, 12, 3, 3, tzinfo=UTC)
MORNING = datetime(2026, 12, 3, 13, tzinfo=UTC)
EVENING = datetime(2026, 12, 3, 2, tzinfo=UTC)
"""When the federal hours of that Wednesday end."""
TEXAN, BRITON, INDIAN = "+12145550123", "+447400123456", "+919812345678"


def _delivery(number: str = NUMBER, **values: Any) -> Delivery:
    usual = {"contact": "ada", "subscription": "deals", "event": "old", "locale": "en", "kind": DeliveryKind.OUTBOUND}
    return Delivery(id="d", number=number, created_at=AT, updated_at=AT, **{**usual, **values})


def _facts(number: str = NUMBER, purpose: Purpose = Purpose.MARKETING, **values: Any) -> Facts:
    grade = values.pop("grade", Grade.WRITTEN_SHOWN)
    yes = consent(ConsentState.OPTED_IN).model_copy(update={"grade": grade, "number": number})
    contact = person(phone=number, consents=(yes,), **values)
    countries = workspace().model_copy(update={"countries": ("US", "GB", "IN")})
    return Facts(countries, contact, subscription(purpose=purpose), is_stopped=False)


def _check(number: str = NUMBER, at: datetime = NOON, *sent: datetime, **values: Any) -> Hold | Pass:
    got = [MarketingText(one) for one in sent]
    return MarketingRules({number: got}, quiet_hours=True).check(_delivery(number), _facts(number, **values), at)


class TestDecision:
    def test_it_passes_with_its_proof(self) -> None:
        passed = _check(time_zone="America/New_York")
        assert isinstance(passed, Pass)
        assert passed.quiet_from == EVENING
        assert passed.values["rules"] == VERSION
        assert passed.values["local_times"] == ("2026-12-02T12:00:00-05:00",)
        assert passed.values["zone_source"] == "number and profile"
        assert passed.values["event"] != "old", "the consent of this moment"

    def test_it_waits_for_the_morning(self) -> None:
        assert _check(NUMBER, NIGHT) == Hold("quiet_hours", "us-federal", MORNING)

    def test_it_waits_for_both_places_that_a_person_may_be_in(self) -> None:
        held = _check(NUMBER, MORNING, time_zone="America/Los_Angeles")
        assert isinstance(held, Hold)
        assert held.until
        assert held.until > MORNING + timedelta(hours=3)

    def test_the_fourth_in_a_day_waits(self) -> None:
        sent = [NOON - timedelta(hours=hours) for hours in (1, 2, 3)]
        assert _check(NUMBER, NOON, *sent) == Hold("cap", "own-cap", NOON + timedelta(hours=21))

    @pytest.mark.parametrize(("period", "days"), [(CapPeriod.DAY, 1), (CapPeriod.WEEK, 7), (CapPeriod.MONTH, 30)])
    def test_a_subscription_has_a_cap_of_its_own(self, period: CapPeriod, days: int) -> None:
        capped = subscription(cap=2, cap_period=period)
        facts = replace(_facts(), subscription=capped)
        first, second = NOON - timedelta(days=days, hours=-2), NOON - timedelta(days=days, hours=-3)
        mine = [MarketingText(first, capped.id), MarketingText(second, capped.id)]
        others = [MarketingText(NOON - timedelta(hours=1), "other")]

        def hold(*sent: MarketingText) -> Hold | Pass:
            return MarketingRules({NUMBER: sent}, quiet_hours=True).check(_delivery(), facts, NOON)

        assert hold(*mine) == Hold("cap", "subscription-cap", first + timedelta(days=days))
        assert isinstance(hold(mine[0], *others), Pass)
        assert isinstance(hold(MarketingText(NOON - timedelta(days=days), capped.id), mine[0]), Pass), "it rolls"
        assert longest_cap([capped, subscription()]) == max(timedelta(days=days), timedelta(hours=24))

    def test_those_of_the_same_round_count(self) -> None:
        rules = MarketingRules({}, quiet_hours=True)
        found = [rules.check(_delivery(), _facts(), NOON) for _ in range(4)]
        assert [isinstance(one, Pass) for one in found] == [True, True, True, False]

    def test_quiet_hours_come_before_caps_and_these_before_the_country(self) -> None:
        sent = [NIGHT - timedelta(hours=1)] * 3
        assert getattr(_check(NUMBER, NIGHT, *sent), "reason", "") == "quiet_hours"
        assert _check("+14165550123", NOON) == Hold("country_not_allowed")

    def test_a_person_who_paused_gets_nothing_and_nothing_is_kept_for_later(self) -> None:
        for purpose in Purpose:
            assert _check(paused_until=NOON + timedelta(days=1), purpose=purpose) == Hold("paused_by_person")
        assert isinstance(_check(paused_until=NOON), Pass), "it is over"

    @pytest.mark.parametrize(("often", "days"), [(Often.WEEK, 7), (Often.MONTH, 30)])
    def test_a_person_who_wants_fewer_gets_one_in_that_time(self, often: Often, days: int) -> None:
        soon, later = NOON - timedelta(days=days, minutes=-1), NOON - timedelta(days=days, minutes=1)
        assert _check(NUMBER, NOON, soon, at_most=often) == Hold("fewer_by_person")
        assert isinstance(_check(NUMBER, NOON, later, at_most=often), Pass)
        assert isinstance(_check(NUMBER, NOON, soon, at_most=often, purpose=Purpose.INFORMATIONAL), Pass)

    def test_texas_wants_consent_that_was_shown(self) -> None:
        assert isinstance(_check(TEXAN, NOON + timedelta(hours=1)), Pass)
        for grade in set(Grade) - {Grade.WRITTEN_SHOWN, Grade.KEYWORD}:
            assert _check(TEXAN, NOON + timedelta(hours=1), grade=grade) == Hold("weak_evidence", "us-tx-evidence")

    def test_india_is_closed_for_marketing(self) -> None:
        at = datetime(2026, 12, 2, 8, tzinfo=UTC)
        assert _check(INDIAN, at) == Hold("country_closed", "in")
        assert isinstance(_check(INDIAN, at, purpose=Purpose.INFORMATIONAL), Pass)

    def test_what_informs_is_sent_at_any_hour(self) -> None:
        passed = _check(NUMBER, NIGHT, *[NIGHT] * 9, purpose=Purpose.INFORMATIONAL)
        assert isinstance(passed, Pass)
        assert passed.quiet_from is None
        assert "is_marketing" not in passed.values

    def test_a_flow_that_texts_of_itself_keeps_the_hours(self) -> None:
        rules = MarketingRules({}, quiet_hours=True)
        held = rules.check(_delivery(kind=DeliveryKind.FLOW), _facts(), NIGHT)
        assert isinstance(held, Hold)
        assert held.reason == "quiet_hours"

    @pytest.mark.parametrize("kind", sorted(set(DeliveryKind) - {DeliveryKind.OUTBOUND, DeliveryKind.FLOW}))
    def test_answers_to_a_persons_own_act_ignore_the_hours(self, kind: DeliveryKind) -> None:
        rules = MarketingRules({}, quiet_hours=True)
        assert rules.check(_delivery(kind=kind), _facts(), NIGHT) == Pass({})


def _says_it_never_left(text: Delivery) -> bool:
    """Neither in the list, whose columns are its fields, nor in its story."""
    told = {step.title for step in story_of(text, translator("en"))}
    of_handover = (text.handed_at, text.is_marketing, text.sender, text.short_links)
    return of_handover == (None,) * 4 and "Handed over to the provider" not in told


class TestSending:
    """What a worker does with it."""

    @pytest.fixture
    async def maya(self, bot: Bot, make_contact: MakeContact) -> Contact:
        maya = await make_contact(phone=NUMBER)
        with no_consumers(bot):  # no confirmation
            await bot.ledger.record(change(maya.id, "yes"))
        found = await bot.ledger.contact(maya.id)
        assert found
        return found

    @pytest.fixture
    async def message(self, bot: Bot) -> OutboundMessage:
        made = OutboundMessage(
            id=new_id(), name="Roast", subscription=DEALS, texts={"en": "The Sidamo is back."}, by="t", by_name="Ada",
            created_at=now(), updated_at=now(), ordered_at=now(),
        )  # fmt: skip
        await bot.store.outbound_messages.insert(made)
        return made

    async def _queued(self, bot: Bot, message: OutboundMessage, contact: Contact, n: int = 0) -> str:
        fields = copy_of(message, contact)
        id = f"outbound:{message.id}:{contact.id}:{n}"
        times = dict.fromkeys(("due_at", "created_at", "updated_at"), now())
        made = Delivery.model_validate({"_id": id, "kind": DeliveryKind.OUTBOUND, **times, **fields})
        await bot.deliveries.add(made)
        return id

    def _sender(self, bot: Bot, provider: Carrier, at: datetime) -> Sender:
        facts = FactReader(bot.store, bot.ledger, bot.stops, bot.workspace, quiet_hours=True)
        sender = Sender(bot.store, bot.deliveries, facts, provider, bot.threads, bot.stops)
        sender.clock = lambda: at
        return sender

    async def test_it_keeps_the_proof_and_must_arrive_before_quiet_hours(
        self, bot: Bot, maya: Contact, message: OutboundMessage
    ) -> None:
        id, sent = await self._queued(bot, message, maya), []

        class Noting(Carrier):
            async def send(self, text: Outgoing) -> str:
                sent.append(text)
                return await super().send(text)

        assert await self._sender(bot, Noting(), NOON).send_some() == 1
        delivery = await bot.store.deliveries.get(id)
        assert delivery
        assert delivery.state is DeliveryState.SENT
        yes = maya.consent(DEALS)
        assert yes
        assert (delivery.event, delivery.rules, delivery.zone_source) == (yes.event, VERSION, "number")
        assert delivery.local_times == ("2026-12-02T12:00:00-05:00",)
        assert delivery.body_hash == sha256(sent[0].body.encode()).hexdigest()
        assert delivery.body != sent[0].body, "the link is masked"
        assert sent[0].valid_for == timedelta(hours=9)

    async def test_at_night_it_waits_and_a_stop_until_then_wins(
        self, bot: Bot, maya: Contact, message: OutboundMessage
    ) -> None:
        id, provider = await self._queued(bot, message, maya), Carrier()
        await self._sender(bot, provider, NIGHT).send_some()
        held = await bot.store.deliveries.get(id)
        assert held
        assert (held.state, held.reason, held.held_by) == (DeliveryState.QUEUED, "quiet_hours", "us-federal")
        assert held.due_at == MORNING
        await bot.receive(NUMBER, "please stop texting me", "t1")
        await bot.store.deliveries.update({"_id": id}, {"$set": {"due_at": now()}})
        await self._sender(bot, provider, MORNING).send_some()
        blocked = await bot.store.deliveries.get(id)
        assert blocked
        assert (blocked.state, blocked.reason, blocked.held_by) == (DeliveryState.BLOCKED, "stopped", None)
        assert [text.id for text in provider.handed] == ["reply:t1"], "nothing but the answer to it"

    async def test_consent_that_was_withdrawn_since_is_found_before_the_hours(
        self, bot: Bot, maya: Contact, message: OutboundMessage
    ) -> None:
        id = await self._queued(bot, message, maya)
        await bot.ledger.record(change(maya.id, "no", Action.OPT_OUT))
        await self._sender(bot, Carrier(), NIGHT).send_some()
        blocked = await bot.store.deliveries.get(id)
        assert blocked
        assert (blocked.state, blocked.reason) == (DeliveryState.BLOCKED, "opted_out")

    async def test_the_fourth_of_a_day_waits_also_in_another_round(
        self, bot: Bot, maya: Contact, message: OutboundMessage
    ) -> None:
        provider = Carrier()
        facts = FactReader(bot.store, bot.ledger, bot.stops, bot.workspace, quiet_hours=False)
        for n in range(4):
            id = await self._queued(bot, message, maya, n)
            await Sender(bot.store, bot.deliveries, facts, provider, bot.threads, bot.stops).send_some()
        assert len(provider.handed) == 3
        held = await bot.store.deliveries.get(id)
        assert held
        assert (held.state, held.reason, held.held_by) == (DeliveryState.QUEUED, "cap", "own-cap")
        assert held.due_at
        assert timedelta(hours=23) < held.due_at - now() < timedelta(hours=24)

    @pytest.mark.parametrize("limit", ["wish", "cap"])
    async def test_one_that_went_back_to_the_queue_does_not_count_against_itself(
        self, bot: Bot, maya: Contact, message: OutboundMessage, limit: str
    ) -> None:
        if limit == "wish":
            await bot.store.contacts.update({"_id": maya.id}, {"$set": {"at_most": Often.WEEK}})
        else:
            await bot.store.subscriptions.update({"_id": DEALS}, {"$set": {"cap": 1, "cap_period": CapPeriod.WEEK}})
        facts = FactReader(bot.store, bot.ledger, bot.stops, bot.workspace, quiet_hours=False)
        busy = Carrier(raising(GatewayError("busy", permanent=False, number=429)))
        id = await self._queued(bot, message, maya)
        await Sender(bot.store, bot.deliveries, facts, busy, bot.threads, bot.stops).send_some()
        waiting = await bot.store.deliveries.get(id)
        assert waiting
        assert (waiting.state, waiting.reason, len(busy.handed)) == (DeliveryState.QUEUED, "busy", 1)
        await bot.store.deliveries.update({"_id": id}, {"$set": {"due_at": now()}})
        await Sender(bot.store, bot.deliveries, facts, Carrier(), bot.threads, bot.stops).send_some()
        sent = await bot.store.deliveries.get(id)
        assert sent
        assert (sent.state, sent.reason) == (DeliveryState.SENT, None)
        other = await self._queued(bot, message, maya, 1)
        await Sender(bot.store, bot.deliveries, facts, Carrier(), bot.threads, bot.stops).send_some()
        held = await bot.store.deliveries.get(other)
        assert held
        assert held.reason == ("fewer_by_person" if limit == "wish" else "cap"), "once sent, it counts"

    async def test_one_that_a_late_stop_kept_does_not_say_that_it_was_handed_over(
        self, bot: Bot, maya: Contact, message: OutboundMessage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        id, provider, mark = await self._queued(bot, message, maya), Carrier(), bot.store.deliveries.hand_over

        async def hand_over(*args: Any, **values: Any) -> list[bool]:
            marked = await mark(*args, **values)
            with no_consumers(bot):
                await bot.receive(NUMBER, "STOP", "t1")
            found = await bot.store.deliveries.get(id)
            assert found
            assert found.handed_at, "the mark comes first"
            return marked

        monkeypatch.setattr(bot.store.deliveries, "hand_over", hand_over)
        await self._sender(bot, provider, NOON).send_some()
        blocked = await bot.store.deliveries.get(id)
        assert blocked
        assert (blocked.state, blocked.reason, provider.handed) == (DeliveryState.BLOCKED, "stopped", [])
        assert _says_it_never_left(blocked)

    async def test_hours_that_end_while_it_is_handed_over(
        self, bot: Bot, maya: Contact, message: OutboundMessage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        id, provider, mark = await self._queued(bot, message, maya), Carrier(), bot.store.deliveries.hand_over
        worker = self._sender(bot, provider, NOON)

        async def hand_over(*args: Any, **values: Any) -> list[bool]:
            worker.clock = lambda: NOON + timedelta(hours=12)
            return await mark(*args, **values)

        monkeypatch.setattr(bot.store.deliveries, "hand_over", hand_over)
        await worker.send_some()
        waits = await bot.store.deliveries.get(id)
        assert waits
        assert (waits.state, provider.handed) == (DeliveryState.QUEUED, [])
        assert _says_it_never_left(waits)

    @pytest.mark.parametrize(("often", "most"), [(None, 3), (Often.WEEK, 1), (Often.MONTH, 1)])
    async def test_workers_that_judge_at_the_same_time_exceed_neither_a_cap_nor_a_wish(
        self, bot: Bot, maya: Contact, message: OutboundMessage, often: Often | None, most: int
    ) -> None:
        """Each has a text to the same phone, and all are judged before the first is handed over."""
        if often:
            await bot.store.contacts.update({"_id": maya.id}, {"$set": {"at_most": often}})
        provider, gate, judged = Carrier(), asyncio.Event(), 0

        class Waiting(FactReader):
            async def of(self, deliveries: Sequence[Delivery]) -> tuple[dict[str, Facts], Flood, MarketingRules]:
                nonlocal judged
                found = await super().of(deliveries)
                judged += 1
                await gate.wait()
                return found

        async def worker(n: int) -> None:
            queue = DeliveryQueue(bot.store, bot.deliveries.links)
            facts = Waiting(bot.store, bot.ledger, bot.stops, bot.workspace, quiet_hours=False)
            with queue.sending():
                times = dict.fromkeys(("due_at", "created_at", "updated_at"), now())
                values = {"_id": f"outbound:{n}", "kind": DeliveryKind.OUTBOUND, **times, **copy_of(message, maya)}
                await queue.add(Delivery.model_validate(values))
                await Sender(bot.store, queue, facts, provider, bot.threads, bot.stops).send_some(poll=False)

        tasks = [asyncio.create_task(worker(n)) for n in range(5)]

        async def is_judged() -> bool:
            return judged + sum(task.done() for task in tasks) == len(tasks)

        await eventually(is_judged)
        gate.set()
        await asyncio.gather(*tasks)
        assert len(provider.handed) <= most
        waiting = await bot.store.deliveries.find({"state": DeliveryState.QUEUED}, limit=9)
        assert {one.reason for one in waiting} <= {"cap"}
        assert all(one.due_at for one in waiting), "they are judged again"
        assert all(_says_it_never_left(one) for one in waiting)
