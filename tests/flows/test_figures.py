"""The figures of flows: views and steps without a write for each, consents exactly as the ledger has them."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from bot.app import Bot
from bot.consent.changes import ConsentChange, consent_change
from bot.demo import DEALS, FLOW
from bot.errors import StoreUnavailable
from bot.flows import outcomes
from bot.flows.counting import day_of
from bot.flows.figures import FlowFigures
from bot.flows.outcomes import FlowOutcomes
from bot.model.base import now
from bot.model.contact import Contact
from bot.model.event import Action, ConsentEvent, ConsentState, Source
from bot.store import Store
from bot.store.embedded import EmbeddedServer
from tests.flows.test_opening import answers, opened_chat, says, settled
from tests.people import NUMBER, second_process


async def figures(bot: Bot, days: int = 30, version: int | None = None) -> FlowFigures:
    return await bot.flow_figures.of(FLOW, days=days, version=version)


async def signed_up(bot: Bot) -> Contact:
    opened = await opened_chat(bot)
    await answers(bot, opened)
    await settled(bot)
    contact = await bot.ledger.contact(opened.contact.id)
    assert contact
    return contact


async def opts_out(bot: Bot, contact: Contact) -> None:
    subscription = await bot.subscriptions.get(DEALS)
    await bot.ledger.record(_no(contact, subscription, f"no:{contact.ledger.seq}"))
    await settled(bot)


def _no(contact: Contact, subscription: object, key: str) -> ConsentChange:
    return consent_change(
        contact,
        subscription,  # type: ignore[arg-type]
        Action.OPT_OUT,
        NUMBER,
        source=Source.PREFERENCE_CENTER,
        words=None,
        key=key,
    )


async def test_opening_the_chat_is_counted_and_costs_no_write(bot: Bot, store: Store) -> None:
    for _ in range(3):
        opened = await opened_chat(bot)
    await opened_chat(bot, opened.token)  # the same chat again is no other view
    assert await store.flow_days.count_about() == 0
    await bot.runs.counters.flush()
    (day,) = await store.flow_days.find({}, limit=5)
    assert (day.flow, day.version, day.day) == (FLOW, 1, day_of(now()))
    assert day.counts == {"shown": 3, "reached:hello": 3, "reached:form": 3, "form:form": 3}
    assert (await figures(bot)).shown == 3


async def test_what_isnt_written_yet_is_in_the_figures(bot: Bot) -> None:
    await opened_chat(bot)
    assert (await figures(bot)).shown == 1
    await bot.runs.counters.flush()
    await opened_chat(bot)
    assert (await figures(bot)).shown == 2


async def test_a_flush_that_fails_loses_nothing(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    await opened_chat(bot)
    with monkeypatch.context() as patch:
        patch.setattr(bot.store.flow_days, "add", _is_away)
        with pytest.raises(StoreUnavailable):
            await bot.runs.counters.flush()
    await bot.runs.counters.flush()
    assert (await figures(bot)).shown == 1


async def _is_away(_counts: object) -> None:
    raise StoreUnavailable


async def test_a_sign_up_is_counted_from_its_view_to_the_opt_out(bot: Bot) -> None:
    contact = await signed_up(bot)
    found = await figures(bot)
    assert (found.shown, found.started, found.completed, found.confirmed, found.left) == (1, 1, 1, 1, 0)
    assert found.counts["passed:form"] == 1
    assert found.counts["ended"] == 1
    (event, *_) = await bot.store.events.after(contact.id, 0, limit=5)
    assert (event.flow, event.flow_version, event.flow_step) == (FLOW, 1, "form")
    await opts_out(bot, contact)
    assert (await figures(bot)).left == 1


async def test_a_message_starts_the_flow_but_leaves_the_form_open(bot: Bot) -> None:
    opened = await opened_chat(bot)
    await says(bot, opened)
    await settled(bot)
    found = await figures(bot)
    assert (found.shown, found.counts["passed:form"], found.completed) == (1, 0, 0)


async def test_only_an_opt_out_within_seven_days_is_counted(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    contact = await signed_up(bot)
    monkeypatch.setattr(outcomes, "REGRET", timedelta(0))
    await opts_out(bot, contact)
    assert (await figures(bot)).left == 0


async def test_each_event_counts_once_whoever_reads_it(
    bot: Bot, mongo: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "SKEW", -timedelta(minutes=1))
    contact = await signed_up(bot)
    await opts_out(bot, contact)
    async with second_process(mongo) as other:
        await asyncio.gather(*(FlowOutcomes(store).count() for store in (bot.store, other, bot.store, other)))
    days = await bot.store.flow_days.find({}, limit=5)
    counted: Counter[str] = sum((Counter(day.counts) for day in days), Counter())
    assert counted == {"completed:form": 1, "confirmed:form": 1, "left:form": 1}
    found = await figures(bot)
    assert (found.completed, found.confirmed, found.left) == (1, 1, 1)


def recounted(events: list[ConsentEvent]) -> Counter[str]:
    """Replays the ledger, one person after the other."""
    counts: Counter[str] = Counter()
    grants: dict[tuple[str, str | None], ConsentEvent] = {}
    for event in sorted(events, key=lambda e: (e.contact, e.seq)):
        place = event.contact, event.subscription
        counts["completed"] += bool(event.flow) and event.source is Source.FORM
        if event.state is ConsentState.OPTED_IN and place not in grants:
            grants[place] = event
            counts["confirmed"] += bool(event.flow)
        elif event.state is ConsentState.OPTED_OUT and place in grants:
            grant = grants.pop(place)
            counts["left"] += bool(grant.flow) and event.at - grant.at <= timedelta(days=7)
    return counts


async def test_figures_are_those_of_a_recount_of_the_ledger(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [await signed_up(bot) for _ in range(3)]
    await opts_out(bot, people[0])
    with monkeypatch.context() as patch:  # up to here, the counts are written
        patch.setattr(outcomes, "SKEW", -timedelta(minutes=1))
        await bot.flow_figures.outcomes.count()
    people.append(await signed_up(bot))
    for person in people[2:]:
        await opts_out(bot, person)
    found = await figures(bot)
    expected = {"completed": 4, "confirmed": 4, "left": 3}
    assert {"completed": found.completed, "confirmed": found.confirmed, "left": found.left} == expected
    assert recounted([event async for page in bot.store.events.scan() for event in page]) == expected
    totals = (await bot.flow_figures.totals([FLOW], days=30))[FLOW]
    assert {name: totals[name] for name in expected} == expected


async def test_figures_are_of_one_version_or_all(bot: Bot) -> None:
    await opened_chat(bot)
    assert (await figures(bot, version=1)).shown == 1
    other = await figures(bot, version=2)
    assert (other.shown, other.versions[1]["shown"]) == (0, 1)


async def test_counts_are_settled_when_seven_days_have_passed(bot: Bot, store: Store) -> None:
    contact = await signed_up(bot)
    assert not (await figures(bot)).settled
    (event, *_) = await store.events.after(contact.id, 0, limit=5)
    assert isinstance(event, ConsentEvent)
    await bot.runs.counters.flush()
    week_ago = day_of(now()) - timedelta(days=8)
    await store.flow_days.collection.update_many({}, {"$set": {"day": week_ago}})
    assert (await figures(bot)).settled["shown"] == 1
