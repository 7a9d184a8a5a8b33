"""How many sign-ups a form takes from one network, and for one block of numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import aiohttp
import pytest

from bot.app import Bot
from bot.config import Settings
from bot.consent.form_limits import FormLimits, origins_of
from bot.errors import TooManySignUps
from bot.model.base import new_id, now
from bot.model.contact import Contact
from bot.model.event import Context, Source
from bot.model.workspace import Workspace
from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.conftest import Visitor, serving
from tests.people import ANOTHER, NUMBER, answer_to, asked, change

MakeContact = Callable[..., Awaitable[Contact]]
ATTACKER = "203.0.113.7"


def test_a_sign_up_counts_for_a_network_and_a_block_of_numbers() -> None:
    assert origins_of(ATTACKER, NUMBER) == ("net:203.0.113.0/24", "block:+12015550")
    assert origins_of("::ffff:203.0.113.99", NUMBER) == origins_of(ATTACKER, ANOTHER)
    assert origins_of("2001:db8:1:2:3::4", NUMBER)[:2] == ("net:2001:db8:1:2::/64", "wide:2001:db8:1::/48")


@pytest.mark.parametrize("ip", [None, "", "?", "127.0.0.1", "::1", "10.1.2.3", "172.17.0.1", "192.168.0.9", "fd00::1"])
def test_an_address_of_our_own_names_nobody(ip: str | None) -> None:
    """A proxy that is not counted would make one client of all visitors. Blocks of numbers are limited there too."""
    assert origins_of(ip, NUMBER) == ("block:+12015550",)
    assert origins_of(ip, None) == ()


async def _admitted(limits: FormLimits, ips: list[str], numbers: list[str]) -> int:
    keys = [new_id() for _ in ips]
    answers = await asyncio.gather(*map(limits.admit, ips, numbers, keys), return_exceptions=True)
    assert {type(answer) for answer in answers} <= {type(None), TooManySignUps}
    return answers.count(None)


def _spread(count: int) -> list[str]:
    """Numbers of as many blocks."""
    return [f"+1201{i:03d}0123" for i in range(count)]


class TestAdmit:
    async def test_many_at_once_from_one_network(self, store: Store) -> None:
        limits = FormLimits(store, 5)
        neighbors = [f"203.0.113.{i}" for i in range(40)]
        assert await _admitted(limits, neighbors, _spread(40)) == 5
        assert await _admitted(limits, ["198.51.100.1"], _spread(1)) == 1, "others are not kept out"

    async def test_many_at_once_from_the_networks_of_one_ipv6_line(self, store: Store) -> None:
        limits = FormLimits(store, 5)
        everywhere = [f"2001:db8:1:{i:x}::1" for i in range(40)]
        assert await _admitted(limits, everywhere, _spread(40)) == 5 * 4
        assert await _admitted(limits, ["2001:db8:2::1"], _spread(1)) == 1

    async def test_many_at_once_for_one_block_of_numbers(self, store: Store) -> None:
        everywhere = [f"198.51.{i}.1" for i in range(40)]
        assert await _admitted(FormLimits(store, 5), everywhere, [f"+12015550{i:03d}" for i in range(40)]) == 5

    async def test_behind_a_proxy_that_is_not_counted(self, store: Store) -> None:
        limits = FormLimits(store, 5)
        assert await _admitted(limits, ["172.17.0.1"] * 40, _spread(40)) == 40
        assert await _admitted(limits, ["172.17.0.1"] * 40, [f"+12015550{i:03d}" for i in range(40)]) == 5

    async def test_no_limit(self, store: Store) -> None:
        assert await _admitted(FormLimits(store, 0), [ATTACKER] * 40, _spread(40)) == 40

    async def test_who_is_refused_uses_up_no_block(self, store: Store) -> None:
        limits = FormLimits(store, 2)
        await _admitted(limits, [ATTACKER] * 9, [NUMBER, ANOTHER, *[NUMBER] * 7])
        assert await _admitted(limits, ["198.51.100.1"] * 2, [f"+12025550{i:03d}" for i in range(2)]) == 2

    async def test_processes_count_together_and_a_day_has_its_own_bound(
        self, bot: Bot, make_contact: MakeContact, store: Store
    ) -> None:
        for i in range(3):
            signed_up = change(
                (await make_contact()).id,
                "k",
                number=f"+1201{i:03d}0123",
                source=Source.FORM,
                context=Context(ip=ATTACKER),
            )
            await bot.deliveries.queue_for([(await bot.ledger.record(signed_up)).event])
        limits = FormLimits(store, 3)
        for _ in range(2):
            with pytest.raises(TooManySignUps):
                await limits.admit(ATTACKER, NUMBER, "the same form")
        assert await _admitted(FormLimits(store, 4), [ATTACKER], _spread(1)) == 1
        await store.deliveries.collection.update_many({}, {"$set": {"created_at": now() - timedelta(hours=1)}})
        assert await _admitted(FormLimits(store, 3), [ATTACKER], _spread(1)) == 1, "the ten minutes are over"
        first = await store.deliveries.find_one({"origins": {"$exists": True}})
        assert first
        copies = [first.model_copy(update={"id": f"copy{i}"}) for i in range(30)]
        await store.deliveries.insert_many(copies)
        assert await _admitted(FormLimits(store, 3), [ATTACKER], _spread(1)) == 0, "the day is full"


async def test_a_form_that_is_sent_too_often_records_nothing(bot: Bot, make_contact: MakeContact, store: Store) -> None:
    bot.cards._limits = FormLimits(store, 2)
    workspace: Workspace = await bot.workspace()

    async def sign_up(i: int) -> bool:
        contact = await make_contact()
        part = await asked(bot, contact)
        answer = await answer_to(bot, part, contact, address=f"(201) 555-01{i:02d}", context=Context(ip=ATTACKER))
        try:
            await bot.cards.submit(part, contact, workspace, answer)
            await bot.cards.submit(part, contact, workspace, answer)  # the same again counts once
        except TooManySignUps:
            return False
        return True

    assert [await sign_up(i) for i in range(4)] == [True, True, False, False]
    assert await store.events.count_about() == 2


async def test_the_form_says_so(mongo: EmbeddedServer, demo_store: Store, settings: Settings) -> None:
    """Behind a proxy, whose word for the client's address counts."""
    few = settings.model_copy(update={"trusted_proxies": 1, "form_limit": 2})
    from_there = {"X-Forwarded-For": ATTACKER}
    async with (
        open_store(mongo.url, demo_store.database.name) as own,
        serving(own, few) as server,
        aiohttp.ClientSession(headers=from_there, cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        people = [Visitor(session, str(server.make_url("")).rstrip("/")) for _ in range(4)]
        for person in people:
            await person.open()
        numbers = ["(201) 555-0123", "(202) 555-0123", "(203) 555-0123", "(206) 555-0123"]
        said = [await person.submit(number) for person, number in zip(people, numbers, strict=True)]
    assert [status for status, _ in said] == [200, 200, 422, 422]
    assert "Too many sign-ups from your network. Try again later." in said[-1][1]
    assert await demo_store.events.count_about() == 2
