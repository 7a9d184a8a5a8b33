"""Saved forms: kept once under a name, for all teammates, until one removes them."""

from __future__ import annotations

import asyncio

import pytest

from bot.app import Bot
from bot.errors import FormWrong
from bot.model.teammate import By
from bot.workspace.form_templates import MOST
from tests.people import card, wording

ADA, BEN = By("ada0ada0ada0ada0ada0ada0", "Ada"), By("be00be00be00be00be00be00", "Ben")


async def names(bot: Bot) -> list[str]:
    return [template.name for template in await bot.forms.all()]


async def test_a_form_is_kept_with_its_words_and_who_wrote_it(bot: Bot) -> None:
    form = card(title="Get deals", button="Yes please", legal_text="[Terms](https://example.com)")
    saved = await bot.forms.save("Deals", form, ADA, "k", wording())
    assert await bot.forms.get(saved.id) == saved
    assert (saved.title, saved.button, saved.legal_text) == (form.title, form.button, form.legal_text)
    assert (saved.subscription, saved.by) == (form.subscription, ADA.id)


async def test_they_stand_in_the_order_of_their_names_whatever_the_case(bot: Bot) -> None:
    for name in ("pears", "Apples", "Zebra", "melons"):
        await bot.forms.save(name, card(), ADA, name, wording())
    assert await names(bot) == ["Apples", "melons", "pears", "Zebra"]


@pytest.mark.parametrize("name", ["Deals", "deals", " DEALS "])
async def test_a_name_is_taken_once_whoever_took_it(bot: Bot, name: str) -> None:
    await bot.forms.save("Deals", card(), ADA, "first", wording())
    with pytest.raises(FormWrong) as wrong:
        await bot.forms.save(name, card(title="Another"), BEN, "second", wording())
    assert list(wrong.value.faults) == ["template_name"]
    assert [t.title for t in await bot.forms.all()] == [card().title]


async def test_the_same_form_sent_twice_at_once_is_kept_once(bot: Bot) -> None:
    one, other = await asyncio.gather(*(bot.forms.save("Deals", card(), ADA, "k", wording()) for _ in range(2)))
    assert one.id == other.id
    assert await names(bot) == ["Deals"]


async def test_what_is_removed_is_gone_and_its_name_is_free(bot: Bot) -> None:
    saved = await bot.forms.save("Deals", card(), ADA, "k", wording())
    for _again in range(2):
        await bot.forms.remove(saved.id, BEN)
    assert await bot.forms.get(saved.id) is None
    assert await names(bot) == []
    await bot.forms.save("Deals", card(), BEN, "k2", wording())
    assert await names(bot) == ["Deals"]


async def test_there_are_no_more_than_teammates_can_read(bot: Bot) -> None:
    await asyncio.gather(*(bot.forms.save(f"Form {i}", card(), ADA, str(i), wording()) for i in range(MOST)))
    with pytest.raises(FormWrong):
        await bot.forms.save("One more", card(), ADA, "more", wording())
    assert len(await bot.forms.all()) == MOST
