"""Blocking number prefixes that never confirm, and warning before the budget of a day is used up."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.app import Bot
from bot.consent.form_windows import FormText
from bot.model.base import new_id, now
from bot.model.delivery import Delivery, DeliveryKind, DeliveryState
from bot.model.form_limits import AbuseLimits, Limit
from bot.model.teammate import By
from bot.store import Store
from tests.people import NUMBER

PREFIX, OTHER = "+1201555", "+1202555"
ADA = By("ada", "Ada")


async def _texted(store: Store, prefix: str, count: int, kind: DeliveryKind = DeliveryKind.ASK, ago: int = 60) -> None:
    """Questions of forms, or what confirms them, `ago` minutes ago."""
    time = now() - timedelta(minutes=ago)
    await store.deliveries.insert_many(
        [
            Delivery(
                id=new_id(), contact="c", kind=kind, event="e", number=f"{prefix}{i:04d}", locale="en", prefix=prefix,
                state=DeliveryState.SENT, created_at=time, updated_at=time,
            )
            for i in range(count)
        ]
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _limited(bot: Bot) -> None:
    bot.form_limits.network = 100


async def _refusal(bot: Bot) -> Limit | None:
    return (await bot.form_limits.take(FormText(NUMBER))).refused


async def test_a_prefix_that_never_confirms_is_blocked(
    bot: Bot, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await _texted(store, PREFIX, 10)
    await _texted(store, OTHER, 10)
    await _texted(store, OTHER, 1, DeliveryKind.CONFIRMED)
    assert await _refusal(bot) is None
    await bot.form_watch.look_now()
    assert await _refusal(bot) is Limit.BLOCKED_PREFIX
    assert not (await bot.form_limits.take(FormText(f"{OTHER}0123"))).refused
    assert "0 of 10 confirmed" in caplog.text
    assert PREFIX not in caplog.text
    assert (await bot.form_limits.withheld_today())[Limit.BLOCKED_PREFIX] == 1


@pytest.mark.parametrize(("count", "ago"), [(9, 60), (10, 5), (10, 13 * 60)])
async def test_few_questions_and_new_and_old_ones_block_nothing(bot: Bot, store: Store, count: int, ago: int) -> None:
    await _texted(store, PREFIX, count, ago=ago)
    await bot.form_watch.look_now()
    assert await _refusal(bot) is None


async def test_an_unblocked_prefix_is_spared(bot: Bot, store: Store) -> None:
    await _texted(store, PREFIX, 10)
    await bot.form_watch.look_now()
    await bot.abuse.unblock(PREFIX, ADA)
    await bot.form_watch.look_now()
    assert await _refusal(bot) is None


async def test_the_alarm_before_the_budget_is_used_up(bot: Bot, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    await bot.abuse.save(AbuseLimits(budget=2, alarm=50), ADA)
    await bot.form_watch.look_now()
    assert not bot.form_watch.is_alarmed
    assert await _refusal(bot) is None
    for _ in range(2):
        await bot.form_watch.look_now()
    assert (bot.form_watch.is_alarmed, bot.form_watch.used, bot.form_watch.budget) == (True, 1, 2)
    assert caplog.text.count("forms have caused 1 of 2 texts today") == 1, "said once"


async def test_nothing_is_watched_without_limits(bot: Bot, store: Store) -> None:
    bot.form_limits.network = 0
    await _texted(store, PREFIX, 10)
    await bot.form_watch.look()
    assert not await store.blocked_prefixes.count_about()
