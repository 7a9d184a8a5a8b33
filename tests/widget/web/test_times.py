"""Times in the reader's language and time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from aiohttp.test_utils import TestServer

from bot.app import Bot
from bot.model.base import now
from tests.widget.desk import ADA, at_desk
from widget.web.times import COOKIE, Clock

NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


def plain(text: str) -> str:
    return text.replace("\u202f", " ")


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=5), "5 minutes ago"),
        (timedelta(hours=2), "2 hours ago"),
        (timedelta(days=3), "3 days ago"),
    ],
)
def test_recent_times_are_relative(ago: timedelta, text: str) -> None:
    assert Clock().show(now() - ago).text == text


def test_an_older_time_is_a_date_and_exact_on_hover() -> None:
    shown = Clock("en", NEW_YORK).show(datetime(2025, 3, 1, 2, 30, tzinfo=UTC))
    assert (shown.text, plain(shown.exact)) == ("Feb 28, 2025", "Feb 28, 2025, 9:30 PM EST")
    assert shown.iso == "2025-03-01T02:30:00.000Z"


def test_a_date_field_is_read_in_the_readers_time_zone() -> None:
    assert Clock("en", NEW_YORK).parse("2026-11-23T12:00") == NOON


async def test_pages_use_the_browsers_time_zone_until_the_teammate_chose_one(server: TestServer, bot: Bot) -> None:
    base = str(server.make_url("")).rstrip("/")
    async with at_desk(base) as ada:
        assert "data-zone" not in (await ada.look("/inbox")).one("html").attrs
        ada.session.cookie_jar.update_cookies({COOKIE: "America/New_York"})
        assert (await ada.look("/inbox")).one("html").attrs["data-zone"] == "America/New_York"
        ada.session.cookie_jar.update_cookies({COOKIE: "../etc/passwd"})
        assert "data-zone" not in (await ada.look("/inbox")).one("html").attrs
        me = await bot.teammates.named(ADA)
        chosen = {"locale": "de", "time_zone": "Europe/Berlin"}
        await bot.store.teammates.update({"_id": me.id}, {"$set": chosen})
        page = (await ada.look("/settings/subscriptions")).one("html")
        assert (page.attrs["data-zone"], page.attrs["lang"]) == ("Europe/Berlin", "de")
