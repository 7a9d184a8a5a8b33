"""`sayso demo --contacts N`: the same people for a number, with whole chains, and none of them is texted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.app import Bot
from bot.consent.checkpoints import CheckpointKeys
from bot.consent.verify import verify
from bot.demo import DEALS
from bot.demo_crowd import Crowd, make_crowd
from bot.errors import Invalid
from bot.model.base import now
from bot.model.filter import Filter, Stopped, Textable
from tests.people import person


async def test_a_crowd_is_whole_and_made_once(bot: Bot) -> None:
    progress: list[int] = []
    for _ in range(2):
        await make_crowd(bot.store, CheckpointKeys(bot.store), 1200, progress=progress.append)
    assert sum(progress[:-1]) == progress[-1] == 1200
    report = await verify(bot.store, repair=False)
    assert report.is_whole, report
    assert report.contacts == 1200
    assert (await bot.finder.count(Filter.of(Stopped()))).number >= 1
    assert 100 < (await bot.finder.count(Filter.of(Textable(subscription=DEALS)))).number < 900
    await bot.catch_up.scan(now() - timedelta(days=1), now())
    assert await bot.store.deliveries.count_about() == 0
    assert await has_all_indexes(bot)


async def test_indexes_are_built_after_an_error(bot: Bot) -> None:
    def stops(_made: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await make_crowd(bot.store, CheckpointKeys(bot.store), 10, progress=stops)
    assert await has_all_indexes(bot)


async def has_all_indexes(bot: Bot) -> bool:
    contacts, events = bot.store.contacts, bot.store.events
    there = await contacts.collection.index_information(), await events.collection.index_information()
    lacking = [index for index in contacts.indexes if index.document["name"] not in there[0]]
    lacking += [index for index in events.indexes if index.document["name"] not in there[1]]
    return not lacking


async def test_a_workspace_that_is_in_use_is_left_alone(bot: Bot) -> None:
    await bot.store.contacts.insert(person())
    with pytest.raises(Invalid):
        await make_crowd(bot.store, CheckpointKeys(bot.store), 10, progress=lambda _: None)


def test_a_number_makes_the_same_people() -> None:
    (mine,), (yours,) = Crowd(5).batches(), Crowd(5).batches()
    assert [contact.name for contact in mine] == [contact.name for contact in yours]
    assert mine[-1].id == Crowd(5).last_id


def test_they_came_over_two_years_and_none_was_seen_in_the_future() -> None:
    people = [contact for batch in Crowd(400).batches() for contact in batch]
    assert len({contact.created_at for contact in people}) == 40
    ago = [now() - contact.created_at for contact in people]
    assert max(ago) > timedelta(days=725)
    assert timedelta(days=2) < min(ago) < timedelta(days=4)
    assert all(contact.created_at <= contact.last_seen_at <= now() for contact in people if contact.last_seen_at)
