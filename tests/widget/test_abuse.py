"""Settings > Abuse protection."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.model.base import now
from bot.model.form_limits import AbuseLimits, BlockedPrefix
from tests.widget.admins import new_teammate
from tests.widget.desk import BEN, at_desk
from tests.widget.help import Running

PATH = "/settings/abuse"
LIMITS = {"prefix": "30", "session": "3", "country": "100", "budget": "500", "alarm": "90"}


async def test_the_limits_are_saved(running: Running) -> None:
    async with new_teammate(running) as eve:
        assert (await eve.desk.post(PATH, LIMITS))[0] == 303
        page = await eve.desk.look(PATH)
        assert page.one("input", id="budget").attrs["value"] == "500"
        assert "30 an hour, 150 a day" in page.text
        assert "checked" not in page.one("input", id="asks_proof").attrs, "off unless an admin turns it on"
        assert (await eve.desk.post(PATH, {**LIMITS, "asks_proof": "on"}))[0] == 303
        assert "checked" in (await eve.desk.look(PATH)).one("input", id="asks_proof").attrs
        assert "SAYSO_FORM_LIMIT is 0" in page.text, "as in all tests"
    await running.store.workspaces.change({"abuse": AbuseLimits().model_dump()})


@pytest.mark.parametrize(("name", "value"), [("prefix", "0"), ("budget", "many"), ("alarm", "101"), ("session", "")])
async def test_a_wrong_value_is_named(running: Running, name: str, value: str) -> None:
    async with new_teammate(running) as eve:
        status, page = await eve.desk.post(PATH, {**LIMITS, name: value})
        assert (status, len(page.all("p", id=f"{name}-error"))) == (422, 1)


async def test_a_blocked_prefix_is_shown_and_unblocked(running: Running) -> None:
    ends = now() + timedelta(hours=1)
    await running.store.blocked_prefixes.insert(
        BlockedPrefix(id="+1201888", asked=14, confirmed=0, blocked_at=now(), until=ends, expires_at=ends)
    )
    async with new_teammate(running) as eve:
        shown = (await eve.desk.look(PATH)).text
        assert "+1201888••••" in shown
        assert "0 of 14" in shown
        assert (await eve.desk.post(f"{PATH}/1201888/unblock", {}))[0] == 303
        assert "+1201888" not in (await eve.desk.look(PATH)).text
        assert (await eve.desk.post(f"{PATH}/1201888/unblock", {}))[0] == 404


async def test_admins_are_warned_on_every_page_and_agents_are_not(running: Running) -> None:
    watch = running.bot.form_watch
    watch.is_alarmed, watch.used, watch.budget = True, 1600, 2000
    try:
        async with new_teammate(running) as eve, at_desk(running.base, BEN) as ben:
            assert "Forms have triggered 1600 of 2000 texts today." in (await eve.desk.look("/contacts")).text
            assert "Forms have triggered" not in (await ben.look("/contacts")).text
        async with running.session.get(f"{running.base}/metrics") as answer:
            assert "sayso_form_texts_today 1600.0" in await answer.text()
    finally:
        watch.is_alarmed = False
