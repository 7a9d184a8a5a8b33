"""Sites that were seen with the chat: whoever asks can name any."""

from __future__ import annotations

import pytest

from bot.app import Bot
from bot.workspace import sites

SHOP = "https://shop.example"
EVIL = "203.0.113.5"


async def seen(bot: Bot) -> set[str]:
    await bot.finish()
    return {visit.id for visit in await bot.store.site_visits.newest(limit=1000)}


async def test_one_network_names_few_new_sites(bot: Bot) -> None:
    for i in range(2 * sites.MOST_NEW):
        bot.sites.note(f"https://{i}.evil.example", (), EVIL)
        bot.sites._noted.clear()  # a minute later
        await bot.finish()
    bot.sites.note(SHOP, (), "198.51.100.7")
    assert len(await seen(bot)) == sites.MOST_NEW + 1
    assert SHOP in await seen(bot)


async def test_nor_does_it_keep_others_out_of_a_minute(bot: Bot) -> None:
    for i in range(sites.MOST_NOTED):
        bot.sites.note(f"https://{i}.evil.example", (), EVIL)
    bot.sites.note(SHOP, (), "198.51.100.7")
    assert SHOP in await seen(bot)


async def test_a_site_of_the_list_is_always_noted(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "MOST_NOTED", 3)
    monkeypatch.setattr(sites, "MOST_SEEN", 3)
    allowed = (SHOP, "https://*.evil.example")
    bot.sites.note(SHOP, allowed, EVIL)
    for i in range(6):
        bot.sites.note(f"https://{i}.evil.example", allowed, f"203.0.113.{i}")
        bot.sites._noted.clear()
        await bot.finish()
    assert len(found := await seen(bot)) == 3
    assert SHOP in found


async def test_of_too_many_sites_those_not_seen_for_longest_are_forgotten(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sites, "MOST_SEEN", 3)
    for i in range(5):
        bot.sites.note(f"https://{i}.example", (), f"203.0.113.{i}")
        await bot.finish()
    assert await seen(bot) == {f"https://{i}.example" for i in (2, 3, 4)}


async def test_an_endless_name_is_not_noted(bot: Bot) -> None:
    bot.sites.note(f"https://{'a' * 1000}.example", (), EVIL)
    assert await seen(bot) == set()
