"""Settings > Keywords."""

from __future__ import annotations

import secrets

import pytest

from bot.demo import DEALS, NEWS
from tests.widget.admins import new_teammate
from tests.widget.help import Running

PATH = "/settings/keywords"


def _form(**values: str) -> dict[str, str]:
    usual = {
        "keyword": f"beans{secrets.randbelow(10**8):08}", "subscription": DEALS, "place": "Poster", "locale": "en",
        "title": "Text us for 10% off", "legal_text": "Too short.", "accepted": "",
    }  # fmt: skip
    return {**usual, **values}


async def test_a_keyword_is_created_edited_paused_and_resumed(running: Running) -> None:
    async with new_teammate(running) as eve:
        page = await eve.desk.look(f"{PATH}/-/new")
        legal = page.one("textarea", id="legal_text").text.strip()
        assert legal.startswith("By texting this keyword you agree to get recurring automated marketing text messages")
        typed = _form(legal_text=legal)
        here = f"{PATH}/{typed['keyword']}"
        assert (await eve.desk.post(f"{PATH}/-/new", typed))[0] == 303
        assert typed["keyword"].upper() in await eve.desk.said()
        edited = {name: value for name, value in typed.items() if name != "keyword"}
        assert (await eve.desk.post(here, {**edited, "title": "Text us for 20% off", "version": "1"}))[0] == 303
        shown = (await eve.desk.look(here)).text
        for words in ("Text us for 20% off", "Text us for 10% off", "Version 2", "edited it"):
            assert words in shown
        status, page = await eve.desk.post(here, {**edited, "version": "7"})
        assert status == 409
        assert (await eve.desk.post(f"{here}/pause", {"version": "2"}))[0] == 303
        assert "Paused" in (await eve.desk.look(PATH)).text
        assert (await eve.desk.post(f"{here}/resume", {"version": "3"}))[0] == 303
        assert (await running.bot.programs.offered(DEALS)) is not None


async def test_an_incomplete_legal_text_has_to_be_confirmed(running: Running) -> None:
    async with new_teammate(running) as eve:
        typed = _form()
        status, page = await eve.desk.post(f"{PATH}/-/new", typed)
        assert status == 422
        assert "Missing from the legal text" in page.text
        (button,) = page.all("button", name="accepted")
        assert (await eve.desk.post(f"{PATH}/-/new", {**typed, "accepted": button.attrs["value"]}))[0] == 303


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("keyword", "stop"),
        ("keyword", "two words"),
        ("subscription", NEWS),
        ("title", ""),
        ("legal_text", ""),
        ("place", ""),
    ],
)
async def test_a_wrong_value_is_named(running: Running, name: str, value: str) -> None:
    async with new_teammate(running) as eve:
        status, page = await eve.desk.post(f"{PATH}/-/new", _form(**{name: value}))
        assert (status, len(page.all("p", id=f"{name}-error"))) == (422, 1)


async def test_an_unknown_keyword_is_not_found(running: Running) -> None:
    async with new_teammate(running) as eve:
        assert (await eve.desk.get(f"{PATH}/nothing"))[0] == 404
        assert (await eve.desk.post(f"{PATH}/nothing/pause", {"version": "1"}))[0] == 404
