"""Settings > Senders."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.store import Store, open_store
from bot.store.embedded import EmbeddedServer
from tests.conftest import free_port, serving
from tests.twilio.fake import ACCOUNT, SERVICE, FakeTwilio, fake_twilio, twilio_settings
from tests.widget.admins import new_teammate
from tests.widget.desk import Desk, at_desk
from tests.widget.help import Running

PATH = "/settings/senders"


@pytest.fixture
async def twilio() -> AsyncIterator[FakeTwilio]:
    async with fake_twilio() as twilio:
        yield twilio


@pytest.fixture
async def desk(twilio: FakeTwilio, mongo: EmbeddedServer, demo_store: Store) -> AsyncIterator[Desk]:
    """Of an admin whose server sends through Twilio."""
    port = free_port()
    settings = twilio_settings(twilio, public_url=f"http://127.0.0.1:{port}")
    url = settings.public_url
    async with open_store(mongo.url, "sayso_test") as own, serving(own, settings, port), at_desk(url) as desk:
        yield desk


async def test_a_country_gets_a_sender_and_loses_it(running: Running) -> None:
    async with new_teammate(running) as eve:
        wanted = {
            "country": "AU",
            "sender": "HARBOR",
            "registration": "pending",
            "reference": "REF-1",
            "per_second": "",
        }
        assert (await eve.desk.post(PATH, wanted))[0] == 303
        page = await eve.desk.look(PATH)
        for words in ("Australia", "HARBOR", "Pending", "REF-1", "this country requires registered names"):
            assert words in page.text
        assert page.one("td", data_label="Texts per second").text == "10"
        assert (await eve.desk.post(PATH, {**wanted, "per_second": "2.5"}))[0] == 303
        assert (await eve.desk.look(PATH)).one("td", data_label="Texts per second").text == "2.5"
        assert (await eve.desk.post(f"{PATH}/AU/remove", {}))[0] == 303
        assert "HARBOR" not in (await eve.desk.look(PATH)).text
        assert (await eve.desk.post(f"{PATH}/AU/remove", {}))[0] == 404


@pytest.mark.parametrize(
    ("name", "value"),
    [("sender", "no-name"), ("sender", ""), ("country", "XX"), ("registration", "maybe"), ("per_second", "many")],
)
async def test_a_wrong_value_is_named(running: Running, name: str, value: str) -> None:
    async with new_teammate(running) as eve:
        status, page = await eve.desk.post(PATH, {"country": "US", "sender": "72345", name: value})
        assert (status, len(page.all("p", id=f"{name}-error"))) == (422, 1)


async def test_the_simulator_says_that_no_text_leaves(running: Running) -> None:
    async with new_teammate(running) as eve:
        assert "no text leaves this machine" in (await eve.desk.look(PATH)).text
        assert (await eve.desk.post(f"{PATH}/test", {}))[0] == 422


async def test_the_connection_is_tested_both_ways(desk: Desk, twilio: FakeTwilio) -> None:
    page = await desk.look(PATH)
    for words in (ACCOUNT, SERVICE):
        assert words in page.text
    assert page.one("input", id="inbound-url").attrs["value"].endswith("/webhooks/twilio/inbound#rc=3&rp=all")
    assert (await desk.post(f"{PATH}/test", {}))[0] == 303
    assert "Harbor Coffee" in await desk.said()


async def test_a_refused_account_is_said(desk: Desk, twilio: FakeTwilio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.twilio.fake.TOKEN", "another")
    status, page = await desk.post(f"{PATH}/test", {})
    assert status == 422
    assert "auth_failed" in page.text
