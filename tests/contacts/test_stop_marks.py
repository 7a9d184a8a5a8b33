"""Contacts are marked as stopped when the number that they have is on the stop list."""

from __future__ import annotations

from bot.app import Bot
from bot.consent.changes import address_change
from bot.demo import DEALS
from bot.model.event import Actor, Source
from bot.model.filter import Filter, Stopped, Textable
from tests.people import ANOTHER, NUMBER, change, person

SITE = Actor(kind="api", id="site")


async def _stopped(bot: Bot) -> list[str]:
    return await bot.finder.ids(Filter.of(Stopped()))


async def test_a_stop_marks_everyone_with_the_number_and_a_start_takes_the_mark(bot: Bot) -> None:
    await bot.store.contacts.insert_many([person("ada", phone=NUMBER), person("bob", phone=NUMBER), person("cy")])
    await bot.receive(NUMBER, "STOP", "t1")
    assert await _stopped(bot) == ["ada", "bob"]
    await bot.receive(NUMBER, "START", "t2")
    assert await _stopped(bot) == []


async def test_who_gets_a_stopped_number_is_marked_and_who_changes_it_is_not(bot: Bot) -> None:
    await bot.store.contacts.insert(person("ada"))
    await bot.receive(NUMBER, "STOP", "t1")
    for key, number, stopped in (("k1", NUMBER, ["ada"]), ("k2", ANOTHER, []), ("k3", NUMBER, ["ada"])):
        await bot.ledger.record(address_change("ada", source=Source.API, actor=SITE, key=key, phone=number))
        await bot.consumers.drain()
        assert await _stopped(bot) == stopped


async def test_a_yes_from_before_a_stop_that_was_lifted_is_not_texted(bot: Bot) -> None:
    """They opted in, got another number, and got the first one back after its next owner had stopped it."""
    await bot.store.contacts.insert(person("ada"))
    await bot.ledger.record(change("ada", "yes", number=NUMBER, subscription=DEALS))
    textable = Filter.of(Textable(subscription=DEALS))
    assert await bot.finder.ids(textable) == ["ada"]
    for key, number in (("k1", ANOTHER), ("k2", NUMBER)):
        await bot.ledger.record(address_change("ada", source=Source.API, actor=SITE, key=key, phone=number))
        if number == ANOTHER:
            await bot.receive(NUMBER, "STOP", "t1")
            await bot.receive(NUMBER, "START", "t2")
    await bot.consumers.drain()
    assert await bot.finder.ids(textable) == []
